"""A film → what goes back to the archive: DICOM objects, and the same in words for programs."""

import io
import logging
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom import Dataset

from pneumonia.dicom.activation import activation
from pneumonia.dicom.capture import capture
from pneumonia.dicom.identity import NOTICE, Identity, device_uid
from pneumonia.dicom.report import report
from pneumonia.dicom.source import DicomError, Source, read_source
from pneumonia.export.records import SOFTWARE
from pneumonia.prediction import Prediction, refused_together
from pneumonia.predictor import Predictor
from pneumonia.reading.cage import Cage
from pneumonia.reading.refusals import RadiographError
from pneumonia.storage.atomic import replacing
from pneumonia.storage.shipped import chosen_models

MAKERS = {"activation": activation, "capture": capture, "report": report}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What becomes of one film.

    Attributes:
        record: study, image and what each model says, or ``error`` (a code) and ``reason``; for
            ``json.dumps``.
        files: name → bytes of a DICOM file. The names are UIDs and name nobody.
    """

    record: dict
    files: dict[str, bytes]

    def save(self, folder: Path) -> list[Path]:
        """Write the files, each whole or not at all, over those of a run before."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name for name in self.files]
        for path, data in zip(paths, self.files.values(), strict=True):
            with replacing(path) as partial:
                partial.write_bytes(data)
        return paths


class Responder:
    """Models and readers, loaded once; answers films from any number of threads.

    Args:
        model: a shipped model, a checkpoint folder, ``"hf://OWNER/NAME"`` or ``"all"``.
        device: where to compute.
        readers: films read at a time.

    Raises:
        CheckpointError: there is no such model, or it cannot be used.
    """

    def __init__(self, model: str, device: str = "auto", readers: int = 1) -> None:
        self.predictors = Predictor.load_all(chosen_models(model), device)
        self._cage = Cage(readers)

    def answer(self, path: Path, when: datetime | None = None) -> Answer:
        """Read a DICOM film and make its results.

        Args:
            path: the file.
            when: the results' date, by default now, in local time.

        Raises:
            RadiographError: it cannot be read as a film.
            DicomError: no DICOM can be made of it.
        """
        source = read_source(path, self._cage)
        predictions = [predictor.predict(source.film) for predictor in self.predictors]
        return respond(source, predictions, when)

    def attempt(self, path: Path) -> Answer:
        """As ``answer``, but a film that has none costs nothing but itself."""
        try:
            return self.answer(path)
        except (RadiographError, DicomError) as error:
            return Answer({"error": error.code, "reason": str(error)}, {})
        except Exception as error:  # whose own words may quote the patient
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("A film could not be answered (%s):\n%s", type(error).__name__, where)
            refusal = RadiographError("broken", path.name)
            return Answer({"error": refusal.code, "reason": str(refusal)}, {})

    def close(self) -> None:
        """End the readers."""
        self._cage.close()


def respond(
    source: Source, predictions: Sequence[Prediction], when: datetime | None = None
) -> Answer:
    """The results of a film: per model a report, a picture and, in scope, an activation map.

    A film that one model does not know is out of scope for all, as on the page.
    """
    when = when or datetime.now()
    models, files = {}, {}
    for prediction in refused_together(predictions):
        objects = {}
        for kind, make in MAKERS.items():
            if kind == "activation" and not prediction.in_scope:
                continue  # what speaks for a verdict means nothing where there is none
            result = make(prediction, Identity(kind, source, prediction.card, when))
            objects[kind] = {
                "file": f"{result.SOPInstanceUID}.dcm",
                "sop_class_uid": result.SOPClassUID,
                "series_instance_uid": result.SeriesInstanceUID,
                "sop_instance_uid": result.SOPInstanceUID,
            }
            files[objects[kind]["file"]] = _encoded(result)
        models[prediction.model] = {**_words(prediction), "objects": objects}
    record = {
        "study_instance_uid": source.image.StudyInstanceUID,
        "sop_instance_uid": source.image.SOPInstanceUID,
        "software": SOFTWARE,
        "notice": NOTICE,
        "models": models,
    }
    return Answer(record, files)


def _words(prediction: Prediction) -> dict:
    card, known = prediction.card, prediction.in_scope
    return {
        "title": card.title,
        "version": card.version,
        "weights_sha256": card.weights.sha256,
        "device_uid": device_uid(card),
        "gate": prediction.gate.code,
        "reason": None if known else str(prediction.gate),
        "verdict": prediction.verdict if known else None,
        "probability": prediction.probability if known else None,
    }


def _encoded(result: Dataset) -> bytes:
    result.save_as(file := io.BytesIO(), enforce_file_format=True)
    return file.getvalue()


def hush() -> None:
    """From now on nothing quotes a patient: DICOM libraries warn with the values of elements."""
    warnings.simplefilter("ignore")
    for name in ("pydicom", "highdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
