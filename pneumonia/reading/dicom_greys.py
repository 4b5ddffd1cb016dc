"""Stored values of a DICOM frame → the greys that a viewer would show (PS3.3 C.11, C.7.6.3)."""

import functools
from collections.abc import Callable

import numpy as np
import pydicom
from pydicom.multival import MultiValue

from pneumonia.reading.arrays import full_scale, join, stripes
from pneumonia.reading.refusals import Note, Refusal


def greys(
    frame: np.ndarray, film: pydicom.Dataset, inverted: bool, notes: list[Note]
) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Modality and VOI transformation, padding black.

    Args:
        frame: ``(height, width)`` of stored values.
        film: whose frame it is.
        inverted: whether its lowest value is white (MONOCHROME1).
        notes: gets what was done.

    Returns:
        ``(height, width)`` float32 in 0..1, and which modality values are black and white; None
        where greys are not in proportion to them.

    Raises:
        Refusal: a lookup table is shorter than it says.
    """
    padding = _padding(frame, film)
    span = functools.cache(lambda: _span(frame, film, padding))

    def shown(rows: slice) -> np.ndarray:
        said = [] if rows.start else notes  # once
        pixels = _voi(_modality(frame[rows], film, said), film, span, said)
        if inverted:
            pixels = 1 - pixels
        pixels[padding[rows]] = 0
        return pixels.astype(np.float32, copy=False)

    height, width = frame.shape
    pixels = join(height, width, shown)
    if inverted:
        notes.append(Note("monochrome1"))
    if padding.any():
        notes.append(Note("padding"))
    ends = _ends(film, span)
    return pixels, (ends[1], ends[0]) if ends and inverted else ends


def number(film: pydicom.Dataset, keyword: str) -> float | None:
    """An element's first value; None where it is missing or empty."""
    value = film.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return None if value in (None, "") else float(value)


def _padding(frame: np.ndarray, film: pydicom.Dataset) -> np.ndarray:
    """Where the frame holds no film: ``(height, width)`` bool."""
    first = number(film, "PixelPaddingValue")
    if first is None:
        return np.zeros(frame.shape, bool)
    last = number(film, "PixelPaddingRangeLimit")
    low, high = sorted((first, first if last is None else last))
    return (frame >= low) & (frame <= high)


def _modality(frame: np.ndarray, film: pydicom.Dataset, notes: list[Note]) -> np.ndarray:
    if film.get("ModalityLUTSequence"):
        notes.append(Note("modality_lut"))
        return _lookup(frame, film.ModalityLUTSequence[0], film)[0]
    slope, intercept = number(film, "RescaleSlope"), number(film, "RescaleIntercept")
    if slope is None or intercept is None or (slope, intercept) == (1, 0):
        return frame
    notes.append(Note("rescaled"))
    return frame.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _span(frame: np.ndarray, film: pydicom.Dataset, padding: np.ndarray) -> np.ndarray:
    """The smallest and the largest modality value where there is film."""
    found = []
    for rows in stripes(len(frame)):
        values = _modality(frame[rows], film, []).astype(np.float32)
        values = values if padding.all() else values[~padding[rows]]
        found += [values.min(), values.max()] if values.size else []
    return np.array([min(found), max(found)])


def _voi(
    values: np.ndarray,
    film: pydicom.Dataset,
    span: Callable[[], np.ndarray],
    notes: list[Note],
) -> np.ndarray:
    """Modality values → 0 to 1 by the first VOI LUT, else the first window, else their span."""
    if film.get("VOILUTSequence"):
        notes.append(Note("voi_lut"))
        values, largest = _lookup(np.rint(values), film.VOILUTSequence[0], film)
        return values.astype(np.float32) / np.float32(full_scale(largest))

    values = values.astype(np.float32)
    if window := _window(film):
        notes.append(Note("window"))
        center, width, sigmoid = window
        if sigmoid:  # C.11.2.1.3.1, 1 / (1 + exp(-4 (x - c) / w)), without overflow
            return 0.5 + 0.5 * np.tanh((values - np.float32(center)) * np.float32(2 / width))
        return np.clip((values - np.float32(center)) / np.float32(width) + 0.5, 0, 1)

    notes.append(Note("no_window"))
    low, high = span()
    return np.clip((values - low) / (high - low if high > low else 1), 0, 1)


def _window(film: pydicom.Dataset) -> tuple[float, float, bool] | None:
    """The first window: its center, its width, and whether it is a sigmoid; None without one."""
    center, width = number(film, "WindowCenter"), number(film, "WindowWidth")
    if center is None or width is None or width <= 0:
        return None
    function = str(film.get("VOILUTFunction") or "LINEAR").strip().upper()
    if function in ("SIGMOID", "LINEAR_EXACT"):
        return center, width, function == "SIGMOID"
    return center - 0.5, max(width - 1, 1e-6), False  # C.11.2.1.2.1


def _ends(film: pydicom.Dataset, span: Callable[[], np.ndarray]) -> tuple[float, float] | None:
    """The modality values at 0 and 1, between which greys are in proportion; None if not so."""
    if film.get("VOILUTSequence"):
        return None
    if window := _window(film):
        center, width, sigmoid = window
        ends = None if sigmoid else (center - width / 2, center + width / 2)
    else:
        low, high = span()
        ends = (float(low), float(high))
    return ends if ends and np.isfinite(ends).all() else None


def _lookup(
    values: np.ndarray, item: pydicom.Dataset, film: pydicom.Dataset
) -> tuple[np.ndarray, int]:
    """Values through a modality or VOI LUT (C.11.1.1, C.11.2.1.1), and the LUT's largest entry.

    Not pydicom 3.0's ``apply_voi``: it counts positions in the type of the entries, so that a
    12-bit film wraps around in a LUT of 8-bit entries.
    """
    count, first, _ = item.LUTDescriptor
    count, data = count or 2**16, item.LUTData
    if isinstance(data, bytes):
        words = "<u2" if film.original_encoding[1] else ">u2"
        narrow = len(data) in (count, count + count % 2)  # 8-bit entries, padded to an even number
        data = np.frombuffer(data[: len(data) // 2 * 2], np.uint8 if narrow else words)
    table = np.asarray(data)[:count]
    if len(table) < count:
        raise Refusal("lut")
    return table[np.clip(values.astype(np.int64) - first, 0, len(table) - 1)], int(table.max())
