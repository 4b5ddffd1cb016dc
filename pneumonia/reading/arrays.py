"""Arrays → grey values in 0..1, the size caps, and the refusal all readers share.

Greys of more than 8 bits are divided by the smallest 2^n - 1 (n from 8 to 16) that holds the
largest value: detectors store 10 to 14 bits in 16-bit files, and a division by 65,535 would leave
those almost black.
"""

import numpy as np

MAX_PIXELS = 40_000_000
MIN_SIDE = 32
TOO_MANY_PIXELS = f"has more than {MAX_PIXELS // 10**6} megapixels: choose a smaller copy."


class Refusal(Exception):
    """What is wrong and what to do; `read_radiograph` puts the file's name in front."""


def check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise Refusal(TOO_MANY_PIXELS)
    if min(height, width) < MIN_SIDE:
        raise Refusal(f"is only {width} × {height} pixels: choose the original film.")


def read_array(array: np.ndarray, notes: list[str]) -> tuple[np.ndarray, float]:
    """Colour becomes luma by ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B; alpha is laid on black."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise Refusal("has the wrong shape: give (height, width) or (height, width, 3 or 4).")
    check_size(*array.shape[:2])
    if array.ndim == 2:
        return _to_unit_range(array, notes), 0.0
    red, green, blue = np.moveaxis(_to_unit_range(array[..., :3], notes), 2, 0)
    luma = green + 0.299 * (red - green) + 0.114 * (blue - green)  # grey stays exactly grey
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if array.shape[2] == 4:
        alpha = _to_unit_range(array[..., 3], [])
        if alpha.min() < 1:
            notes.append("alpha laid on black")
            luma, chroma = luma * alpha, chroma * alpha
    return np.clip(luma, 0, 1), float(chroma.mean(dtype=np.float64))


def _to_unit_range(values: np.ndarray, notes: list[str]) -> np.ndarray:
    """Any accepted type -> float32 in 0..1, same shape."""
    kind = values.dtype.kind
    if kind not in "buif":
        raise Refusal("holds neither integers nor floats: convert it to 8-bit grey.")
    if not np.isfinite(values).all():
        raise Refusal("holds values that are not numbers: export it again.")
    least, largest = values.min(), values.max()
    if kind == "f" and (least < 0 or largest > 1):
        raise Refusal("holds floats outside 0 to 1: save it as 8-bit or 16-bit grey.")
    if least < 0 or largest > 65535:
        raise Refusal("holds values outside 0 to 65,535: save it as 8-bit or 16-bit grey.")
    if kind in "bf":
        return values.astype(np.float32)
    top = full_scale(int(largest))
    if values.dtype.itemsize > 1:
        notes.append(f"scaled as {top.bit_length()}-bit")
    return values.astype(np.float32) / np.float32(top)


def full_scale(largest: int) -> int:
    """The smallest of 255, 511, 1023, ... that holds `largest`."""
    return 2 ** max(8, largest.bit_length()) - 1
