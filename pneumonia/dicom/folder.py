"""A folder of DICOM in, a folder of results out: the shape of a router's module."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from pneumonia.dicom.answer import Read, answer
from pneumonia.dicom.origin import DicomError
from pneumonia.dicom.results import write_results
from pneumonia.export.records import INTENDED_USE, SOFTWARE
from pneumonia.predictor import Predictor
from pneumonia.reading.refusals import REFUSALS, RadiographError
from pneumonia.storage.atomic import write_json

SUMMARY = "result.json"
_NO_FILMS = ("not_dicom", "own_result")  # a router's own files, and what was sent back
log = logging.getLogger(__name__)


def answer_folder(
    source: Path, out: Path, read: Read, predictors: Sequence[Predictor]
) -> dict[str, int]:
    """Write the results of all DICOM films of a folder, and last of all ``result.json``.

    A film that cannot be read costs itself: its reason stands in ``result.json``.

    Args:
        source: searched with all below it, whatever the files are called.
        out: gets the results, side by side.
        read: how films are decoded.
        predictors: at least one.

    Returns:
        How many files were ``"answered"``, ``"failed"`` and ``"skipped"``, as they are no films.

    Raises:
        OSError: results cannot be written.
    """
    films, counts = [], dict.fromkeys(("answered", "failed", "skipped"), 0)
    out.mkdir(parents=True, exist_ok=True)
    for path in _files(source, out):
        film = {"file": str(path.relative_to(source))}
        try:
            found = answer(path, read, predictors)
        except (DicomError, RadiographError) as error:
            skipped = error.code in _NO_FILMS
            counts["skipped" if skipped else "failed"] += 1
            if not skipped:
                films.append({**film, "error": error.code, "reason": str(error)})
            continue
        except Exception as error:  # a mistake in here, whose words may quote the file
            log.error("A film was not answered: %s", type(error).__name__)
            counts["failed"] += 1
            films.append({**film, "error": "broken", "reason": REFUSALS["broken"]})
            continue
        write_results(found.results, out)
        counts["answered"] += 1
        films.append({**film, **found.summary})
    content = {"software": SOFTWARE, **counts, "films": films, "intended_use": INTENDED_USE}
    write_json(out / SUMMARY, content)
    return counts


def _files(source: Path, out: Path) -> Iterator[Path]:
    """The folder's files in order, without hidden ones and what lies in ``out``."""
    inner = out.resolve()
    for path in sorted(source.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
        if not hidden and path.is_file() and inner not in path.resolve().parents:
            yield path
