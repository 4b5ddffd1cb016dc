"""What a model says of a film as a DICOM Structured Report (PS3.16 TID 1500)."""

from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from pneumonia.dicom.identity import NOTICE, Identity, device_uid
from pneumonia.dicom.source import MANUFACTURER
from pneumonia.export.records import INTENDED_USE, SENTENCES, SOFTWARE
from pneumonia.prediction import Prediction

# Codes of its own: SNOMED's "Pneumonia" or "Normal" would be read as a finding, which it is not.
SCHEME = "99PNEUMONIA"
PROBABILITY = Code("probability", SCHEME, "Probability of pneumonia by this model")
VERDICT = Code("verdict", SCHEME, "Verdict of the model")
SCOPE = Code("scope", SCHEME, "Scope of the model")
IN_SCOPE = Code("in-scope", SCHEME, "In scope: a film like those the model knows")
OUT_OF_SCOPE = Code("out-of-scope", SCHEME, "Out of scope: no verdict on this film")
VERDICTS = {word: Code(word, SCHEME, text.capitalize()) for word, text in SENTENCES.items()}

_CHEST_FILM = Code("399208008", "SCT", "Plain chest X-ray")
_COMMENT = codes.DCM.Comment


def report(prediction: Prediction, identity: Identity) -> Dataset:
    """Probability and verdict, or why there is none; by which model, of which image."""
    card, image = prediction.card, identity.source.image
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=device_uid(card),
        name=SOFTWARE,
        manufacturer_name=MANUFACTURER,
        model_name=card.title,
        serial_number=card.weights.sha256,
    )
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identity.uid("tracking"), prediction.model),
        finding_sites=[sr.FindingSite(codes.SCT.Lung)],
        algorithm_id=sr.AlgorithmIdentification(
            name=f"{prediction.model} ({card.title})",
            version=f"{SOFTWARE}, model {card.version}",
            parameters=[
                f"Weights SHA-256: {card.weights.sha256}",
                f"Operating point: {prediction.threshold:.4f}",
            ],
        ),
        measurements=_measurements(prediction),
        qualitative_evaluations=_evaluations(prediction),
        source_images=[sr.SourceImageForMeasurementGroup.from_source_image(image)],
    )
    words = [f"{NOTICE}. {INTENDED_USE}"]
    if not prediction.in_scope:
        words.insert(0, str(prediction.gate))
    for text in words:
        group[0].ContentSequence.append(
            sr.TextContentItem(_COMMENT, text, sr.RelationshipTypeValues.CONTAINS)
        )
    observer = sr.ObserverContext(codes.DCM.Device, device)
    content = sr.MeasurementReport(sr.ObservationContext(observer), _CHEST_FILM, [group])
    result = sr.ComprehensiveSR(
        [image],
        content[0],
        is_complete=True,
        coding_schemes=[
            CodingSchemeIdentificationItem(
                SCHEME, name="Verdicts of the pneumonia demonstration", version="1"
            )
        ],
        **identity.arguments,
    )
    return identity.complete(result)


def _measurements(prediction: Prediction) -> list[sr.Measurement]:
    if not prediction.in_scope:  # a number would be believed
        return []
    chance = round(prediction.probability, 4)
    return [sr.Measurement(PROBABILITY, chance, codes.UCUM.NoUnits)]


def _evaluations(prediction: Prediction) -> list[sr.QualitativeEvaluation]:
    if not prediction.in_scope:
        return [sr.QualitativeEvaluation(SCOPE, OUT_OF_SCOPE)]
    return [
        sr.QualitativeEvaluation(SCOPE, IN_SCOPE),
        sr.QualitativeEvaluation(VERDICT, VERDICTS[prediction.verdict]),
    ]
