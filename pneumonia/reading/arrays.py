"""Arrays → grey values in 0..1, and the size caps all readers share.

Greys of more than 8 bits are divided by the smallest 2^n - 1 (n from 8 to 16) that holds the
largest value: detectors store 10 to 14 bits in 16-bit files, and a division by 65,535 would leave
those almost black.
"""

import numpy as np

from pneumonia.reading.refusals import Note, Refusal

MAX_PIXELS = 40_000_000
MIN_SIDE = 32


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
    red, green, blue = np.moveaxis(_to_unit_range(array[..., :3], notes), 2, 0)
    luma = green + 0.299 * (red - green) + 0.114 * (blue - green)  # grey stays exactly grey
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if array.shape[2] == 4:
        alpha = _to_unit_range(array[..., 3], [])
        if alpha.min() < 1:
            notes.append(Note("alpha"))
            luma, chroma = luma * alpha, chroma * alpha
    return np.clip(luma, 0, 1), float(chroma.mean(dtype=np.float64))


def _to_unit_range(values: np.ndarray, notes: list[Note]) -> np.ndarray:
    """Any accepted type → float32 from 0 to 1, same shape."""
    kind = values.dtype.kind
    if kind not in "buif":
        raise Refusal("type")
    if not np.isfinite(values).all():
        raise Refusal("not_finite")
    least, largest = values.min(), values.max()
    if kind == "f" and (least < 0 or largest > 1):
        raise Refusal("float_range")
    if least < 0 or largest > 65535:
        raise Refusal("integer_range")
    if kind in "bf":
        return values.astype(np.float32)
    top = full_scale(int(largest))
    if values.dtype.itemsize > 1:
        notes.append(Note("scaled", {"bits": top.bit_length()}))
    return values.astype(np.float32) / np.float32(top)


def full_scale(largest: int) -> int:
    """The smallest of 255, 511, 1023, ... that holds ``largest``."""
    return 2 ** max(8, largest.bit_length()) - 1
