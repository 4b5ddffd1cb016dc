"""Arrays → grey values in 0..1, and the size caps all readers share.

Greys of more than 8 bits are divided by the smallest 2^n - 1 (n from 8 to 16) that holds the
largest value: detectors store 10 to 14 bits in 16-bit files, and a division by 65,535 would leave
those almost black. Floats of a whole large film take a gigabyte, so they are made of some rows at a
time, and films beyond ``LARGE`` are kept at half their sides.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from pneumonia.reading.refusals import Note, Refusal

MAX_PIXELS = 40_000_000
LARGE = 12_000_000  # pixels, of which a quarter is still more than is shown or looked at
MIN_SIDE = 32
_ROWS = 256  # that are turned into floats at a time


class Grey(NamedTuple):
    """What is made of any source.

    Attributes:
        pixels: ``(height, width)`` float32 from 0 to 1; of a large film at half its sides.
        saturation: see ``Radiograph``.
        size: height and width of the source in px.
        ends: see ``Radiograph``.
    """

    pixels: np.ndarray
    saturation: float
    size: tuple[int, int]
    ends: tuple[float, float] | None = None


def check_size(height: int, width: int) -> None:
    """Refuse a size, before anything is decoded.

    Raises:
        Refusal: there are too many pixels, or too few.
    """
    if height * width > MAX_PIXELS:
        raise too_many_pixels()
    if min(height, width) < MIN_SIDE:
        raise Refusal("too_few_pixels", width=width, height=height)


def too_many_pixels() -> Refusal:
    return Refusal("too_many_pixels", limit=MAX_PIXELS // 10**6)


def is_large(height: int, width: int) -> bool:
    """Whether a film of that size is kept at half its sides."""
    return height * width > LARGE


def stripes(height: int) -> Iterator[slice]:
    """Rows that are turned into floats at a time."""
    return (slice(start, start + _ROWS) for start in range(0, height, _ROWS))


def join(height: int, width: int, floats: Callable[[slice], np.ndarray]) -> np.ndarray:
    """A film of its stripes, at half its sides if it is large.

    Args:
        height: of the whole.
        width: of the whole.
        floats: gives float32 of some rows.
    """
    parts = map(floats, stripes(height))
    if is_large(height, width):  # boxes of 2 × 2, at an odd edge of what there is
        parts = (np.asarray(Image.fromarray(part).reduce(2)) for part in parts)
    return np.concatenate(list(parts))


def read_array(array: np.ndarray, notes: list[Note]) -> Grey:
    """Colour becomes luma by ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B; alpha is laid on black.

    Args:
        array: ``(height, width)`` or ``(height, width, 1 | 3 | 4)``, of bool, of integers from 0 to
            65,535 or of floats from 0 to 1.
        notes: gets what was done.

    Raises:
        Refusal: the array is none of these, or too large or small.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise Refusal("shape")
    height, width = array.shape[:2]
    check_size(height, width)
    if array.ndim == 2:
        top = _top(array, notes)
        pixels = join(height, width, lambda rows: _divide(array[rows], top))
        return Grey(pixels, 0.0, (height, width))
    top, above, chroma = _top(array[..., :3], notes), np.float32(1), 0.0
    if array.shape[2] == 4:
        above = _top(array[..., 3], [])
        if array[..., 3].min() < above:
            notes.append(Note("alpha"))

    def luma(rows: slice) -> np.ndarray:
        nonlocal chroma
        red, green, blue = np.moveaxis(array[rows, :, :3].astype(np.float32) / top, 2, 0)
        grey = green + 0.299 * (red - green) + 0.114 * (blue - green)  # grey stays exactly grey
        colour = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
        if array.shape[2] == 4:
            alpha = _divide(array[rows, :, 3], above)
            grey, colour = grey * alpha, colour * alpha
        chroma += float(colour.sum(dtype=np.float64))
        return np.clip(grey, 0, 1)

    pixels = join(height, width, luma)
    return Grey(pixels, chroma / (height * width), (height, width))


def _divide(values: np.ndarray, top: np.float32) -> np.ndarray:
    floats = values.astype(np.float32)
    return np.divide(floats, top, out=floats)


def _top(values: np.ndarray, notes: list[Note]) -> np.float32:
    """What white is in values of any accepted type."""
    kind = values.dtype.kind
    if kind not in "buif":
        raise Refusal("type")
    if kind == "f" and not np.isfinite(values).all():
        raise Refusal("not_finite")
    least, largest = values.min(), values.max()
    if kind == "f" and (least < 0 or largest > 1):
        raise Refusal("float_range")
    if least < 0 or largest > 65535:
        raise Refusal("integer_range")
    if kind in "bf":
        return np.float32(1)
    top = full_scale(int(largest))
    if values.dtype.itemsize > 1:
        notes.append(Note("scaled", {"bits": top.bit_length()}))
    return np.float32(top)


def full_scale(largest: int) -> int:
    """The smallest of 255, 511, 1023, ... that holds ``largest``."""
    return 2 ** max(8, largest.bit_length()) - 1
