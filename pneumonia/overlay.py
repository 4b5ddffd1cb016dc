"""Pictures for people: the film, the heat laid over it, both on one absolute scale."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from PIL import Image

COLORMAP = "inferno"  # perceptually even, readable without red-green vision and on a projector
FULL_STRENGTH = 15.0  # calibrated log-odds that a cell must speak for to be shown at full strength
FAINT = 0.05 * FULL_STRENGTH  # below this a map shows nothing to the eye


def film_image(pixels: np.ndarray) -> Image.Image:
    """``(height, width)`` float 0..1 → 8-bit grey picture of the same size."""
    return Image.fromarray((pixels * 255).round().clip(0, 255).astype(np.uint8))


def heat_layer(heatmap: np.ndarray, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """The heat alone: its colours (RGB) and its strength (L), both growing with the log-odds.

    The strength is relative to ``FULL_STRENGTH`` and never to the film's own maximum: where there
    is no evidence it is 0.

    Args:
        heatmap: ``(h, w)`` float ≥ 0 in calibrated log-odds.
        size: (width, height) of the pictures.
    """
    levels = heatmap.astype(np.float32) * (255 / FULL_STRENGTH) + 0.5
    strength = Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR).convert("L")
    colours = strength.copy()
    colours.putpalette(heat_colours(COLORMAP).tobytes())
    return colours.convert("RGB"), strength


def heat_colours(name: str) -> np.ndarray:
    """``(256, 3)`` uint8 RGB: matplotlib's colours of that name from no to full strength."""
    return colormaps[name](np.linspace(0.4, 0.95, 256), bytes=True)[:, :3]


def overlay(pixels: np.ndarray, heatmap: np.ndarray, opacity: float = 0.7) -> Image.Image:
    """The film with the heat over it, RGB, at the film's own size.

    Args:
        pixels: ``(height, width)`` float 0..1.
        heatmap: ``(h, w)`` float ≥ 0 in calibrated log-odds.
        opacity: 0 (film only) to 1 (strongest heat covers the film).
    """
    film = film_image(pixels)
    colours, strength = heat_layer(heatmap, film.size)
    strength = strength.point([round(level * opacity) for level in range(256)])
    return Image.composite(colours, film.convert("RGB"), strength)


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one size in a row, RGB."""
    width, height = pictures[0].size
    row = Image.new("RGB", (width * len(pictures), height))
    for place, picture in enumerate(pictures):
        row.paste(picture, (place * width, 0))
    return row


def data_uri(picture: Image.Image, kind: str, **options) -> str:
    """A picture as text for ``src``, encoded by Pillow as ``kind``."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
