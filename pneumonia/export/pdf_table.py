"""A report of many films as PDF: a table over pages of A4, one row per film."""

from collections.abc import Sequence
from datetime import datetime

from pneumonia.card import Card
from pneumonia.export.canvas import (
    BODY,
    FOOT,
    LEFT,
    QUIET,
    RIGHT,
    Canvas,
)
from pneumonia.export.pdf import made, reason, reduced
from pneumonia.export.records import Row, percent
from pneumonia.export.words import Words
from pneumonia.reading.refusals import RadiographError

THUMB_SIDE = 96  # longest side of a thumbnail, px
ROW, HEADER, HEADING = 16.0, 10.0, 12.0  # mm: a table's rows, its header, its first page's heading
NUMBER, THUMB, NAME = 9.0, 17.0, 48.0  # mm: widths of its first columns


def pdf_table(
    rows: Sequence[Row], words: Words, when: datetime | None = None, names: bool = False
) -> bytes:
    """A report of many films, one per row: thumbnail, name, each model's verdict or the reason.

    Args:
        rows: a film's name, and its predictions (heatmaps are not needed) or why it has none. Of a
            film's pixels only a thumbnail is made: smaller copies serve as well.
        words: of the report's language.
        when: the date of the report, by default now; without a time zone it counts as UTC.
        names: whether it holds the films' names, which are often patients'.
    """
    canvas = Canvas(words, when)
    cards = {
        p.model: p.card
        for _, answer in rows
        if not isinstance(answer, RadiographError)
        for p in answer
    }
    first, more = (int((FOOT - 2 - HEADER - top) / ROW) for top in (BODY + HEADING, BODY))
    pages = [rows[:first], *(rows[i : i + more] for i in range(first, len(rows), more))]
    number = 0
    for page, part in enumerate(pages, 1):
        canvas.start(f"{page} / {len(pages)}")
        y = _table_heading(canvas, rows) if page == 1 else BODY
        y = _table_header(canvas, y, cards)
        for row in part:
            number += 1
            _table_row(canvas, y, number, row, list(cards), names)
            y += ROW
    return canvas.output()


def _table_heading(canvas: Canvas, rows: Sequence[Row]) -> float:
    """How many films there are, and of how many there is no verdict."""
    answers = [answer for _, answer in rows]
    lost = sum(isinstance(answer, RadiographError) for answer in answers)
    strange = sum(
        not isinstance(answer, RadiographError) and any(not p.in_scope for p in answer)
        for answer in answers
    )
    words = [canvas.words("pdf.films", count=len(rows))]
    words += [canvas.words("pdf.unread", count=lost)] * (lost > 0)
    words += [canvas.words("pdf.strange", count=strange)] * (strange > 0)
    canvas.text_box(LEFT, BODY, " · ".join(words), 13, bold=True)
    return BODY + HEADING


def _table_header(canvas: Canvas, y: float, cards: dict[str, Card]) -> float:
    """The columns' names and the models' provenance."""
    end = canvas.text_box(LEFT + NUMBER, y, canvas.words("column.film"), 8, bold=True)
    canvas.hatch(LEFT + NUMBER, end + 0.6, 4, 2)
    canvas.text_box(LEFT + NUMBER + 5, end, canvas.words("zone.between"), 6.2, QUIET)
    for card, (x, width) in zip(cards.values(), _columns(len(cards)), strict=True):
        end = canvas.text_box(x, y, card.title, 8, bold=True, width=width)
        canvas.text_box(x, end, " · ".join(made(card)), 6.2, QUIET, width=width, ltr=True)
    return y + HEADER


def _columns(count: int) -> list[tuple[float, float]]:
    """Left edge and width of each model's column."""
    left = LEFT + NUMBER + THUMB + NAME
    width = (RIGHT - left) / max(count, 1)
    return [(left + i * width, width - 4) for i in range(count)]


def _table_row(
    canvas: Canvas, y: float, number: int, row: Row, models: list[str], names: bool
) -> None:
    """A film with its verdicts, or why there are none."""
    (name, answer), words = row, canvas.words
    name = name if names else words("upload.label")
    canvas.hairline(y)
    y += 1.8
    canvas.text_box(LEFT, y, str(number), 7, QUIET)
    canvas.text_box(LEFT + NUMBER + THUMB, y, name, 7.5, width=NAME - 4, lines=3)
    left = LEFT + NUMBER + THUMB + NAME
    if isinstance(answer, RadiographError):
        sentence = words(f"refusal.{answer.code}", **{**answer.arguments, "name": name})
        end = canvas.text_box(left, y, words("refusal.title"), 8, QUIET, bold=True)
        canvas.text_box(left, end, sentence, 6.8, QUIET, lines=2)
        return
    if not answer:
        return
    pixels = answer[0].radiograph.pixels
    picture = reduced(pixels, THUMB_SIDE)
    fit = min((THUMB - 3) / picture.width, (ROW - 3.6) / picture.height)
    size = fit * picture.width, fit * picture.height
    canvas.picture(picture, LEFT + NUMBER, y, *size, words("viewer.film"))
    reasons = dict.fromkeys(filter(None, (reason(p, words) for p in answer)))
    if reasons:  # one model that does not know it is enough, as on the page
        end = canvas.text_box(left, y, words("style.out"), 8, QUIET, bold=True)
        canvas.text_box(left, end, " ".join(reasons), 6.8, QUIET, lines=2)
        return
    columns = dict(zip(models, _columns(len(models)), strict=True))
    for prediction in answer:
        x, width = columns[prediction.model]
        verdict = words(f"verdict.{prediction.verdict}")
        canvas.text_box(x, y, verdict, 8, bold=True, width=width)
        canvas.text_box(x, y, percent(prediction.probability), 8, width=width, align="R", ltr=True)
        band = prediction.card.conformal.uncertain
        canvas.scale(x, y + 5.6, width, prediction.probability, *band)
