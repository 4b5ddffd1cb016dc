"""The verdict as data: a measurement report by template TID 1500, in English.

A group per model (TID 1501) says which algorithm looked at which film. In scope it holds the
probability and the verdict; out of scope neither, but the code of the reason. The same in sentences
stands among the report's qualitative evaluations.
"""

from collections.abc import Sequence
from datetime import datetime

from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from pneumonia.dicom.dataset import NUMBERS, finish
from pneumonia.dicom.identity import Device, device_of, result_uids, uid_of
from pneumonia.dicom.origin import Origin
from pneumonia.dicom.picture import NOT_FOR_DIAGNOSIS, OUT_OF_SCOPE, in_scope, reasons
from pneumonia.export.records import INTENDED_USE, SENTENCES
from pneumonia.predictor import Prediction

SCHEME = "99PNEUMONIA"
SCOPE = Code("scope", SCHEME, "Scope of the model")
PROBABILITY = Code("probability", SCHEME, "Probability of pneumonia")
IN_SCOPE = Code("ok", SCHEME, "In scope")
PNEUMONIA = Code("233604007", "SCT", "Pneumonia")
VERDICTS = {  # codes of SNOMED CT
    "PNEUMONIA": codes.SCT.Positive,
    "NORMAL": codes.SCT.Negative,
    "UNCERTAIN": codes.SCT.Indeterminate,
}
_CHEST_FILM = Code("399208008", "SCT", "Plain X-ray of chest")
_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
_OWN_CODES = CodingSchemeIdentificationItem(SCHEME, name="pneumonia: reasons of its gate")


def report(predictions: Sequence[Prediction], origin: Origin, when: datetime) -> sr.ComprehensiveSR:
    """What each model says of the film, or why the film is none of theirs.

    Args:
        predictions: of one film, one per model.
        origin: the film's file.
        when: the date of the result.
    """
    device = device_of([p.card for p in predictions])
    series, instance = result_uids("report", origin, predictions)
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_observer(device)),
        procedure_reported=_CHEST_FILM,
        imaging_measurements=[_group(p, origin, in_scope(predictions)) for p in predictions],
    )
    content[0].ContentSequence.append(_sentences(predictions))
    result = sr.ComprehensiveSR(
        evidence=[origin.stand_in],
        content=content,
        series_instance_uid=series,
        series_number=NUMBERS["report"],
        sop_instance_uid=instance,
        instance_number=1,
        manufacturer=device.manufacturer,
        manufacturer_model_name=device.model,
        software_versions=device.versions,
        device_serial_number=device.serial,
        series_description=f"Second look: {NOT_FOR_DIAGNOSIS}",
        coding_schemes=[_OWN_CODES],
        is_complete=True,
    )
    finish(result, origin, device, when)
    return result


def _observer(device: Device) -> sr.ObserverContext:
    attributes = sr.DeviceObserverIdentifyingAttributes(
        uid=device.uid,
        name=device.manufacturer,
        manufacturer_name=device.manufacturer,
        model_name=device.model,
        serial_number=device.serial,
    )
    return sr.ObserverContext(sr.CodedConcept.from_code(codes.DCM.Device), attributes)


def _group(
    prediction: Prediction, origin: Origin, known: bool
) -> sr.MeasurementsAndQualitativeEvaluations:
    """What one model says; nothing but its scope if the film is not ``known`` to all models.

    No "finding" is named, which a reader of findings would take for one whatever the verdict.
    """
    card, film = prediction.card, origin.stand_in
    low, high = card.conformal.uncertain
    parameters = [
        f"weights SHA-256 {card.weights.sha256}",
        f"operating point {prediction.threshold:.4f}",
        f"UNCERTAIN from {low:.4f} to {high:.4f}",
    ]
    gate = prediction.gate
    scope = IN_SCOPE if gate.ok else Code(gate.code, SCHEME, f"Out of scope: {gate.code}")
    found = [sr.QualitativeEvaluation(SCOPE, scope)]
    measured = []
    if known:
        found.append(sr.QualitativeEvaluation(PNEUMONIA, VERDICTS[prediction.verdict]))
        probability = round(prediction.probability, 4)
        measured.append(sr.Measurement(PROBABILITY, probability, codes.UCUM.NoUnits))
    _, instance = result_uids("report", origin, [prediction])
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid_of("group", instance), card.title),
        algorithm_id=sr.AlgorithmIdentification(
            card.title, card.version, parameters, manufacturer=device_of([card]).manufacturer
        ),
        measurements=measured or None,
        qualitative_evaluations=found,
        source_images=[
            sr.SourceImageForMeasurementGroup(film.SOPClassUID, film.SOPInstanceUID),
        ],
    )


def _sentences(predictions: Sequence[Prediction]) -> sr.ContainerContentItem:
    lines = [f"{OUT_OF_SCOPE}: {reason}" for reason in reasons(predictions)] or [
        f"{p.card.title}: {p.verdict}, {SENTENCES[p.verdict]}" for p in predictions
    ]
    box = sr.ContainerContentItem(_EVALUATIONS, relationship_type="CONTAINS")
    box.ContentSequence = sr.ContentSequence(
        sr.TextContentItem(codes.DCM.Comment, line, "CONTAINS")
        for line in (*lines, f"{NOT_FOR_DIAGNOSIS}. {INTENDED_USE}")
    )
    return box
