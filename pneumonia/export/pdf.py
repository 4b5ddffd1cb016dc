"""A film's report as PDF: verdicts, the film and its evidence on one page of A4.

It holds nothing of the film's file but its format, size and how it was read: no path, no patient
element, and its name, which is often a patient's, only if asked for. The same predictions, words
and date give the same bytes.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from PIL import Image

from pneumonia.card import Card
from pneumonia.export.canvas import (
    ACCENT,
    BODY,
    FOOT,
    INK,
    LEFT,
    QUIET,
    RAISED,
    RIGHT,
    SPAN,
    Canvas,
)
from pneumonia.export.records import SOFTWARE, percent
from pneumonia.export.words import Words, headline, spoke
from pneumonia.overlay import FULL_STRENGTH, film_image, overlay
from pneumonia.prediction import Prediction

FILM_SIDE, HEAT_SIDE = 1000, 800  # longest sides of the embedded pictures, px

SCALE = LEFT + 104  # mm: where the scales of the verdicts begin
COARSEST, SMALLEST = 0.5, 40.0  # a small film is enlarged to 0.5 mm a pixel, or 40 mm, at most
WIDE = 2.0  # width / height from which the heat goes below the film
VERDICT, PICTURES = 20.0, 60.0  # mm: a model's verdict, and the least room for the pictures
GAP, CAPTION = 6.0, 12.0  # mm between pictures, and below each for its three lines


def pdf(
    predictions: Sequence[Prediction], words: Words, when: datetime | None = None, name: str = ""
) -> bytes:
    """One film's report on one page: verdicts, film and heat, provenance, intended use.

    Args:
        predictions: of one film, one per model; those without a heatmap show none. Where there are
            more models than fit on a page, further pages follow.
        words: of the report's language.
        when: the date of the report, by default now; without a time zone it counts as UTC.
        name: what the film is called in it, by default no name.

    Raises:
        ValueError: there are no predictions.
    """
    if not predictions:
        raise ValueError("A report needs at least one prediction.")
    canvas, film = Canvas(words, when), predictions[0].radiograph
    height, width = film.size
    canvas.start()
    known = all(p.in_scope for p in predictions)
    y = BODY if known else _refusal(canvas, BODY, predictions)
    if known:
        y = canvas.text_box(LEFT, y, headline(predictions, words), 15, bold=True, lines=3)
        if len(predictions) > 1:
            y = canvas.text_box(LEFT, y + 0.5, words("agreement.same"), 8, QUIET, lines=2)
    kind = words("format.picture") if film.format == "picture" else film.format
    notes = [words(f"note.{note.code}", **note.arguments) for note in film.notes]
    size = f"{width} × {height} px · {kind}"
    y = canvas.text_box(LEFT, y + 2, name or words("upload.label"), 9, bold=True, lines=2)
    y = canvas.text_box(LEFT, y, size, 8, QUIET, ltr=True)
    y = (canvas.text_box(LEFT, y, " · ".join(notes), 8, QUIET, lines=5) if notes else y) + 4
    for prediction in predictions:
        y = _verdict(canvas, _with_room(canvas, y, VERDICT), prediction, known)
    y = _axis(canvas, y)
    y = _with_room(canvas, y + 7, PICTURES + 3.5 * (len(predictions) + 9))
    bottom = _small_print(canvas, predictions)
    _pictures(canvas, y, bottom - 4, predictions)
    return canvas.output()


def _with_room(canvas: Canvas, y: float, height: float) -> float:
    """Where a part of that height can begin: at ``y``, or on a new page."""
    if y + height <= FOOT:
        return y
    canvas.start()
    return BODY


def _refusal(canvas: Canvas, y: float, predictions: Sequence[Prediction]) -> float:
    """Why the film is refused: one model that does not know it is enough, as on the page."""
    words, gates = canvas.words, dict.fromkeys(reason(p, canvas.words) for p in predictions)
    left, width = LEFT + 6, SPAN - 12
    texts = [(text, INK) for text in gates if text] + [(words("gate.scope"), QUIET)]
    end = y + 10 + sum(canvas.text_height(text, 8, width, 3) for text, _ in texts) + 3
    canvas.fill_rect(LEFT, y, SPAN, end - y, RAISED)
    canvas.fill_rect(LEFT, y, 1, end - y, ACCENT)
    y = canvas.text_box(left, y + 3, words("gate.title"), 11.5, bold=True, width=width) + 0.5
    for text, colour in texts:
        y = canvas.text_box(left, y, text, 8, colour, width=width, lines=3)
    return end + 2


def reason(prediction: Prediction, words: Words) -> str:
    """Why the film is out of this model's scope, or nothing."""
    gate = prediction.gate
    return "" if gate.ok else words(f"gate.{gate.code}", **gate.arguments)


