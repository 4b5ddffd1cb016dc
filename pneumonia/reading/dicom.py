"""DICOM bytes → one grey film as its makers meant it to be shown.

Only ``_TAGS`` is read: of the patient nothing but the age, which decides with others whether the
film is in scope, and is shown. Sizes are checked, in the header and in the compressed stream,
before anything is decoded.
"""

import io
import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pydicom
from PIL import Image
from pydicom.datadict import DicomDictionary  # pyright: ignore[reportPrivateImportUsage]
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    MediaStorageDirectoryStorage,
    MRImageStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    RLELossless,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from pneumonia.reading.arrays import (
    Grey,
    check_size,
    is_large,
    read_array,
)
from pneumonia.reading.dicom_greys import greys, number
from pneumonia.reading.refusals import Note, Refusal
from pneumonia.reading.streams import check_run_lengths, coded_shape

# Computed and digital radiography (DR and RG are other words for it), fluoroscopy, angiography,
# scanned film (HC), and what secondary captures carry: "other", a non-standard SC, or nothing.
_PROJECTIONS = {"CR", "DX", "DR", "RG", "RF", "XA", "HC", "OT", "SC", ""}

# What no modality tag makes a radiograph.
_SECTIONS = {
    *(CTImageStorage, EnhancedCTImageStorage, MRImageStorage, EnhancedMRImageStorage),
    *(UltrasoundImageStorage, UltrasoundMultiFrameImageStorage),
    *(NuclearMedicineImageStorage, PositronEmissionTomographyImageStorage),
}
MAX_ITEMS = 10_000  # of all sequences and frames of a file

# SOPClassUID, StudyDate, Modality, PresentationIntentType; PatientBirthDate, PatientAge;
# BodyPartExamined, ViewPosition; the image group; offset tables and PixelData.
_TAGS = [0x00080016, 0x00080020, 0x00080060, 0x00080068]
_TAGS += [0x00100030, 0x00101010, 0x00180015, 0x00185101]
_TAGS += [tag for tag in DicomDictionary if tag >> 16 == 0x0028]
_TAGS += [0x7FE00001, 0x7FE00002, 0x7FE00008, 0x7FE00009, 0x7FE00010]


@dataclass(frozen=True)
class Tags:
    """What a DICOM says of how it was taken: whether it is in scope, and words below the film.

    Attributes:
        age: the patient's in years; None where the file does not say.
        view: ``"AP"``, ``"PA"``, ``"LL"`` …, ``""`` where the file does not say.
        body_part: ``"CHEST"`` …, ``""`` where the file does not say.
        burned_in: it says that words of whom it shows are in the picture itself.
    """

    age: float | None = None
    view: str = ""
    body_part: str = ""
    burned_in: bool = False


