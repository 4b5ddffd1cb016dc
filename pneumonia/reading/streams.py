"""What a compressed stream announces, found by position and counted before anything is decoded.

Decoders believe the stream: a header that lies costs gigabytes, a thousand scans cost minutes. So
sizes are read where the format puts them, never searched for, and what multiplies the work is
counted.
"""

import re
import struct
from itertools import pairwise
from typing import NamedTuple

from pneumonia.reading.refusals import Refusal

MAX_SCANS = 40  # of one JPEG; cameras and exports make at most a dozen

_SIZED = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}  # SOF of JPEG and of JPEG-LS
_SOS, _EOI = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # neither stuffing, fill bytes nor restarts


class Shape(NamedTuple):
    """Sides in px and samples per pixel."""

    rows: int
    columns: int
    samples: int


def coded_shape(stream: bytes) -> Shape | None:
    """The shape that a JPEG, JPEG-LS or JPEG 2000 stream announces; None if it is none of these.

    Raises:
        Refusal: a JPEG has more than ``MAX_SCANS`` scans, or more than one size.
    """
    if stream[:2] == b"\xff\xd8":
        return jpeg_shape(stream)
    return _jpeg2000_shape(stream)


def jpeg_shape(stream: bytes) -> Shape | None:
    """The size in a JPEG's or JPEG-LS's frame header (ISO/IEC 10918-1 B.2.2, 14495-1 C.2.2).

    Raises:
        Refusal: there are more than ``MAX_SCANS`` scans, or two sizes.
    """
    shape, scans, at = None, 0, 2
    while found := _MARKER.search(stream, at):
        marker, at = stream[found.start() + 1], found.end()
        if marker == _EOI:
            break
        if marker == 0x01 or at + 2 > len(stream):  # TEM, which stands alone
            continue
        if marker in _SIZED and at + 8 <= len(stream):
            if shape:
                raise Refusal("contradiction")
            shape = Shape(*struct.unpack_from(">HHB", stream, at + 3))
        scans += marker == _SOS
        if scans > MAX_SCANS:
            raise Refusal("too_costly")
        at += int.from_bytes(stream[at : at + 2], "big")  # over the segment, whatever it holds
    return shape


def _jpeg2000_shape(stream: bytes) -> Shape | None:
    """The size in a codestream, bare or in the boxes of a JP2 (ISO/IEC 15444-1 A.5.1, I.4)."""
    at = 0
    if stream[4:8] == b"jP  ":
        while stream[at + 4 : at + 8] != b"jp2c":
            (length,) = struct.unpack_from(">I", stream, at)
            if length == 1:
                (length,) = struct.unpack_from(">Q", stream, at + 8)
            if length < 8:
                return None  # the last box, or none
            at += length
        at += 16 if stream[at : at + 4] == b"\0\0\0\1" else 8
    if stream[at : at + 4] != b"\xff\x4f\xff\x51":  # SOC and SIZ
        return None
    right, bottom, left, top = struct.unpack_from(">4I", stream, at + 8)
    return Shape(bottom - top, right - left, struct.unpack_from(">H", stream, at + 40)[0])


def check_run_lengths(frame: bytes, size: int) -> None:
    """Whether an RLE frame's segments (PS3.5 G.5) lie in a row and unpack to no more than the film.

    Args:
        frame: of one image, with its header.
        size: bytes of one unpacked segment, rows × columns.

    Raises:
        Refusal: a segment unpacks to more, or begins before the one ahead of it.
    """
    count, *offsets = struct.unpack_from("<16I", frame)
    starts = offsets[:count]
    if starts != sorted(starts):  # they may lie over each other, and be unpacked many times
        raise Refusal("contradiction")
    for start, end in pairwise([*starts, len(frame)]):
        unpacked, at, end = 0, start, min(end, len(frame))
        while at < end:
            run = frame[at]
            unpacked += run + 1 if run < 128 else 257 - run if run > 128 else 0
            at += run + 2 if run < 128 else 2 if run > 128 else 1
            if unpacked > size + 1:  # an even number of bytes may be padded
                raise Refusal("contradiction")
