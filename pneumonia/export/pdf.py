"""A film's report as PDF: verdicts, the film and its evidence on one page of A4.

It holds nothing of the film's file but its name, format, size and how it was read: no path and no
patient element. The same predictions and date give the same bytes.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from pneumonia.card import Card
from pneumonia.export.canvas import (
    ACCENT,
    BODY,
    FOOT,
    LEFT,
    QUIET,
    RAISED,
    RIGHT,
    SPAN,
    Canvas,
)
from pneumonia.export.records import SENTENCES, SOFTWARE, percent
from pneumonia.overlay import FAINT, FULL_STRENGTH, reduced, signed_overlay
from pneumonia.predictor import Prediction

FILM_SIDE, HEAT_SIDE = 1000, 800  # longest sides of the embedded pictures, px

SCALE = LEFT + 104  # mm: where the scales of the verdicts begin
COARSEST, SMALLEST = 0.5, 40.0  # a small film is enlarged to 0.5 mm a pixel, or 40 mm, at most
WIDE = 2.0  # width / height from which the heat goes below the film
VERDICT, PICTURES = 20.0, 60.0  # mm: a model's verdict, and the least room for the pictures
GAP, CAPTION = 6.0, 10.0  # mm between pictures, and below each for its two lines


def pdf(predictions: Sequence[Prediction], when: datetime | None = None) -> bytes:
    """One film's report on one page: verdicts, film and heat, provenance, intended use.

    Args:
        predictions: of one film, one per model; those without a heatmap show none. Where there are
            more models than fit on a page, further pages follow.
        when: the date of the report, by default now; without a time zone it counts as UTC.

    Raises:
        ValueError: there are no predictions.
    """
    if not predictions:
        raise ValueError("A report needs at least one prediction.")
    canvas, film = Canvas("Chest film: a second look", when), predictions[0].radiograph
    height, width = film.size
    canvas.start()
    y = canvas.text_box(LEFT, BODY, film.name, 15, bold=True, lines=2)
    about = " · ".join([f"{width} × {height} px", film.format, *map(str, film.notes)])
    y = canvas.text_box(LEFT, y + 0.5, about, 8, QUIET, lines=5) + 5
    y = _refusal(canvas, y, predictions)
    for prediction in predictions:
        y = _verdict(canvas, _with_room(canvas, y, VERDICT), prediction)
    y = _axis(canvas, y)
    y = _with_room(canvas, y + 7, PICTURES + 3.5 * (len(predictions) + 5))
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
    """The refusal box, if any model's gate rejected the film."""
    rejected = [p for p in predictions if not p.in_scope]
    if not rejected:
        return y
    know = "knows" if len(rejected) == 1 else "know"
    if len(rejected) < len(predictions):
        *others, last = (p.card.title for p in rejected)
        who = f"{', '.join(others)} and {last} {know}" if others else f"{last} {know}"
    else:
        who = f"the model{'s' * (len(rejected) > 1)} {know}"
    gates = {p.card.title: str(p.gate) for p in rejected}
    if len(set(gates.values())) == 1:
        words = [*set(gates.values())]
    else:
        words = [f"{title}: {gate}" for title, gate in gates.items()]
    left, width = LEFT + 6, SPAN - 12
    end = y + 9.5 + sum(canvas.text_height(text, 8, width, 3) for text in words) + 7
    canvas.fill_rect(LEFT, y, SPAN, end - y, RAISED)
    canvas.fill_rect(LEFT, y, 1, end - y, ACCENT)
    y = canvas.text_box(left, y + 3, f"Not a film that {who}", 11.5, bold=True) + 0.5
    for text in words:
        y = canvas.text_box(left, y, text, 8, width=width, lines=3)
    canvas.text_box(left, y, "Out of scope: these numbers say nothing about a patient.", 8, QUIET)
    return end + 5


def _verdict(canvas: Canvas, y: float, prediction: Prediction) -> float:
    """One model's row: the verdict in words, the probability, and where it lies on the scale."""
    canvas.hairline(y)
    known, chance = prediction.in_scope, percent(prediction.probability)
    verdict = prediction.verdict if known else "OUT OF SCOPE"
    words = SENTENCES[verdict] if known else "this model knows no films like this one"
    canvas.text_box(LEFT, y + 2.8, prediction.card.title, 8, QUIET, width=62)
    canvas.text_box(LEFT, y + 6.8, verdict, 12, bold=True)
    canvas.text_box(LEFT, y + 13, words, 8, QUIET)
    if known:
        canvas.text_box(LEFT + 66, y + 4.6, chance, 21, bold=True, width=30, align="R")
    else:
        canvas.text_box(LEFT + 66, y + 5.4, chance, 13, QUIET, width=30, align="R")
        canvas.text_box(LEFT + 66, y + 12, "out of scope", 7, QUIET, width=30, align="R")
    scale(canvas, SCALE, y + 4.6, RIGHT - SCALE, prediction)
    low, high = map(percent, prediction.card.conformal.uncertain)
    clean = prediction.card.validation.clean
    rates = [f"{rate} {percent(getattr(clean, rate))}" for rate in ("sensitivity", "specificity")]
    rates = f"operating point {percent(prediction.threshold)}: {', '.join(rates)}"
    canvas.text_box(SCALE, y + 10, rates, 6.6, QUIET)
    canvas.hatch(SCALE, y + 14.1, 4, 2)
    canvas.text_box(SCALE + 5.5, y + 13.4, f"uncertain from {low} to {high}", 6.6, QUIET)
    return y + VERDICT


