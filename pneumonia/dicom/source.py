"""A DICOM film with what its results have to carry on: whose it is, which study, which image."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.datadict import (
    DicomDictionary,  # pyright: ignore[reportPrivateImportUsage]
    tag_for_keyword,
)

from pneumonia.reading.archive import FilmRef
from pneumonia.reading.cage import Cage
from pneumonia.reading.dicom import parse
from pneumonia.reading.radiograph import MAX_BYTES, Radiograph
from pneumonia.reading.refusals import RadiographError

MANUFACTURER = "pneumonia"  # of all results, by which they are told from films
BEGINNING = 2**16  # bytes in which a result has named it

_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_STUDY = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription"),
    *("AccessionNumber", "IssuerOfAccessionNumberSequence", "ReferringPhysicianName"),
)
# type 2: has to be there, may be empty (PS3.3 C.7.1.1, C.7.2.1)
_BLANK = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"),
    *("StudyID", "AccessionNumber", "ReferringPhysicianName"),
)
_IMAGE = (
    *(*_NEEDED, "Modality", "Rows", "Columns", "PatientOrientation", "BodyPartExamined"),
    *("PixelSpacing", "ImagerPixelSpacing"),
)
_FURTHER = ("SpecificCharacterSet", "Manufacturer", "NumberOfFrames")
# the patient's modules are group 10, and 12 for trials and for who is no longer named
_SUBJECT = {
    *(tag for tag in DicomDictionary if tag >> 16 in (0x0010, 0x0012)),
    *(tag_for_keyword(keyword) or 0 for keyword in _STUDY),
}
_TAGS = sorted(_SUBJECT | {tag_for_keyword(keyword) or 0 for keyword in (*_IMAGE, *_FURTHER)})

SENTENCES = {
    "not_dicom": '"{name}" is not a DICOM file: `pneumonia predict` reads other pictures.',
    "no_study": '"{name}" does not say where it belongs ({missing} is missing): '
    "export it from the archive again.",
    "frames": '"{name}" holds several frames: export the radiograph alone.',
    "own_result": '"{name}" is a result of this software, not a film.',
}


class DicomError(ValueError):
    """A film that can be read, but of which no DICOM can be made; ``str(error)`` says why.

    Attributes:
        code: a key of ``SENTENCES``.
    """

    def __init__(self, code: str, name: str, **arguments: str) -> None:
        super().__init__(SENTENCES[code].format(name=name, **arguments))
        self.code = code


@dataclass(frozen=True, eq=False)
class Source:
    """A film and its header.

    Attributes:
        film: as it was read.
        image: which image of which study it is, its size and orientation; nothing of the patient,
            so that libraries have nothing to complain about in their warnings.
        subject: patient and study, as the file has them, in UTF-8.
    """

    film: Radiograph
    image: Dataset
    subject: Dataset

    @cached_property
    def fingerprint(self) -> str:
        """Of all that an answer depends on: which image it is, its greys, age, view, body part."""
        image, film = self.image, self.film
        text = f"{image.StudyInstanceUID} {image.SOPInstanceUID} {film.pixels.shape} {film.tags}"
        digest = hashlib.sha256(text.encode())
        digest.update(np.ascontiguousarray(film.pixels).data)
        return digest.hexdigest()


def read_source(path: Path, cage: Cage) -> Source:
    """A film and its header from a file.

    Raises:
        RadiographError: it cannot be read as a film.
        DicomError: it can, but is no DICOM, or not one that results can refer to.
    """
    try:
        film = cage.read(FilmRef(path))
    except RadiographError as error:
        if error.code == "not_a_picture":
            raise DicomError("not_dicom", error.name) from error
        # a report, a map, a map of a large film
        if error.code in ("no_pixels", "float_pixels", "too_large") and _begins_as_result(path):
            raise DicomError("own_result", error.name) from error
        raise
    if film.format != "DICOM":
        raise DicomError("not_dicom", film.name)
    with path.open("rb") as file:  # the reader has taken it, so that it is sound
        header = parse(file.read(MAX_BYTES), _TAGS)
    if header.get("Manufacturer") == MANUFACTURER:
        raise DicomError("own_result", film.name)
    for keyword in _NEEDED:
        if not header.get(keyword):
            raise DicomError("no_study", film.name, missing=keyword)
    if str(header.get("NumberOfFrames") or "1").strip() != "1":
        raise DicomError("frames", film.name)
    return Source(film, _image(header), _subject(header))


def _begins_as_result(path: Path) -> bool:
    """Whether a file that the reader refused is a result, by a piece too small to do harm."""
    with path.open("rb") as file:
        beginning = file.read(BEGINNING)
    try:
        return parse(beginning, _TAGS).get("Manufacturer") == MANUFACTURER
    except Exception:  # whatever pydicom raises of broken bytes
        return False


def _image(header: Dataset) -> Dataset:
    image = Dataset()
    for keyword in _IMAGE:
        if keyword in header:
            setattr(image, keyword, header[keyword].value)
    for keyword in _BLANK:
        setattr(image, keyword, "")
    image.Modality = image.get("Modality") or "OT"  # which highdicom asks for
    return image


def _subject(header: Dataset) -> Dataset:
    subject = Dataset()
    for keyword in _BLANK:
        setattr(subject, keyword, "")
    for tag in sorted(_SUBJECT & set(header.keys())):
        try:
            element = header[tag]
        except Exception:  # a value that is none of its kind is left out, not handed on
            continue
        subject.add(element)
    subject.SpecificCharacterSet = header.get("SpecificCharacterSet") or "ISO_IR 6"
    subject.decode()
    subject.SpecificCharacterSet = "ISO_IR 192"
    return subject
