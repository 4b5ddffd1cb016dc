"""Predictions as records: JSON, CSV, and the words they share with the PDF (see ``pdf``)."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import TextIO

from pneumonia import __version__
from pneumonia.prediction import Prediction
from pneumonia.reading.radiograph import SUFFIXES
from pneumonia.reading.refusals import RadiographError

INTENDED_USE = (
    "A demonstration and a second look: not a diagnosis, not a medical device, and nobody should "
    "be treated, or not treated, because of it. The models know AP films of children of 1 to 5 "
    "years from one hospital; on other films, of adults above all, their numbers mean nothing."
)
SENTENCES = {
    "NORMAL": "no sign of pneumonia found by this model",
    "UNCERTAIN": "between what this model calls normal and pneumonia",
    "PNEUMONIA": "looks like pneumonia to this model",
}
SOFTWARE = f"pneumonia {__version__}"

COLUMNS = (
    *("file", "model", "label", "probability", "gate", "error"),
    *("verdict", "set", "operating_point", "sensitivity", "specificity"),
)

LONGEST_NAME = 80  # characters of a download's name
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.I)

# a film's name, and its predictions or the reason why it has none
Row = tuple[str, Sequence[Prediction] | RadiographError]


def as_dict(predictions: Sequence[Prediction], when: datetime | None = None) -> dict:
    """The predictions for one film as a dictionary for ``json.dumps``.

    Args:
        predictions: of one film, one per model.
        when: the date of the report, by default now; without a time zone it counts as UTC.

    Returns:
        ``{"film": name, "width": px, "height": px, "format", "notes": [...], "models": {...},
        "date": ISO 8601 in UTC, "software", "intended_use"}``. ``models`` maps each model's name to
        ``title``, ``version``, ``weights_sha256``, ``gate``; ``label``, ``verdict`` and ``set``,
        which are None, None and empty unless ``gate`` is ``"ok"``; ``probability``, meaningless
        then; ``operating_point`` with its ``sensitivity`` and ``specificity``, ``coverage`` and
        ``uncertain`` (the two probabilities between which the verdict is UNCERTAIN), all in 0..1.

    Raises:
        ValueError: there are no predictions.
    """
    if not predictions:
        raise ValueError("A report needs at least one prediction.")
    film = predictions[0].radiograph
    height, width = film.size
    return {
        "film": film.name,
        "width": width,
        "height": height,
        "format": film.format,
        "notes": [str(note) for note in film.notes],
        "models": {p.model: model_record(p) for p in predictions},
        "date": utc(when).isoformat(timespec="seconds"),
        "software": SOFTWARE,
        "intended_use": INTENDED_USE,
    }


def csv_text(rows: Iterable[Row]) -> str:
    """A CSV of many films: one row per film and model, or one with the reason in "error".

    Args:
        rows: per film its name, and its predictions or the reason why it has none.

    Returns:
        The whole file, with ``COLUMNS`` as its header.
    """
    writer = csv_writer(file := io.StringIO())
    for row in rows:
        writer.writerows(csv_rows(*row))
    return file.getvalue()


def csv_writer(file: TextIO) -> "csv.DictWriter[str]":
    """Writes what ``csv_rows`` yields; the header is written."""
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    return writer


def csv_rows(name: str, answer: Sequence[Prediction] | RadiographError) -> Iterator[dict[str, str]]:
    """The rows of one film; see ``csv_text``."""
    file = escape_formula(name)
    if isinstance(answer, RadiographError):
        yield {"file": file, "error": escape_formula(str(answer))}
        return
    for prediction in answer:
        yield {"file": file, "model": prediction.model, **_cells(prediction)}


def _cells(prediction: Prediction) -> dict[str, str]:
    """All of ``COLUMNS`` but "file", "model" and "error"."""
    clean, said = prediction.card.validation.clean, _said(prediction)
    return {
        "label": said["label"] or "",
        "probability": f"{prediction.probability:.4f}",
        "gate": str(prediction.gate),
        "verdict": said["verdict"] or "",
        "set": " ".join(said["set"]),
        "operating_point": f"{prediction.threshold:.4f}",
        "sensitivity": f"{clean.sensitivity:.3f}",
        "specificity": f"{clean.specificity:.3f}",
    }


def escape_formula(text: str) -> str:
    """Text that a spreadsheet will not run as a formula (OWASP: CSV injection)."""
    # a file's name may hold bytes that are not UTF-8, which Python keeps as lone surrogates
    text = text.encode("utf-8", "backslashreplace").decode()
    # also where a cell begins for a program that splits lines at other signs than commas
    return re.sub(r"""(^|[;,|\t\r\n][\s"']*)(?=[=+\-@＝＋－＠])|^(?=[\t\r\n])""", r"\1'", text)


def download_filename(name: str, suffix: str) -> str:
    """A file name that every system accepts: ``"film.dcm"``, ``".pdf"`` → ``"film.pdf"``.

    Args:
        name: the film's, untrusted: only its last part is used, without the suffix of a film.
        suffix: the download's own, with its dot.

    Returns:
        At most ``LONGEST_NAME`` characters, never the suffix alone; without separators, control and
        direction characters, leading dots and dashes, and device names of Windows. Two films may
        get the same name.
    """
    base = unicodedata.normalize("NFC", re.split(r"[/\\]", name.rstrip("/\\"))[-1])
    stem, dot, kind = base.rpartition(".")
    stem = stem if dot and f".{kind.lower()}" in SUFFIXES else base
    stem = "".join(c if c.isprintable() else " " * c.isspace() for c in stem)
    stem = re.sub(r'[<>:"|?*]', "_", stem).lstrip(".- ")
    stem = f"_{stem}" if _RESERVED.match(stem) else stem
    stem = stem[: LONGEST_NAME - len(suffix)]
    stem = stem.encode()[: 240 - len(suffix)].decode(errors="ignore")  # file systems count bytes
    return (stem.rstrip(". ") or "film") + suffix


def percent(fraction: float) -> str:
    """A share in whole per cent, never 0 or 100: ``<1 %`` … ``>99 %``, with a no-break space."""
    if fraction < 0.01:
        return "<1\u00a0%"
    return ">99\u00a0%" if fraction > 0.99 else f"{100 * fraction:.0f}\u00a0%"


def utc(when: datetime | None) -> datetime:
    """``when`` (default: now) in UTC; without a time zone it counts as UTC."""
    when = when or datetime.now(timezone.utc)
    return when.astimezone(timezone.utc) if when.tzinfo else when.replace(tzinfo=timezone.utc)


def _said(prediction: Prediction) -> dict:
    """What the model calls the film, which is nothing where the film is out of scope."""
    if not prediction.in_scope:
        return {"label": None, "verdict": None, "set": []}
    labels = list(prediction.prediction_set)
    return {"label": prediction.label, "verdict": prediction.verdict, "set": labels}


def model_record(prediction: Prediction) -> dict:
    card = prediction.card
    return {
        "title": card.title,
        "version": card.version,
        "weights_sha256": card.weights.sha256,
        "gate": str(prediction.gate),
        **_said(prediction),
        "probability": float(prediction.probability),
        "operating_point": float(prediction.threshold),
        "coverage": card.conformal.coverage,
        "uncertain": list(card.conformal.uncertain),
        "sensitivity": card.validation.clean.sensitivity,
        "specificity": card.validation.clean.specificity,
    }
