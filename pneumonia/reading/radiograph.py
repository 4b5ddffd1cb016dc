"""Any supported file or array → one grey film, with what was done to it on the way.

    film = read_radiograph("chest.dcm")
    film.pixels    # float32, (height, width), 0 (black) to 1 (white), bones bright
    [str(note) for note in film.notes]  # ["window applied", "MONOCHROME1 inverted"]

Reads JPEG, PNG, TIFF, BMP, WebP, GIF and DICOM, told apart by their bytes, never by their suffix.
Every refusal is a ``RadiographError``. Sizes are checked before anything is decoded, nothing global
is changed, and of what a DICOM says of the patient nothing is looked at but the age.
"""

import io
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from pneumonia.reading.arrays import Grey, check_size, is_large, read_array, too_many_pixels
from pneumonia.reading.dicom import Tags, is_dicom, read_dicom
from pneumonia.reading.refusals import Note, RadiographError, Refusal
from pneumonia.reading.streams import jpeg_shape

MAX_BYTES = 25 * 2**20
SUFFIXES = (
    *(".jpeg", ".jpg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"),
    *(".dcm", ".dicom", ".dic"),
)

_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
_TURNS = {  # that bring a picture of this EXIF orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One grey film.

    Attributes:
        pixels: ``(height, width)`` float32, C-contiguous, 0 (black) to 1 (white); of a source of
            more than 12 megapixels at half its sides.
        name: the file's base name, or ``"film"``.
        format: of a file ``"JPEG"``, ``"PNG"``, ``"TIFF"``, ``"BMP"``, ``"WEBP"``, ``"GIF"`` or
            ``"DICOM"``; of a PIL image its own (``"PPM"``), ``"picture"`` where it has none; else
            ``"array"``.
        notes: what was done to the film; ``str(note)`` says it in plain words.
        saturation: mean of max - min over red, green and blue, 0 to 1; 0.0 where the source was
            grey. (Not divided by the brightness as in HSV, or coding noise on black would count as
            vivid.)
        size: height and width of the source in px, upright.
        tags: what a DICOM says of how it was taken.
        ends: a DICOM's values that are black and white, between which greys are in proportion; None
            where no values are (any other source, a lookup table, a sigmoid window).
    """

    pixels: np.ndarray = field(repr=False)
    name: str
    format: str
    notes: tuple[Note, ...]
    saturation: float
    size: tuple[int, int]
    tags: Tags = field(default_factory=Tags)
    ends: tuple[float, float] | None = None


Source = str | os.PathLike | bytes | BinaryIO | Image.Image | np.ndarray | Radiograph


def read_radiograph(source: Source, name: str | None = None) -> Radiograph:
    """Read a film from a path, bytes, an open binary file, a PIL image or an array.

    Args:
        source: of several frames or pages the first is read. Open files are read from where they
            stand. Arrays are ``(height, width)`` or ``(height, width, 1 | 3 | 4)``, of bool, of
            integers from 0 to 65,535 or of floats from 0 to 1. A ``Radiograph`` comes back as it
            is.
        name: replaces the source's own name.

    Raises:
        RadiographError: and nothing else, whatever the source holds.
    """
    if isinstance(source, Radiograph):
        return source
    label = _label(source, name)
    try:
        return _read(source, label)
    except Refusal as error:
        refusal, cause = error, error.__cause__
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        refusal, cause = too_many_pixels(), error
    except MemoryError as error:
        refusal, cause = Refusal("out_of_memory"), error
    except Exception as error:  # whatever a decoder raises at broken bytes
        refusal, cause = Refusal("damaged"), error
    try:
        raise RadiographError(refusal.code, label, **refusal.arguments) from cause
    finally:  # or this frame and their tracebacks would keep each other, with all that was decoded
        del refusal, cause


def _read(source: Source, label: str) -> Radiograph:
    notes: list[Note] = []
    tags = Tags()
    if isinstance(source, np.ndarray):
        kind, grey = "array", read_array(source, notes)
    elif isinstance(source, Image.Image):
        kind, grey = source.format or "picture", _read_picture(source, notes)
    elif is_dicom(data := _bytes(source)):
        kind, (grey, tags) = "DICOM", read_dicom(data, notes)
    else:
        if data[:2] == b"\xff\xd8":
            jpeg_shape(data)  # refuses what takes minutes to decode
        try:
            Image.open(io.BytesIO(data), formats=_FORMATS).verify()  # the checksums of a PNG
            picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise Refusal("not_a_picture") from error
        kind, grey = str(picture.format), _read_picture(picture, notes, ours=True)
    if not np.isfinite(grey.pixels).all():
        raise Refusal("not_finite")
    kind = "JPEG" if kind == "MPO" else kind  # a telephone's JPEG with a second picture behind it
    pixels = np.ascontiguousarray(grey.pixels, np.float32)
    facts = (label, kind, tuple(notes), grey.saturation, grey.size, tags, grey.ends)
    return Radiograph(pixels, *facts)


def _label(source: Source, name: str | None) -> str:
    if name is None and isinstance(source, (str, os.PathLike)):
        name = os.fsdecode(source)
    elif name is None:
        name = getattr(source, "filename", None) or getattr(source, "name", None)
    return film_name(name) if isinstance(name, str) else "film"


def film_name(path: str) -> str:
    """A film's name: the base name, printable and at most 80 characters, or ``"film"``.

    Names come from strangers; wherever one is shown, it is shown like this.
    """
    base = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    clean = "".join(c for c in base if c.isprintable()).strip()
    return (clean if len(clean) <= 80 else f"{clean[:60]}…{clean[-19:]}") or "film"


def _bytes(source: Source) -> bytes:
    """The whole file, and never more than ``MAX_BYTES`` of it."""
    if isinstance(source, (str, os.PathLike)):
        try:
            about = os.stat(source)
            if stat.S_ISDIR(about.st_mode):
                raise Refusal("folder")
            if not stat.S_ISREG(about.st_mode):
                raise Refusal("not_a_file")
            if about.st_size > MAX_BYTES:
                raise Refusal("too_large", limit=MAX_BYTES // 2**20)
            with open(source, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError as error:
            raise Refusal("missing") from error
        except (OSError, ValueError) as error:
            raise Refusal("cannot_open") from error
    else:
        read = getattr(source, "read", None)
        data = _drain(read) if read else source
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise Refusal("not_a_source")
    if len(data) > MAX_BYTES:
        raise Refusal("too_large", limit=MAX_BYTES // 2**20)
    if not data:
        raise Refusal("empty")
    return bytes(data)


def _drain(read: Callable[[int], bytes]) -> bytes:
    """An open file's bytes up to one more than ``MAX_BYTES``, however few of them a call gives."""
    parts, left = [], MAX_BYTES + 1
    while left > 0 and (part := read(left)):
        if isinstance(part, str):
            raise Refusal("opened_as_text")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _read_picture(picture: Image.Image, notes: list[Note], ours: bool = False) -> Grey:
    """A Pillow image; one that comes from a file has read its header only.

    Args:
        picture: the image.
        notes: gets what was done.
        ours: nobody else looks at it, so that it may be decoded at half its sides.
    """
    height, width = picture.height, picture.width
    check_size(height, width)
    # Pillow keeps the upper 8 bits of 16-bit colour, and inverts TIFF's WhiteIsZero at 8 bits only.
    deep = ";16" in str(getattr(picture, "tile", "")) and not picture.mode.startswith("I")
    negative = picture.mode.startswith("I;16") and getattr(picture, "tag_v2", {}).get(262) == 0
    if getattr(picture, "is_animated", False) and picture.tell() == 0:
        notes.append(Note("first_frame"))
    if ours and is_large(height, width):
        picture.draft(picture.mode, (width // 2, height // 2))  # a JPEG is
    if (orientation := _orientation(picture)) in _TURNS:
        notes.append(Note("turned"))
        if picture.format == "TIFF":  # which turns itself
            picture.load()
            height, width = picture.height, picture.width
        else:  # not by exif_transpose, which writes all of the EXIF block anew
            picture = picture.transpose(_TURNS[orientation])
            height, width = (width, height) if orientation > 4 else (height, width)
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        if picture.has_transparency_data:
            picture = _as(picture, "RGBA")
        elif picture.mode not in ("1", "L"):
            picture = _as(picture, "RGB")
        if is_large(picture.height, picture.width):  # before it takes its memory once more
            picture = _as(picture, "L" if picture.mode == "1" else picture.mode).reduce(2)
    array = np.asarray(picture)
    if deep:
        if array[..., :3].max() < 128:
            raise Refusal("few_colours")
        notes.append(Note("colour_at_8_bits"))
    grey = read_array(array, notes)._replace(size=(height, width))
    if negative:
        notes.append(Note("white_is_zero"))
        return grey._replace(pixels=1 - grey.pixels)
    return grey


def _as(picture: Image.Image, mode: str) -> Image.Image:
    return picture if picture.mode == mode else picture.convert(mode)


def _orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(0x0112, 1)
    except Exception:  # a broken EXIF block does not break the film
        return 1
