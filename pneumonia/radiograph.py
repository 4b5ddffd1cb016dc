"""Any supported file or array becomes one grey film, with what was done to it on the way.

    film = read_radiograph("chest.dcm")
    film.pixels    # float32, (height, width), 0 (black) to 1 (white), bones bright
    film.notes     # ("window applied", "MONOCHROME1 inverted")

Reads JPEG, PNG, TIFF, BMP, WebP, GIF and DICOM, told apart by their bytes and never by their suffix. Every refusal
is a `RadiographError` with one sentence for the person. Size is checked before anything is decoded, nothing global
is changed, and of a DICOM only the elements named in `_TAGS` are read: no patient element is ever looked at.

Greys of more than 8 bits are divided by the smallest 2^n - 1 (n from 8 to 16) that holds the largest value, because
detectors store 10 to 14 bits in 16-bit files, and dividing by 65,535 would leave them almost black.
"""

import io
import os
import re
import stat
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import pydicom
from PIL import Image, ImageOps, UnidentifiedImageError
from pydicom.encaps import get_frame
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

MAX_BYTES = 25 * 2**20
MAX_PIXELS = 40_000_000
MIN_SIDE = 32

SUFFIXES = (
    *(".jpeg", ".jpg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"),
    *(".dcm", ".dicom", ".dic"),
)

_FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "BMP", "WEBP", "GIF")
_READABLE = "choose a JPEG, PNG, TIFF, BMP, WebP, GIF or DICOM file"

# Projection radiographs: computed, digital (DR and RG are older words for it), fluoroscopic, angiographic, scanned
# film (HC), and the "other" and empty values that secondary captures carry.
_PROJECTIONS = {"CR", "DX", "DR", "RG", "RF", "XA", "HC", "OT", "SC", ""}
_OTHERS = {
    "CT": "a CT slice",
    "MR": "an MR slice",
    "US": "an ultrasound picture",
    "MG": "a mammogram",
    "NM": "a nuclear medicine picture",
    "PT": "a PET slice",
    "SEG": "a segmentation",
    "RTDOSE": "a radiotherapy dose map",
}

_TAGS = [
    *("SOPClassUID", "Modality", "PresentationIntentType", "Rows", "Columns", "NumberOfFrames"),
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "PixelRepresentation"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *(f"{c}PaletteColorLookupTableDescriptor" for c in ("Red", "Green", "Blue")),
    *(f"{c}PaletteColorLookupTableData" for c in ("Red", "Green", "Blue")),
    *(f"Segmented{c}PaletteColorLookupTableData" for c in ("Red", "Green", "Blue")),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData"),
]


class RadiographError(ValueError):
    """A file or array that cannot be read as a film.

    `str(error)` is one sentence for the person: which file, what is wrong, what to do. It holds no path and nothing
    that was read from the file. The decoder's own error, for engineers, is `error.__cause__`.
    """


