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


def heat_layer(heatmap: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """The heat alone, as a see-through RGBA picture to lay over the film.

    Args:
        heatmap: ``(h, w)`` float ≥ 0 in calibrated log-odds.
        size: (width, height) of the picture.

    Returns:
        RGBA; colour and opacity grow with the strength, relative to ``FULL_STRENGTH`` and never
        to the film's own maximum: where there is no evidence nothing is drawn.
    """
    heat = Image.fromarray(heatmap.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    strength = (np.asarray(heat) / FULL_STRENGTH).clip(0, 1)
    rgba = colormaps[COLORMAP](0.4 + 0.55 * strength, bytes=True)
    rgba[..., 3] = (255 * strength).round()
    return Image.fromarray(rgba)


def overlay(pixels: np.ndarray, heatmap: np.ndarray, opacity: float = 0.7) -> Image.Image:
    """The film with the heat over it, RGB, at the film's own size.

    Args:
        pixels: ``(height, width)`` float 0..1.
        heatmap: ``(h, w)`` float ≥ 0 in calibrated log-odds.
        opacity: 0 (film only) to 1 (strongest heat covers the film).
    """
    film = film_image(pixels)
    layer = heat_layer(heatmap, film.size)
    layer.putalpha(layer.getchannel("A").point(lambda a: round(a * opacity)))
    return Image.alpha_composite(film.convert("RGBA"), layer).convert("RGB")


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
