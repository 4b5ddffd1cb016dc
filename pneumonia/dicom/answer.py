"""One film's file in, its results out: the walk that commands and service share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumonia.checkpoint import CheckpointError
from pneumonia.dicom.origin import Origin, read_origin
from pneumonia.dicom.picture import in_scope
from pneumonia.dicom.results import Result, make_results
from pneumonia.export.records import model_record
from pneumonia.predictor import Prediction, Predictor
from pneumonia.reading.archive import FilmRef
from pneumonia.reading.radiograph import MAX_BYTES, Radiograph
from pneumonia.storage.shipped import available_models

Read = Callable[[FilmRef], Radiograph]


@dataclass(frozen=True)
class Answer:
    """What there is to say of one film.

    Attributes:
        results: its DICOM objects.
        summary: UIDs and verdicts for ``json.dumps``, with nothing of the patient.
    """

    results: list[Result]
    summary: dict[str, object]


def answer(path: Path, read: Read, predictors: Sequence[Predictor]) -> Answer:
    """Read a film, ask the models and make the results.

    Args:
        path: the film's file.
        read: how the film is decoded: here, or in a process of its own (``Cage.read``).
        predictors: at least one.

    Raises:
        OSError: the file cannot be opened.
        DicomError: results cannot be written for it.
        RadiographError: it cannot be read as a film.
    """
    film = FilmRef(path)
    with path.open("rb") as file:
        origin = read_origin(file.read(MAX_BYTES + 1), film.name)
    radiograph = read(film)
    predictions = [predictor.predict(radiograph) for predictor in predictors]
    results = make_results(predictions, origin)
    return Answer(results, summary(predictions, origin, results))


def load_predictors(model: str, device: str = "auto") -> list[Predictor]:
    """The models that a command was told to ask.

    Args:
        model: a model's name (see ``Predictor.load``), or ``"all"`` that are shipped.
        device: see ``Predictor.load``.

    Raises:
        CheckpointError: there is none, or one cannot be used.
        ValueError: there is no such device here.
    """
    names = available_models() if model == "all" else [model]
    if not names:
        raise CheckpointError("There are no checkpoints: train them with `pneumonia train`.")
    return [Predictor.load(name, device) for name in names]


def summary(
    predictions: Sequence[Prediction], origin: Origin, results: Sequence[Result]
) -> dict[str, object]:
    """One film as JSON.

    Returns:
        ``{"study_instance_uid", "sop_instance_uid", "in_scope", "models": {...}, "objects":
        [...]}``. ``models`` maps each model's name to what ``export.records`` says of it; out of
        scope to its title, version, hash and gate alone.
    """
    records = {p.model: model_record(p) for p in predictions}
    if not (known := in_scope(predictions)):
        keep = ("title", "version", "weights_sha256", "gate")
        records = {name: {key: r[key] for key in keep} for name, r in records.items()}
    return {
        "study_instance_uid": origin.study,
        "sop_instance_uid": origin.uid,
        "in_scope": known,
        "models": records,
        "objects": [result.names for result in results],
    }