class _Refusal(Exception):
    """What is wrong and what to do; `read_radiograph` puts the name in front."""


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One grey film.

    pixels: float32, (height, width), C-contiguous, 0 (black) to 1 (white).
    name: the file's base name, or "film".
    format: "JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF", "DICOM", "array", or "picture" (a PIL image without one).
    notes: what was done to the film, in plain words.
    saturation: mean over the pixels of max - min of red, green and blue, 0 to 1; 0 where the source was grey. (Not
        divided by the brightness as in HSV, where the coding noise of a black background would count as vivid.)
    """

    pixels: np.ndarray = field(repr=False)
    name: str
    format: str
    notes: tuple[str, ...]
    saturation: float

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]


Source = str | os.PathLike | bytes | BinaryIO | Image.Image | np.ndarray | Radiograph


def read_radiograph(source: Source, name: str | None = None) -> Radiograph:
    """Reads a film from a path, bytes, an open binary file, a PIL image or an array.

    Arrays are (height, width) or (height, width, 1 | 3 | 4), of bool, of integers from 0 to 65,535 or of floats from
    0 to 1. Open files are read from where they stand. A `Radiograph` comes back as it is. `name` replaces the
    source's own name. Several pages or frames: the first one. Raises `RadiographError` and nothing else.
    """
    if isinstance(source, Radiograph):
        return source
    label = _label(source, name)
    try:
        return _read(source, label)
    except _Refusal as refusal:
        reason, cause = str(refusal), refusal.__cause__
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason, cause = _too_many_pixels(), error
    except MemoryError as error:
        reason, cause = "needs more memory than there is: choose a smaller picture.", error
    except (
        Exception
    ) as error:  # Decoders meet hostile bytes: whatever they raise, the person gets one sentence.
        reason, cause = "is damaged or incomplete: export or download it again.", error
    raise RadiographError(f'"{label}" {reason}') from cause


def _read(source: Source, label: str) -> Radiograph:
    notes: list[str] = []
    if isinstance(source, np.ndarray):
        kind, (pixels, saturation) = "array", _read_array(source, notes)
    elif isinstance(source, Image.Image):
        kind, (pixels, saturation) = source.format or "picture", _read_picture(source, notes)
    elif _is_dicom(data := _bytes(source)):
        kind, (pixels, saturation) = "DICOM", _read_dicom(data, notes)
    else:
        try:
            picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise _Refusal(f"is not a picture that can be read here: {_READABLE}.") from error
        with picture:
            kind, (pixels, saturation) = picture.format, _read_picture(picture, notes)
    if not np.isfinite(pixels).all():
        raise _Refusal("holds values that are not numbers: export it again.")
    pixels = np.ascontiguousarray(pixels, np.float32)
    kind = "JPEG" if kind == "MPO" else kind  # a telephone's JPEG with a second picture behind it
    return Radiograph(pixels, label, kind, tuple(notes), saturation)


def _label(source: Source, name: str | None) -> str:
    """The base name, printable and short; names come from strangers."""
    if name is None and isinstance(source, (str, os.PathLike)):
        name = os.fsdecode(source)
    elif name is None:
        name = getattr(source, "filename", None) or getattr(source, "name", None)
    base = re.split(r"[/\\]", str(name).rstrip("/\\"))[-1] if isinstance(name, str) else ""
    clean = "".join(c for c in base if c.isprintable()).strip()
    return (clean if len(clean) <= 80 else f"{clean[:60]}…{clean[-19:]}") or "film"


def _bytes(source: str | os.PathLike | bytes | BinaryIO) -> bytes:
    """The whole file, at most MAX_BYTES of it."""
    if isinstance(source, (str, os.PathLike)):
        try:
            about = os.stat(source)
            if stat.S_ISDIR(about.st_mode):
                raise _Refusal("is a folder: choose a file in it.")
            if not stat.S_ISREG(about.st_mode):
                raise _Refusal("is not an ordinary file: choose a picture.")
            if about.st_size > MAX_BYTES:
                raise _Refusal(_too_many_bytes())
            with open(source, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError as error:
            raise _Refusal("is not there: check its name and folder.") from error
        except (OSError, ValueError) as error:
            raise _Refusal("cannot be opened: check its name and your permission.") from error
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source) if len(source) <= MAX_BYTES else source
    elif hasattr(source, "read"):
        data = source.read(MAX_BYTES + 1)
    else:
        raise _Refusal(f"is neither a file nor a picture: {_READABLE}.")
    if not isinstance(data, bytes):
        raise _Refusal("was not opened as a binary file: open it in mode 'rb'.")
    if len(data) > MAX_BYTES:
        raise _Refusal(_too_many_bytes())
    if not data:
        raise _Refusal("is empty: choose the file again.")
    return data


def _too_many_bytes() -> str:
    return f"is larger than {MAX_BYTES // 2**20} MB: choose a smaller or compressed copy."


def _too_many_pixels() -> str:
    return f"has more than {MAX_PIXELS // 10**6} megapixels: choose a smaller copy."


def _check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise _Refusal(_too_many_pixels())
    if min(height, width) < MIN_SIDE:
        raise _Refusal(f"is only {width} × {height} pixels: choose the original film.")


# --- arrays -----------------------------------------------------------------------------------------------------------


def _read_array(array: np.ndarray, notes: list[str]) -> tuple[np.ndarray, float]:
    """(height, width) or (height, width, 1 | 3 | 4) -> grey (height, width) in 0..1, saturation.

    Colour becomes the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B; alpha is laid on black.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise _Refusal("has the wrong shape: give (height, width) or (height, width, 3 or 4).")
    _check_size(*array.shape[:2])
    if array.ndim == 2:
        return _unit(array, notes), 0.0
    red, green, blue = np.moveaxis(_unit(array[..., :3], notes), 2, 0)
    luma = green + 0.299 * (red - green) + 0.114 * (blue - green)  # so that grey stays exactly grey
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if array.shape[2] == 4:
        alpha = _unit(array[..., 3], [])
        if alpha.min() < 1:
            notes.append("alpha laid on black")
            luma, chroma = luma * alpha, chroma * alpha
    return np.clip(luma, 0, 1), float(chroma.mean(dtype=np.float64))