def _verdict(canvas: Canvas, y: float, prediction: Prediction, known: bool) -> float:
    """One model's row: the verdict in words, the probability, and where it lies on the scale."""
    words = canvas.words
    canvas.hairline(y)
    verdict = words(f"verdict.{prediction.verdict}" if known else "style.out")
    canvas.text_box(LEFT, y + 2.8, prediction.card.title, 8, QUIET, width=62)
    canvas.text_box(LEFT, y + 6.8, verdict, 12, bold=True, width=70)
    if known:
        sentence = words(f"sentence.{prediction.verdict}")
        canvas.text_box(LEFT, y + 13, sentence, 8, QUIET, width=SCALE - LEFT - 4, lines=2)
    chance, size = percent(prediction.probability), 21 if known else 13
    colour = INK if known else QUIET
    canvas.text_box(
        LEFT + 70, y + 4.6, chance, size, colour, bold=known, width=28, align="R", ltr=True
    )
    p, band, place = prediction.probability, prediction.card.conformal.uncertain, y + 4.6
    canvas.scale(SCALE, place, RIGHT - SCALE, p, *band, ACCENT if known else QUIET)
    if known:
        low, high = map(percent, band)
        canvas.hatch(SCALE, y + 11.1, 4, 2)
        between = words("pdf.between", low=low, high=high)
        canvas.text_box(SCALE + 5.5, y + 10.4, between, 6.6, QUIET, lines=2)
    return y + VERDICT


def _axis(canvas: Canvas, y: float) -> float:
    """What the scales above it run over, from left to right everywhere."""
    canvas.hairline(y)
    texts = ["0\u00a0%", canvas.words("scale.axis"), "100\u00a0%"]
    ends = zip(reversed(texts) if canvas.mirrored else texts, "LCR", strict=True)
    return max(
        canvas.text_box(SCALE, y + 1.2, text, 6.6, QUIET, align=at, ltr="%" in text)
        for text, at in ends
    )


def _pictures(canvas: Canvas, top: float, bottom: float, predictions: Sequence[Prediction]) -> None:
    """The film and what each model used, as large as there is room."""
    words, film = canvas.words, predictions[0].radiograph
    known = all(p.in_scope for p in predictions)
    heats = [(p, p.attribution) for p in predictions if p.attribution is not None]
    height, width = film.pixels.shape
    if heats:
        top = _legend(canvas, top)
    (x, y, w, h), *places = _places(width, height, len(heats), bottom - top)
    picture = reduced(film.pixels, FILM_SIDE)
    canvas.picture(picture, LEFT + x, top + y, w, h, words("viewer.film"))
    canvas.text_box(LEFT + x, top + y + h + 1, words("viewer.film"), 7.5, bold=True)
    picture = np.asarray(reduced(film.pixels, HEAT_SIDE), np.float32) / 255
    for (prediction, attribution), (x, y, w, h) in zip(heats, places, strict=True):
        title, used = prediction.card.title, words(f"viewer.{spoke(attribution)}")
        alt = f"{title}: {used}"
        canvas.picture(overlay(picture, attribution), LEFT + x, top + y, w, h, alt)
        title += "" if known else f" · {words('style.out')}"
        room = min(max(w, 50), SPAN - x)
        end = canvas.text_box(LEFT + x, top + y + h + 1, title, 7.5, bold=True, width=room)
        canvas.text_box(LEFT + x, end, used, 7, QUIET, width=room, lines=2)