def is_dicom(data: bytes) -> bool:
    """DICM at byte 128 (PS3.10 7.1), or a bare data set from group 2 or 8 that names its class."""
    if data[128:132] == b"DICM":
        return True
    try:
        bare = data[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")
        return bare and "SOPClassUID" in parse(data)
    except Exception:
        return False


class _Reads(io.BytesIO):
    """A file that ends the patience of a parser which reads it in millions of crumbs."""

    left = 50_000  # a film has hundreds of elements, each read in a few pieces

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise Refusal("too_costly")
        return super().read(size)


def parse(data: bytes, tags: list[int] = _TAGS) -> pydicom.FileDataset:
    """Those elements of a file and no others.

    Raises:
        Refusal: the file would cost too much. Of broken bytes pydicom raises anything.
    """
    # pydicom inflates a deflated file whole, a thousandfold if it is a bomb, before its header.
    if DeflatedExplicitVRLittleEndian.encode() in data:
        raise Refusal("deflated")
    # sequences are parsed when they are asked for, behind the back of the file
    if data.count(b"\xfe\xff\x00\xe0") + data.count(b"\xff\xfe\xe0\x00") > MAX_ITEMS:
        raise Refusal("too_costly")
    return pydicom.dcmread(_Reads(data), force=True, specific_tags=list(tags))


def read_dicom(data: bytes, notes: list[Note]) -> tuple[Grey, Tags]:
    """Read the first frame of a DICOM file.

    Modality LUT or rescale (PS3.3 C.11.1), VOI LUT or window (C.11.2), then the inversion of
    MONOCHROME1 (C.7.6.3.1.2). Pixel padding (C.7.5.1.1.2) comes out black, colour as luma.

    Args:
        data: the whole file.
        notes: gets what was done.

    Returns:
        The first frame, and what the file says of how it was taken.

    Raises:
        Refusal: it holds no radiograph that can be read. Of broken bytes pydicom raises anything.
    """
    film = parse(data)
    if "FloatPixelData" in film or "DoubleFloatPixelData" in film:
        raise Refusal("float_pixels")
    if "PixelData" not in film:
        index = film.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
        whole = index or ("SOPClassUID" in film and "Rows" not in film)  # a report, not a torn film
        raise Refusal("no_pixels" if whole else "damaged")
    modality = str(film.get("Modality") or "").strip().upper()
    if modality not in _PROJECTIONS:
        if re.fullmatch("[A-Z]{2}", modality):
            raise Refusal("modality", modality=modality)
        raise Refusal("not_a_radiograph")
    if film.get("SOPClassUID") in _SECTIONS:
        raise Refusal("not_a_radiograph")
    check_size(film.Rows, film.Columns)
    if (frames := int(number(film, "NumberOfFrames") or 1)) > 1:
        notes.append(Note("first_of_frames", {"frames": frames}))
    if film.get("PresentationIntentType") == "FOR PROCESSING":
        notes.append(Note("for_processing"))

    size = (film.Rows, film.Columns)
    frame = _decode(film, frames)
    kind = str(film.PhotometricInterpretation).strip().upper()
    if kind == "PALETTE COLOR":
        if "SegmentedRedPaletteColorLookupTableData" in film:  # pydicom unpacks it without a bound
            raise Refusal("compression")
        frame = apply_color_lut(frame, film)
    view, part = _word(film, "ViewPosition"), _word(film, "BodyPartExamined")
    tags = Tags(_age(film), view, part, _word(film, "BurnedInAnnotation") == "YES")
    if frame.ndim == 3:
        return read_array(frame, notes)._replace(size=size), tags

    pixels, ends = greys(frame, film, kind == "MONOCHROME1", notes)
    return Grey(pixels, 0.0, size, ends), tags


def _age(film: pydicom.Dataset) -> float | None:
    """The patient's age in years, as the file says it, or whole ones by its dates; else None."""
    if stated := re.fullmatch(r"\s*(\d{1,3})([DWMY]?)\s*", str(film.get("PatientAge") or "")):
        return int(stated[1]) / {"D": 365, "W": 52.18, "M": 12}.get(stated[2], 1)
    try:
        born, taken = (
            datetime.strptime(str(film.get(date) or ""), "%Y%m%d")
            for date in ("PatientBirthDate", "StudyDate")
        )
    except ValueError:
        return None
    years = taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day))
    return float(max(years, 0))


def _word(film: pydicom.Dataset, keyword: str) -> str:
    """A defined term (PS3.3), which is of capital letters; ``""`` where it is none."""
    value = str(film.get(keyword) or "").strip().upper()
    return value if re.fullmatch(r"[A-Z][A-Z _]{0,15}", value) else ""


def _decode(film: pydicom.Dataset, frames: int) -> np.ndarray:
    """The first frame as stored, ``(rows, columns)`` or ``(rows, columns, 3)``; YBR as RGB."""
    syntax = film.file_meta.get("TransferSyntaxUID")
    if syntax is None:  # no file header: take what pydicom found while parsing
        implicit, little = film.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        syntax = film.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    if syntax.is_encapsulated:
        stream = get_frame(film.PixelData, 0, number_of_frames=frames)
        if syntax == RLELossless:
            check_run_lengths(stream, film.Rows * film.Columns)
            return pixel_array(film, index=0)
        coded = coded_shape(stream)
        if coded is None:
            raise Refusal("compression")
        if coded != (film.Rows, film.Columns, film.SamplesPerPixel):  # decoders believe the stream
            raise Refusal("contradiction")
        if b"\xff\xd9" not in stream[-16:]:  # no end marker: libjpeg shows half a film
            raise Refusal("damaged")
        if syntax == JPEGBaseline8Bit and is_large(film.Rows, film.Columns):
            return _half(stream, film)
    return pixel_array(film, index=0)


def _half(stream: bytes, film: pydicom.Dataset) -> np.ndarray:
    """A JPEG decoded at half its sides, where Pillow takes its colours for what they are."""
    with Image.open(io.BytesIO(stream), formats=["JPEG"]) as picture:
        luma = str(film.PhotometricInterpretation).strip().upper().startswith("YBR")
        if picture.mode == "L" or (luma and picture.info.get("adobe_transform", 1)):
            picture.draft(picture.mode, (film.Columns // 2, film.Rows // 2))
            return np.asarray(picture)
    return pixel_array(film, index=0)
