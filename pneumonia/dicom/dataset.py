"""What all results have in common, once highdicom has made them."""

from datetime import datetime

from highdicom.base import SOPClass
from pydicom.uid import UID
from pydicom.valuerep import DA, DT, TM

from pneumonia.dicom.identity import Device
from pneumonia.dicom.origin import Origin

# series numbers of results, beyond those of an examination
NUMBERS = {"attribution": 9001, "capture": 9101, "report": 9201}
_DATES = ("InstanceCreation", "Content", "Series")


def finish(result: SOPClass, origin: Origin, device: Device, when: datetime) -> SOPClass:
    """The result with its patient and study, its device and its date.

    Args:
        result: made with the film's stand-in, which has no patient.
        origin: the film's file.
        device: what made the result.
        when: the date of the result, in local time.
    """
    result.copy_patient_and_study_information(origin.header)
    if "SpecificCharacterSet" in origin.header:
        result.add(origin.header["SpecificCharacterSet"])
    result.DeviceUID = UID(device.uid)
    for equipment in result.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = DT(when)
    for what in _DATES:
        setattr(result, f"{what}Date", DA(when.date()))
        setattr(result, f"{what}Time", TM(when.time()))
    return result
