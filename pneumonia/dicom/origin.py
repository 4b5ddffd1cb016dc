"""What a result takes over from its film: patient, study and the references to it.

The elements of patient and study are copied as they stand and looked at nowhere. No validation is
on while they are read: its warnings would write them into a log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydicom import Dataset, config
from pydicom.datadict import DicomDictionary  # pyright: ignore[reportPrivateImportUsage]
from pydicom.uid import UID

from pneumonia.reading.dicom import is_dicom, parse

MANUFACTURER = "pneumonia"  # of all results; what bears it is no film

ERRORS = {
    "not_dicom": '"{name}" is no DICOM file: results go into a film\'s own study, so give the film '
    "as DICOM.",
    "own_result": '"{name}" is itself a result of this software: give the film it was made of.',
    "no_study": '"{name}" does not say which study, series and instance it is (UIDs): '
    "export it again.",
    "unknown_class": '"{name}" is a kind of object that DICOM does not know (SOP class): '
    "export it as CR, DX or secondary capture.",
    "broken_header": '"{name}" has a header that cannot be read: export it again.',
}

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_STUDY = ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID")
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
# groups 10 and 12: the patient, and a clinical trial's name for him; no sequences, which nest
_SUBJECT = [tag for tag, row in DicomDictionary.items() if tag >> 16 in (16, 18) and row[0] != "SQ"]
_TAGS = ["SpecificCharacterSet", *_UIDS, *_STUDY, "StudyDescription", *_SUBJECT]
_TAGS += ["Manufacturer", "Rows", "Columns", "PixelSpacing"]


class DicomError(ValueError):
    """A file that no results can be written for; ``str(error)`` says which and what to do.

    Attributes:
        code: a key of ``ERRORS``.
    """

    def __init__(self, code: str, name: str) -> None:
        super().__init__(ERRORS[code].format(name=name))
        self.code = code


@dataclass(frozen=True)
class Origin:
    """The film's file, as far as its results need it.

    Attributes:
        header: patient and study as they stand in the file, and its character set.
        stand_in: the film without a patient, which is all that the makers of results see.
    """

    header: Dataset = field(repr=False)
    stand_in: Dataset = field(repr=False)

    @property
    def uid(self) -> str:
        """The film's SOP Instance UID."""
        return str(self.stand_in.SOPInstanceUID)

    @property
    def study(self) -> str:
        """The film's Study Instance UID."""
        return str(self.stand_in.StudyInstanceUID)


def read_origin(data: bytes, name: str) -> Origin:
    """What results take over from a film's file.

    Args:
        data: the whole file; nothing in it is decoded.
        name: the film's, for the error's sentence.

    Raises:
        DicomError: it is no DICOM, a result of this software, or names no study.
    """
    if not is_dicom(data):
        raise DicomError("not_dicom", name)
    with silent():
        try:
            header = _readable(parse(data, _TAGS))
        except Exception as error:  # of broken bytes pydicom raises anything
            raise DicomError("broken_header", name) from error
    if header.get("Manufacturer") == MANUFACTURER:
        raise DicomError("own_result", name)
    if not all(UID(str(header.get(uid) or "")).is_valid for uid in _UIDS):
        raise DicomError("no_study", name)
    if header["SOPClassUID"].value.type != "SOP Class":
        raise DicomError("unknown_class", name)
    return Origin(header, _stand_in(header))


@contextmanager
def silent() -> Iterator[None]:
    """Nothing that pydicom finds wrong with an element is warned of, as it would be quoted."""
    with config.disable_value_validation():
        yield


def _readable(parsed: Dataset) -> Dataset:
    """The elements that can be read, each turned into its values here and not again."""
    header = Dataset()
    for tag in list(parsed.keys()):
        try:
            element = parsed[tag]
        except Exception:  # a weight that is no number costs nothing but itself
            continue
        if element.VR != "SQ":
            header.add(element)
    return header


def _stand_in(header: Dataset) -> Dataset:
    film = Dataset()
    for keyword in (*_PATIENT, *_STUDY):
        setattr(film, keyword, None)
    for keyword in (*_UIDS, "Rows", "Columns", "PixelSpacing"):
        if keyword in header:
            setattr(film, keyword, header[keyword].value)
    film.NumberOfFrames, groups = 1, Dataset()  # the one frame that is read
    groups.PixelMeasuresSequence = [Dataset()]
    film.SharedFunctionalGroupsSequence = film.PerFrameFunctionalGroupsSequence = [groups]
    return film