def _unit(values: np.ndarray, notes: list[str]) -> np.ndarray:
    """Any accepted type -> float32 in 0..1, same shape."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise _Refusal("holds values that are not numbers: export it again.")
        if values.min() < 0 or values.max() > 1:
            raise _Refusal(
                "holds floating-point values outside 0 to 1: save it as 8-bit or 16-bit grey."
            )
        return values.astype(np.float32)
    if values.dtype.kind not in "bui":
        raise _Refusal(
            "holds neither integers nor floating-point values: convert it to 8-bit grey."
        )
    largest = int(values.max())
    if values.min() < 0 or largest > 65535:
        raise _Refusal("holds values outside 0 to 65,535: save it as 8-bit or 16-bit grey.")
    if values.dtype.itemsize > 1:
        notes.append(f"scaled as {_ceiling(largest).bit_length()}-bit")
    return values.astype(np.float32) / (1 if values.dtype.kind == "b" else _ceiling(largest))


def _ceiling(largest: int) -> int:
    """The smallest of 255, 511, 1023, ... that holds `largest`."""
    return 2 ** max(8, largest.bit_length()) - 1


# --- pictures ---------------------------------------------------------------------------------------------------------


def _read_picture(picture: Image.Image, notes: list[str]) -> tuple[np.ndarray, float]:
    """A Pillow image, opened but not yet decoded -> grey (height, width) in 0..1, saturation."""
    _check_size(picture.height, picture.width)
    deep = ";16" in str(getattr(picture, "tile", "")) and picture.mode in ("RGB", "RGBA", "LA")
    # Pillow inverts TIFF's WhiteIsZero (PhotometricInterpretation 0) at 8 bits, not at 16.
    negative = picture.mode.startswith("I;16") and getattr(picture, "tag_v2", {}).get(262) == 0
    if getattr(picture, "is_animated", False) and picture.tell() == 0:
        notes.append("first of several frames")
    if picture.getexif().get(0x0112, 1) in range(2, 9):
        notes.append("turned upright by its EXIF tag")
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        array = np.asarray(picture)
    elif picture.has_transparency_data:
        array = np.asarray(picture.convert("RGBA"))
    else:
        array = np.asarray(picture if picture.mode in ("1", "L") else picture.convert("RGB"))
    if deep:  # Pillow keeps the upper 8 bits of 16-bit colour: of a 12-bit film in it, four would be left.
        if array[..., :3].max() < 128:
            raise _Refusal("uses a small part of its 16-bit colours: save it as 16-bit grey.")
        notes.append("16-bit colour read at 8 bits")
    pixels, saturation = _read_array(array, notes)
    if negative:
        notes.append("WhiteIsZero inverted")
        pixels = 1 - pixels
    return pixels, saturation


# --- DICOM ------------------------------------------------------------------------------------------------------------


def _is_dicom(data: bytes) -> bool:
    """DICM at byte 128 (PS3.10, 7.1), or a bare data set that starts with group 2 or 8 and names its class."""
    if data[128:132] == b"DICM":
        return True
    if data[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return False
    try:
        return "SOPClassUID" in _parse(data, ["SOPClassUID"])
    except Exception:
        return False


def _parse(data: bytes, tags: list[str]) -> pydicom.FileDataset:
    # pydicom would inflate a deflated file whole, a thousandfold if it is a bomb, before its header can be seen.
    if DeflatedExplicitVRLittleEndian.encode() in data:
        raise _Refusal("is a deflated DICOM: export it uncompressed or as JPEG 2000.")
    return pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=tags)


def _read_dicom(data: bytes, notes: list[str]) -> tuple[np.ndarray, float]:
    """A DICOM file -> grey (height, width) in 0..1, saturation.

    The order is that of PS3.4 N.2: modality LUT or rescale (PS3.3 C.11.1), VOI LUT or window (C.11.2), and last the
    inversion of MONOCHROME1 (C.7.6.3.1.2). Pixel padding (C.7.5.1.1.2) comes out black. Colour becomes luma.
    """
    film = _parse(data, _TAGS)
    if "PixelData" not in film:
        raise _Refusal("holds no picture (a DICOM without pixels): export the radiograph itself.")
    modality = str(film.get("Modality") or "").strip().upper()
    if modality not in _PROJECTIONS:
        what = _OTHERS.get(modality, "not a radiograph")
        raise _Refusal(f"is {what} by its modality tag: choose a chest radiograph (CR or DX).")
    _check_size(film.Rows, film.Columns)
    if (frames := int(_number(film, "NumberOfFrames") or 1)) > 1:
        notes.append(f"first of {frames} frames")
    if film.get("PresentationIntentType") == "FOR PROCESSING":
        notes.append("raw detector data, not meant for display")

    frame = _decode(film, frames)
    kind = str(film.PhotometricInterpretation).strip().upper()
    if kind == "PALETTE COLOR":
        frame = apply_color_lut(frame, film)
    if frame.ndim == 3:
        return _read_array(frame, notes)

    padding = _padding(frame, film)
    pixels = _voi(_modality(frame, film, notes), film, padding, notes)
    if kind == "MONOCHROME1":
        notes.append("MONOCHROME1 inverted")
        pixels = 1 - pixels
    if padding.any():
        notes.append("padding set to black")
        pixels[padding] = 0
    return pixels, 0.0


def _decode(film: pydicom.Dataset, frames: int) -> np.ndarray:
    """The first frame as stored, (rows, columns) or (rows, columns, 3); YBR already turned into RGB."""
    syntax = film.file_meta.get("TransferSyntaxUID")
    if syntax is None:  # no file header: as pydicom found it while parsing
        implicit, little = film.original_encoding
        plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        syntax = film.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else plain
    if syntax.is_encapsulated and syntax != RLELossless:
        coded = _coded_shape(get_frame(film.PixelData, 0, number_of_frames=frames))
        if coded is None:
            raise _Refusal(
                "is compressed in a way that cannot be read here: export it uncompressed."
            )
        if coded != (
            film.Rows,
            film.Columns,
            film.SamplesPerPixel,
        ):  # a decoder would believe the stream
            raise _Refusal("contradicts itself about its size: export it again.")
    return pixel_array(film, index=0)


def _coded_shape(stream: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, samples) that a JPEG 2000, JPEG or JPEG-LS stream announces."""
    start = stream.find(b"\xff\x4f\xff\x51")  # SOC and SIZ, ISO/IEC 15444-1 A.5.1
    if start >= 0:
        right, bottom, left, top = struct.unpack_from(">4I", stream, start + 8)
        return bottom - top, right - left, struct.unpack_from(">H", stream, start + 40)[0]
    at = 2
    while at + 10 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if (
            marker == 0xF7 or 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        ):  # SOF, ISO/IEC 10918-1 B.2.2
            return struct.unpack_from(">HHB", stream, at + 5)
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", stream, at + 2)[0]
    return None


