"""The verdict as one picture: the film, what each model used, and what neither may be used for."""

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumonia.export.records import SENTENCES, SOFTWARE, percent
from pneumonia.overlay import reduced, signed_overlay
from pneumonia.predictor import Prediction

SIDE = 800  # px: of a film's longer side
_WIDE = 420  # px: a panel's least width, so that the words below it have room
_GAP, _BAND, _WORDS = 24, 64, 150  # px: between panels; a band; below the panels
_LETTERS = 46  # of a band's sentence, to the line
NOT_FOR_DIAGNOSIS = "NOT FOR DIAGNOSIS"
OUT_OF_SCOPE = "OUT OF SCOPE"
_AMBER, _RED, _WHITE, _QUIET = (250, 204, 90), (200, 40, 30), (240, 240, 240), (165, 165, 165)


def in_scope(predictions: Sequence[Prediction]) -> bool:
    """Whether all models know films like this one; one that does not speaks for all."""
    return all(prediction.in_scope for prediction in predictions)


def picture(predictions: Sequence[Prediction]) -> Image.Image:
    """Film, overlays and verdicts, RGB, with "NOT FOR DIAGNOSIS" burned in.

    Of a film out of scope there is neither overlay nor verdict, but a band with the reason.

    Args:
        predictions: of one film, one per model, with their attributions.
    """
    known = in_scope(predictions)
    film = reduced(predictions[0].radiograph.pixels, SIDE)
    panels = [film.convert("RGB")]
    if known:
        grey = np.asarray(film, np.float32) / 255
        panels += [
            signed_overlay(grey, p.attribution) for p in predictions if p.heatmap is not None
        ]
    step = max(film.width, _WIDE) + _GAP
    width = max(step * len(panels) + _GAP, 2 * _WIDE)
    bands = [(NOT_FOR_DIAGNOSIS, "a demonstration, no medical device", _AMBER)]
    if not known:
        bands += [(OUT_OF_SCOPE, reason, _RED) for reason in reasons(predictions)]
    sheet = Image.new("RGB", (width, _BAND * len(bands) + film.height + 2 * _GAP + _WORDS))
    draw, y = ImageDraw.Draw(sheet), 0
    for title, sentence, colour in bands:
        _band(draw, y, width, title, sentence, colour)
        y += _BAND
    for i, panel in enumerate(panels):
        sheet.paste(panel, (_GAP + i * step, y + _GAP))
    y += film.height + 2 * _GAP
    made = [_made(p) for p in predictions]
    legend = ["Orange raised the probability of pneumonia,", "blue lowered it."]
    _words(draw, _GAP, y, "Film", "", legend if known else made)
    for i, prediction in enumerate(predictions if known else [], start=1):
        chance = percent(prediction.probability).replace("\u00a0", " ")
        lines = [f"probability of pneumonia {chance}", SENTENCES[prediction.verdict], made[i - 1]]
        _words(draw, _GAP + i * step, y, prediction.card.title, prediction.verdict, lines)
    return sheet


def reasons(predictions: Sequence[Prediction]) -> list[str]:
    """Why the film is out of scope, each reason once."""
    return list(dict.fromkeys(str(p.gate) for p in predictions if not p.in_scope))


def _band(
    draw: ImageDraw.ImageDraw, y: int, width: int, title: str, sentence: str, colour: tuple
) -> None:
    draw.rectangle((0, y, width, y + _BAND - 1), fill=colour)
    ink = (0, 0, 0) if colour == _AMBER else (255, 255, 255)
    font = ImageFont.load_default(30)
    draw.text((_GAP, y + _BAND // 2), title, ink, font, anchor="lm")
    words = "\n".join(textwrap.wrap(sentence, _LETTERS))
    left = 2 * _GAP + draw.textlength(title, font)
    draw.text((left, y + _BAND // 2), words, ink, ImageFont.load_default(17), anchor="lm")


def _words(
    draw: ImageDraw.ImageDraw, x: int, y: int, title: str, verdict: str, lines: Sequence[str]
) -> None:
    draw.text((x, y), title, _WHITE, ImageFont.load_default(20))
    draw.text((x, y + 28), verdict, _WHITE, ImageFont.load_default(32))
    small = ImageFont.load_default(16)
    for i, line in enumerate(lines):
        draw.text((x, y + (74 if verdict else 30) + 22 * i), line, _QUIET, small)


def _made(prediction: Prediction) -> str:
    card = prediction.card
    weights = card.weights.sha256[:12]
    return f"{card.title} {card.version}, weights {weights}, {SOFTWARE}"
