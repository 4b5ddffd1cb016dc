"""All results of a film: made, named and written."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset

from pneumonia.dicom.activation import activation_map
from pneumonia.dicom.capture import capture
from pneumonia.dicom.origin import Origin, silent
from pneumonia.dicom.picture import in_scope
from pneumonia.dicom.report import report
from pneumonia.predictor import Prediction
from pneumonia.storage.atomic import replacing


@dataclass(frozen=True)
class Result:
    """One object.

    Attributes:
        kind: ``"attribution"``, ``"capture"`` or ``"report"``.
        dataset: the object, ready to be written or sent.
        model: whose map it is; None for what all models say together.
    """

    kind: str
    dataset: Dataset = field(repr=False)
    model: str | None = None

    @property
    def file(self) -> str:
        """A file name of its own, which changes with the weights as the UID does."""
        return f"{self.kind}.{self.dataset.SOPInstanceUID}.dcm"

    def write(self, file: Path | BinaryIO) -> None:
        """Write the object as a DICOM file."""
        with silent():
            self.dataset.save_as(file, enforce_file_format=True)

    @property
    def names(self) -> dict[str, str | None]:
        """What a router or an archive asks for."""
        return {
            "kind": self.kind,
            "model": self.model,
            "sop_class_uid": str(self.dataset.SOPClassUID),
            "series_instance_uid": str(self.dataset.SeriesInstanceUID),
            "sop_instance_uid": str(self.dataset.SOPInstanceUID),
            "file": self.file,
        }


def make_results(
    predictions: Sequence[Prediction], origin: Origin, when: datetime | None = None
) -> list[Result]:
    """The objects for one film: a map per model, a picture and a report.

    A film out of scope has no maps: what a model used in a film it does not know means nothing.

    Args:
        predictions: one per model, with their attributions.
        origin: the film's file.
        when: the date of the results in local time, by default now. The UIDs do not depend on it.
    """
    when = when or datetime.now()
    with silent():
        results = [
            Result("attribution", activation_map(p, origin, when, i), p.model)
            for i, p in enumerate(predictions if in_scope(predictions) else [])
        ]
        results.append(Result("capture", capture(predictions, origin, when)))
        results.append(Result("report", report(predictions, origin, when)))
    return results


def write_results(results: Iterable[Result], folder: Path) -> list[Path]:
    """Write all or none, in place of what an earlier run left under the same names.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with ExitStack() as stack:
        for result in results:
            paths.append(folder / result.file)
            result.write(stack.enter_context(replacing(paths[-1])))
    return paths
