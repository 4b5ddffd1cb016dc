"""Where a run's weights come from, and whether it is done: what its card says of that."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

from pneumonia.card import Card, TrainingData, switched_on
from pneumonia.evaluation.licence import CC_BY, licence_of
from pneumonia.storage.shipped import CARD
from pneumonia.storage.typed_json import FormatError


def finished(folder: Path) -> tuple[dict, int, str, dict | None, TrainingData] | None:
    """What the run that wrote its checkpoint there was made with; None while it is not done."""
    if (folder / "resume.pt").exists() or not (folder / CARD).is_file():
        return None
    try:
        card = Card.load(folder / CARD)
    except FormatError:  # of another version
        return None
    run = card.training
    size, recipe = card.preprocessing.size, switched_on(run.recipe)
    return recipe, size, run.initialisation, run.pretraining, run.data


def provenance_of(init: str) -> tuple[str, dict | None]:
    """What a card says of first weights: where they are from, and what came before this training.

    Of a checkpoint's folder that is what its own card says, and the training that it tells of. What
    ``pneumonia pretrain`` wrote stands beside the weights file.
    """
    if init in ("none", "imagenet"):
        return init, None
    if not Path(init, CARD).is_file():
        card = Path(init).with_suffix(".json")
        return init, json.loads(card.read_text("utf-8")) if card.is_file() else None
    card = Card.load(Path(init, CARD))
    before, first = {**(card.training.pretraining or {})}, card.training.initialisation
    if licence_of(replace(card.training, initialisation="none")) is not CC_BY:
        first = init  # its films or teachers make the terms unknown, whatever came before
        before.pop("source", None)
    by = ", then ".join([card.training.command, *card.training.classifier_changed_by])
    then = f"trained to weights {card.weights.sha256[:12]} ({by})"
    return first, {**before, "then": ", then ".join([*filter(None, [before.get("then")]), then])}


def git_commit() -> str | None:
    """The commit the code is at, marked where it is not quite that; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():  # installed, perhaps inside another project's checkout
        return None
    try:
        done = subprocess.run(command, cwd=here, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
