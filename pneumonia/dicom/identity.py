"""Names of results that follow from what they were made of, and the equipment that made them.

The same film, weights and version have the same UIDs on every machine and every day, so that
sending results twice does not double them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from uuid import UUID, uuid5

from pneumonia import __version__
from pneumonia.card import Card
from pneumonia.dicom.origin import MANUFACTURER, Origin
from pneumonia.predictor import Prediction
from pneumonia.reading.radiograph import Radiograph

_SPACE = UUID("5b1bfc4e-3d43-4d0c-9a35-6cf5cf1a9b52")  # drawn once; another would rename all


@dataclass(frozen=True)
class Device:
    """One model or several, as a piece of equipment (PS3.3 C.7.5.1).

    Attributes:
        uid: another one for other weights, another calibration or version.
        model: the models' titles.
        serial: SHA-256 of the weights; of several models that of their hashes.
        versions: of this software, and of each model.
    """

    uid: str
    model: str
    serial: str
    versions: list[str]
    manufacturer: str = MANUFACTURER


def device_of(cards: Sequence[Card]) -> Device:
    """The device that these models are."""
    hashes = [card.weights.sha256 for card in cards]
    serial = hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode()).hexdigest()
    versions = [__version__, *(f"{card.model} {card.version}"[:64] for card in cards)]
    title = " + ".join(card.title for card in cards)[:64]
    return Device(uid_of("device", *map(_meaning, cards)), title, serial, versions)


def result_uids(kind: str, origin: Origin, predictions: Sequence[Prediction]) -> tuple[str, str]:
    """Series and SOP Instance UID of one result.

    Args:
        kind: which of a film's results.
        origin: the film's file.
        predictions: what the result says, one per model.
    """
    cards = [_meaning(prediction.card) for prediction in predictions]
    film = _fingerprint(predictions[0].radiograph)
    made_of = (kind, origin.study, origin.uid, film, *cards)
    return uid_of("series", *made_of), uid_of("instance", *made_of)


def uid_of(*made_of: object) -> str:
    """A UID below 2.25 (PS3.5 B.2), of JSON-able parts and this software's version."""
    return f"2.25.{uuid5(_SPACE, json.dumps([__version__, *made_of], sort_keys=True)).int}"


def _meaning(card: Card) -> dict:
    """What a model's answer follows from."""
    return {
        "model": card.model,
        "version": card.version,
        "weights": card.weights.sha256,
        "gate": card.gate.sha256,
        "preprocessing": asdict(card.preprocessing),
        "calibration": asdict(card.calibration),
        "threshold": card.operating_point.threshold,
        "conformal": asdict(card.conformal),
    }


def _fingerprint(film: Radiograph) -> list:
    """Of what the models were given: the film's greys and what its file says of its scope."""
    return [sha256(film.pixels).hexdigest(), film.pixels.shape, asdict(film.tags)]
