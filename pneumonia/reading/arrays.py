"""Arrays → grey values in 0..1, and the size caps all readers share.

Greys of more than 8 bits are divided by the smallest 2^n - 1 (n from 8 to 16) that holds the
largest value: detectors store 10 to 14 bits in 16-bit files, and a division by 65,535 would leave
those almost black.
"""

import numpy as np

from pneumonia.reading.refusals import Note, Refusal

MAX_PIXELS = 40_000_000
MIN_SIDE = 32
_ROWS = 256  # of a colour film that are turned into floats at a time


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


def read_array(array: np.ndarray, notes: list[Note]) -> tuple[np.ndarray, float]:
    """Colour becomes luma by ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B; alpha is laid on black.

    Args:
        array: ``(height, width)`` or ``(height, width, 1 | 3 | 4)``, of bool, of integers from 0 to
            65,535 or of floats from 0 to 1.
        notes: gets what was done.

    Returns:
        ``(height, width)`` float32 from 0 to 1, and the saturation (see ``Radiograph``).

    Raises:
        Refusal: the array is none of these, or too large or small.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise Refusal("shape")
    check_size(*array.shape[:2])
    if array.ndim == 2:
        return _to_unit_range(array, notes), 0.0
    top, alpha = _top(array[..., :3], notes), None
    if array.shape[2] == 4:
        alpha = _to_unit_range(array[..., 3], [])
        if alpha.min() < 1:
            notes.append(Note("alpha"))
    luma, chroma = np.empty(array.shape[:2], np.float32), 0.0
    for start in range(0, len(array), _ROWS):  # floats of the whole take a gigabyte
        rows = np.s_[start : start + _ROWS]
        red, green, blue = np.moveaxis(array[rows, :, :3].astype(np.float32) / top, 2, 0)
        grey = green + 0.299 * (red - green) + 0.114 * (blue - green)  # grey stays exactly grey
        colour = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
        if alpha is not None:
            grey, colour = grey * alpha[rows], colour * alpha[rows]
        luma[rows] = np.clip(grey, 0, 1)
        chroma += float(colour.sum(dtype=np.float64))
    return luma, chroma / luma.size


def _to_unit_range(values: np.ndarray, notes: list[Note]) -> np.ndarray:
    """Any accepted type → float32 from 0 to 1, same shape."""
    top = _top(values, notes)
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
