"""The verdict as any viewer shows it: a Secondary Capture with its warning burned in."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from highdicom.sc import SCImage
from pydicom import Dataset
from pydicom.valuerep import DA, TM

from pneumonia.dicom.dataset import NUMBERS, finish
from pneumonia.dicom.identity import device_of, result_uids
from pneumonia.dicom.origin import Origin
from pneumonia.dicom.picture import NOT_FOR_DIAGNOSIS, picture
from pneumonia.predictor import Prediction


def capture(predictions: Sequence[Prediction], origin: Origin, when: datetime) -> SCImage:
    """Film, overlays and verdicts as one picture, 8-bit RGB.

    Args:
        predictions: of one film, one per model, with their attributions.
        origin: the film's file.
        when: the date of the result.
    """
    film, device = origin.stand_in, device_of([p.card for p in predictions])
    series, instance = result_uids("capture", origin, predictions)
    result = SCImage(
        pixel_array=np.asarray(picture(predictions)),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        study_instance_uid=origin.study,
        series_instance_uid=series,
        series_number=NUMBERS["capture"],
        sop_instance_uid=instance,
        instance_number=1,
        manufacturer=device.manufacturer,
        manufacturer_model_name=device.model,
        software_versions=device.versions,
        device_serial_number=device.serial,
        series_description=f"Second look: {NOT_FOR_DIAGNOSIS}",
    )
    # the film may bear a name or a label of its own
    result.BurnedInAnnotation = "YES"
    result.PatientOrientation = result.Laterality = None  # a sheet of pictures and words has none
    result.ImageComments = f"{NOT_FOR_DIAGNOSIS}: a demonstration, no medical device."
    source = Dataset()
    source.ReferencedSOPClassUID = film.SOPClassUID
    source.ReferencedSOPInstanceUID = film.SOPInstanceUID
    result.SourceImageSequence = [source]
    result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = DA(when.date()), TM(when.time())
    finish(result, origin, device, when)
    return result