def _number(film: pydicom.Dataset, keyword: str) -> float | None:
    """An element's first value; None where it is missing or empty."""
    value = film.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return None if value in (None, "") else float(value)


def _padding(frame: np.ndarray, film: pydicom.Dataset) -> np.ndarray:
    """Where the frame holds no film, bool (height, width)."""
    first = _number(film, "PixelPaddingValue")
    if first is None:
        return np.zeros(frame.shape, bool)
    last = _number(film, "PixelPaddingRangeLimit")
    low, high = sorted((first, first if last is None else last))
    return (frame >= low) & (frame <= high)


def _modality(frame: np.ndarray, film: pydicom.Dataset, notes: list[str]) -> np.ndarray:
    if film.get("ModalityLUTSequence"):
        notes.append("modality LUT applied")
        return _lookup(frame, film.ModalityLUTSequence[0], film)[0]
    slope, intercept = _number(film, "RescaleSlope"), _number(film, "RescaleIntercept")
    if slope is None or intercept is None or (slope, intercept) == (1, 0):
        return frame
    notes.append("rescaled")
    return frame.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _voi(
    values: np.ndarray, film: pydicom.Dataset, padding: np.ndarray, notes: list[str]
) -> np.ndarray:
    """Modality values -> float32 in 0..1 by the file's first VOI LUT, else its first window, else its range."""
    if film.get("VOILUTSequence"):
        notes.append("VOI LUT applied")
        values, largest = _lookup(np.rint(values), film.VOILUTSequence[0], film)
        return values.astype(np.float32) / _ceiling(largest)

    values = values.astype(np.float32)
    center, width = _number(film, "WindowCenter"), _number(film, "WindowWidth")
    function = str(film.get("VOILUTFunction") or "LINEAR").strip().upper()
    if center is not None and width is not None and width > 0:
        notes.append("window applied")
        if (
            function == "SIGMOID"
        ):  # C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w)), written so that nothing overflows
            return 0.5 + 0.5 * np.tanh(2 * (values - np.float32(center)) / np.float32(width))
        if function != "LINEAR_EXACT":  # C.11.2.1.2.1
            center, width = center - 0.5, max(width - 1, 1e-6)
        return np.clip((values - np.float32(center)) / np.float32(width) + np.float32(0.5), 0, 1)

    notes.append("no window in the file: scaled from its darkest to its brightest value")
    shown = values[~padding] if padding.any() and not padding.all() else values
    low, high = shown.min(), shown.max()
    return np.clip((values - low) / (high - low if high > low else 1), 0, 1)


def _lookup(
    values: np.ndarray, item: pydicom.Dataset, film: pydicom.Dataset
) -> tuple[np.ndarray, int]:
    """Values through a modality or VOI LUT (PS3.3 C.11.1.1, C.11.2.1.1), and the table's largest entry.

    Own, because pydicom 3.0's `apply_voi` computes positions in the type of the table's entries: a 12-bit film
    wraps around in a LUT of 8-bit entries.
    """
    count, first, _ = item.LUTDescriptor
    count, data = count or 2**16, item.LUTData
    if isinstance(data, bytes):
        wide = "<u2" if film.original_encoding[1] else ">u2"
        data = np.frombuffer(data, np.uint8 if len(data) < 2 * count else wide)
    table = np.asarray(data)[:count]
    return table[np.clip(values.astype(np.int64) - first, 0, len(table) - 1)], int(table.max())