def scale(canvas: Canvas, x: float, y: float, width: float, prediction: Prediction) -> None:
    """Where a prediction lies between 0 and 1; grey where it is out of scope."""
    colour = ACCENT if prediction.in_scope else QUIET
    low, high = prediction.card.conformal.uncertain
    canvas.scale(x, y, width, prediction.probability, low, high, prediction.threshold, colour)


def _axis(canvas: Canvas, y: float) -> float:
    """What the scales above it run over."""
    canvas.hairline(y)
    ends = (("0\u00a0%", "L"), ("probability of pneumonia", "C"), ("100\u00a0%", "R"))
    return max(canvas.text_box(SCALE, y + 1.2, text, 6.6, QUIET, align=at) for text, at in ends)


def _pictures(canvas: Canvas, top: float, bottom: float, predictions: Sequence[Prediction]) -> None:
    """The film and what each model used, as large as there is room."""
    film = predictions[0].radiograph
    heats = [(p, p.attribution) for p in predictions if p.attribution is not None]
    height, width = film.pixels.shape
    if heats:
        top = _legend(canvas, top)
    (x, y, w, h), *places = _places(width, height, len(heats), bottom - top)
    picture = reduced(film.pixels, FILM_SIDE)
    canvas.picture(picture, LEFT + x, top + y, w, h, "The film")
    canvas.text_box(LEFT + x, top + y + h + 1, "Film", 7.5, bold=True)
    picture = np.asarray(reduced(film.pixels, HEAT_SIDE), np.float32) / 255
    for (prediction, attribution), (x, y, w, h) in zip(heats, places, strict=True):
        title, used = prediction.card.title, "warm raised it, cool lowered it"
        if np.abs(attribution).max() < FAINT:
            used = "nothing in the film spoke clearly"
        alt = f"The film with the map of {title}: {used}"
        canvas.picture(signed_overlay(picture, attribution), LEFT + x, top + y, w, h, alt)
        title += "" if prediction.in_scope else ", out of scope"
        room = min(max(w, 50), SPAN - x)
        end = canvas.text_box(LEFT + x, top + y + h + 1, title, 7.5, bold=True, width=room)
        canvas.text_box(LEFT + x, end, used, 7, QUIET, width=room)


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
    canvas.text_box(LEFT, y, "What the model used", 11, bold=True)
    signed = np.linspace(-FULL_STRENGTH, FULL_STRENGTH, 255, dtype=np.float32)[None]
    bar = signed_overlay(np.full((8, 255), 0.5, np.float32), signed.repeat(8, axis=0))
    left, full = LEFT + 50, f"{FULL_STRENGTH:g}"
    canvas.text_box(left, y + 0.9, "lowered", 7, QUIET)
    canvas.picture(bar, left + 11, y + 1.5, 30, 2.4, f"From -{full} to +{full} log-odds")
    canvas.text_box(left + 42.5, y + 0.9, "raised", 7, QUIET)
    unit = f"from -{full} to +{full} log-odds of pneumonia, on one scale for all films: "
    unit += "no colour, nothing clear"
    return canvas.text_box(left + 55, y - 0.8, unit, 7, QUIET, lines=2) + 3


def _small_print(canvas: Canvas, predictions: Sequence[Prediction]) -> float:
    """How to read the figures and what made them, above the foot; returns where it begins."""
    coverage = percent(predictions[0].card.conformal.coverage)
    reading = (
        "Sensitivity and specificity hold on validation films where every probability from the "
        "operating point on counts as PNEUMONIA. In the uncertain band both classes or neither are "
        f"plausible (at {coverage} coverage)."
    )
    lines = [" · ".join([p.card.title, *made(p.card)]) for p in predictions]
    lines.append(f"Read with {SOFTWARE}")
    start = FOOT - 4 - 3.5 * (2 + len(lines))
    y = canvas.text_box(LEFT, start, reading, 7, QUIET, lines=2)
    for line in lines:
        y = canvas.text_box(LEFT, y, line, 7, QUIET)
    return start


def made(card: Card) -> list[str]:
    """A model's version and weights."""
    return [f"version {card.version}", f"weights {card.weights.sha256[:12]}"]