def _places(width: int, height: int, heats: int, room: float) -> list[tuple[float, ...]]:
    """Where the film and ``heats`` smaller pictures of it go: (x, y, width, height) in mm.

    They stand in a column beside the film that ends where it does; below it if it is a wide one.
    """
    aspect, captions = width / height, CAPTION * max(heats - 1, 0)
    wide = min(SPAN, max(COARSEST * max(height, width), SMALLEST) * min(aspect, 1))
    if heats and aspect > WIDE:
        share = (SPAN - GAP * (heats - 1)) / heats / SPAN  # of each one of the film's width
        wide = min(wide, (room - 2 * CAPTION) * aspect / (1 + share))
        step, top = wide * share + GAP, wide / aspect + CAPTION
        row = [(i * step, top, wide * share, wide * share / aspect) for i in range(heats)]
        return [(0, 0, wide, wide / aspect), *row]
    wide = min(wide, (room - CAPTION) * aspect)
    if heats:
        wide = min(wide, (SPAN - GAP + captions * aspect / heats) / (1 + 1 / heats))
    tall = wide / aspect
    small = max((tall - captions) / max(heats, 1), 4)
    column = [(wide + GAP, i * (small + CAPTION), small * aspect, small) for i in range(heats)]
    return [(0, 0, wide, tall), *column]


def _legend(canvas: Canvas, y: float) -> float:
    """The heading over the pictures, and the heat's scale, which is the same for all films."""
    words = canvas.words
    y = canvas.text_box(LEFT, y, words("viewer.heading"), 11, bold=True)
    signed = np.linspace(-FULL_STRENGTH, FULL_STRENGTH, 255, dtype=np.float32)[None]
    bar = overlay(np.full((8, 255), 0.5, np.float32), signed.repeat(8, axis=0))
    middle, ends = (LEFT + RIGHT) / 2 - 15, [words("viewer.lowers_2"), words("viewer.raises_2")]
    first, last = reversed(ends) if canvas.mirrored else ends  # the bar itself is not mirrored
    canvas.text_box(LEFT, y + 0.9, first, 7, QUIET, width=middle - LEFT - 2, align="R")
    ramp = words("viewer.ramp", full=f"{FULL_STRENGTH:g}")
    canvas.picture(bar, middle, y + 1.5, 30, 2.4, ramp)
    canvas.text_box(middle + 32, y + 0.9, last, 7, QUIET)
    scale = f"{words('viewer.scale')} {ramp}."
    return canvas.text_box(LEFT, y + 5, scale, 7, QUIET, lines=3) + 2


def _small_print(canvas: Canvas, predictions: Sequence[Prediction]) -> float:
    """What the models cannot see and what made the report, above the foot; where it begins."""
    blind = canvas.words("blind.text")
    lines = [" · ".join([p.card.title, *made(p.card)]) for p in predictions]
    lines.append(SOFTWARE)
    start = FOOT - 3 - 3.5 * len(lines) - canvas.text_height(blind, 7, SPAN, 5)
    y = canvas.text_box(LEFT, start, blind, 7, QUIET, lines=5)
    for line in lines:
        y = canvas.text_box(LEFT, y, line, 7, QUIET, ltr=True)
    return start


def made(card: Card) -> list[str]:
    """A model's version and weights."""
    return [card.version, card.weights.sha256[:12]]


def reduced(pixels: np.ndarray, side: int) -> Image.Image:
    """The film as a grey picture, its longer side at most ``side`` pixels."""
    step = max(max(pixels.shape) // (4 * side), 1)  # large films: skip most of the work
    picture = film_image(pixels[::step, ::step])
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture
