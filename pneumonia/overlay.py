"""The evidence over the film: warm for, cool against, on one absolute scale of log-odds."""

import base64
import io

import numpy as np
from PIL import Image

from pneumonia.reading.arrays import stripes

FULL_STRENGTH = 15.0  # calibrated log-odds of a cell that is shown at full strength
FAINT = 0.05 * FULL_STRENGTH  # log-odds below which the eye sees no heat
STEPS = (FULL_STRENGTH / 3, 2 * FULL_STRENGTH / 3)  # log-odds at which contour lines run
SHADE = 0.4  # how much darker the film is below a map of full opacity
# from weak to strong, of equal lightness on either side, apart for the colour-blind too
_WARM = ((213, 94, 0), (250, 204, 90))
_COOL = ((0, 114, 190), (126, 214, 255))


def film_image(pixels: np.ndarray) -> Image.Image:
    """``(height, width)`` float in 0..1 → 8-bit grey image of the same size."""
    grey = pixels * 255
    return Image.fromarray(grey.round(out=grey).clip(0, 255, out=grey).astype(np.uint8))


def evidence_colours() -> np.ndarray:
    """Colours of what raised the probability and of what lowered it.

    Returns:
        ``(2, 256, 4)`` uint8 RGBA, warm and cool, each from no strength to full strength; nothing
        where the strength is below ``FAINT``.
    """
    share = np.linspace(0, 1, 256)[:, None]
    sides = [(1 - share) * weak + share * strong for weak, strong in np.array((_WARM, _COOL))]
    alpha = np.where(share * FULL_STRENGTH < FAINT, 0, 255 * (0.3 + 0.7 * share))
    tables = [np.concatenate([colours, alpha], 1) for colours in sides]
    return np.stack(tables).round().astype(np.uint8)


def overlay(pixels: np.ndarray, attribution: np.ndarray, opacity: float = 0.7) -> Image.Image:
    """The darkened film with what raised the probability in warm colours, what lowered it in cool.

    Args:
        pixels: ``(height, width)`` float in 0..1.
        attribution: ``(h, w)`` float in signed calibrated log-odds, over the whole film.
        opacity: from 0 (film only) to 1.

    Returns:
        RGB, of the film's own size.
    """
    height, width = pixels.shape
    values = Image.fromarray(attribution.astype(np.float32))
    size = width, min(height, values.height)  # the rows between come stripe by stripe
    wide = np.asarray(values.resize(size, Image.Resampling.BILINEAR))
    picture, colours = Image.new("RGB", (width, height)), evidence_colours()
    for rows in stripes(height):
        y = (np.arange(height)[rows] + 0.5) * len(wide) / height - 0.5
        above = np.clip(np.floor(y).astype(int), 0, len(wide) - 1)
        below = np.minimum(above + 1, len(wide) - 1)
        share = np.clip(y - above, 0, 1).astype(np.float32)[:, None]
        log_odds = (1 - share) * wide[above] + share * wide[below]
        picture.paste(_coloured(pixels[rows], log_odds, colours, opacity), (0, rows.start))
    return picture


def _coloured(
    pixels: np.ndarray, log_odds: np.ndarray, colours: np.ndarray, opacity: float
) -> Image.Image:
    """Some rows of an overlay, RGB."""
    levels = (np.abs(log_odds) * (255 / FULL_STRENGTH)).round().clip(0, 255).astype(np.uint8)
    layer = colours[(log_odds < 0).astype(np.uint8), levels]
    alpha = Image.fromarray((layer[..., 3] * opacity).round().astype(np.uint8))
    shades = [round(grey * (1 - SHADE * opacity)) for grey in range(256)]
    below = film_image(pixels).point(shades).convert("RGB")
    return Image.composite(Image.fromarray(layer[..., :3]), below, alpha)


def data_uri(picture: Image.Image, kind: str, **options) -> str:
    """An image as a ``data:`` URI.

    Args:
        picture: any image that the format can hold.
        kind: Pillow's name of the format: ``"JPEG"``, ``"PNG"`` …
        options: Pillow's for that format, such as ``quality``.
    """
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
