"""The heatmap over the film, on one absolute scale of log-odds."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from PIL import Image

COLORMAP = "inferno"  # perceptually uniform; survives colour blindness and a projector
FULL_STRENGTH = 15.0  # calibrated log-odds of a cell that is shown at full strength
FAINT = 0.05 * FULL_STRENGTH  # log-odds below which the eye sees no heat


def film_image(pixels: np.ndarray) -> Image.Image:
    """``(height, width)`` float in 0..1 → 8-bit grey image of the same size."""
    return Image.fromarray((pixels * 255).round().clip(0, 255).astype(np.uint8))


def heat_layer(heatmap: np.ndarray, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """The heatmap without the film, scaled up (bilinear).

    The strength is relative to ``FULL_STRENGTH``, never to the film's own maximum: it is 0 where
    there is no evidence.

    Args:
        heatmap: ``(h, w)`` float ≥ 0 in calibrated log-odds.
        size: (width, height) of the images in px.

    Returns:
        Two images of that size: the colours (mode RGB) and the strength (mode L, 0..255).
    """
    levels = heatmap.astype(np.float32) * (255 / FULL_STRENGTH) + 0.5
    strength = Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR).convert("L")
    colours = strength.copy()
    colours.putpalette(heat_colours(COLORMAP).tobytes())
    return colours.convert("RGB"), strength


def heat_colours(name: str) -> np.ndarray:
    """Colours of the heat.

    Args:
        name: a colour map of matplotlib.

    Returns:
        ``(256, 3)`` uint8 RGB, from no strength to full strength.
    """
    return colormaps[name](np.linspace(0.4, 0.95, 256), bytes=True)[:, :3]


def overlay(pixels: np.ndarray, heatmap: np.ndarray, opacity: float = 0.7) -> Image.Image:
    """The film with the heatmap over it, RGB, at the film's own size.

    Args:
        pixels: ``(height, width)`` float in 0..1.
        heatmap: ``(h, w)`` float ≥ 0 in calibrated log-odds.
        opacity: from 0 (film only) to 1 (heat at full strength covers the film).
    """
    film = film_image(pixels)
    colours, strength = heat_layer(heatmap, film.size)
    strength = strength.point([round(level * opacity) for level in range(256)])
    return Image.composite(colours, film.convert("RGB"), strength)


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Images of equal size in one row, RGB."""
    width, height = pictures[0].size
    row = Image.new("RGB", (width * len(pictures), height))
    for place, picture in enumerate(pictures):
        row.paste(picture, (place * width, 0))
    return row


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
