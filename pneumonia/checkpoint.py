"""A checkpoint folder: ``model.safetensors`` (weights), ``gate.safetensors`` and ``card.json``.

The card carries what turns weights into a verdict (preprocessing, calibration, operating point), so
that they cannot drift apart, and where the weights come from.
"""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

from pneumonia.card import Card
from pneumonia.gate import Gate
from pneumonia.lungs import lung_finder
from pneumonia.models import Network, build
from pneumonia.storage import hub
from pneumonia.storage.atomic import replacing
from pneumonia.storage.shipped import CARD, CheckpointError, available_models, checkpoints_root
from pneumonia.storage.typed_json import FormatError
from pneumonia.storage.weights import load_weights, sha256, write_weights


def save_checkpoint(
    folder: str | Path, network: Network, card: Card, gate: Gate, half: bool = False
) -> Card:
    """Write weights, gate and card; returns the card with the files' SHA-256.

    They take the places of older ones one right after the other, once all are written.

    Args:
        folder: gets the files.
        network: whose weights they are.
        card: says all but the SHA-256.
        gate: of this network.
        half: store the weight matrices in float16, which rounds them.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (
        replacing(folder / CARD) as told,
        replacing(folder / card.weights.file) as weights,
        replacing(folder / card.gate.file) as known,
    ):
        write_weights(weights, network, half)
        safetensors.numpy.save_file(asdict(gate), known)
        card = replace(
            card,
            weights=replace(card.weights, sha256=sha256(weights)),
            gate=replace(card.gate, sha256=sha256(known)),
        )
        card.save(told)
    return card


def checkpoint_folder(name: str | Path) -> Path:
    """The folder of a shipped model, of a path, or of an address of the Hub.

    Args:
        name: a shipped model's name, or a path: a ``Path``, or a string with a separator
            (``"./cnn"``), so that no folder of the working directory shadows a shipped model; or
            ``"hf://OWNER/NAME@REVISION"``, which is downloaded and cached (see ``hub.fetch``).

    Raises:
        CheckpointError: there is no such folder, or the Hub does not give it.
    """
    if isinstance(name, str) and hub.is_address(name):
        return hub.fetch(name)
    is_path = isinstance(name, Path) or Path(name).name != name
    folder = Path(name) if is_path else checkpoints_root() / name
    if folder.is_dir():
        return folder
    names = ", ".join(available_models()) or "none shipped: train one with `pneumonia train`"
    hint = f"; the folder is './{name}'" if not is_path and Path(name).is_dir() else ""
    raise CheckpointError(f"There is no checkpoint {str(name)!r} (there are: {names}{hint}).")


def load_checkpoint(
    name: str | Path, device: str | torch.device = "cpu", *, to_calibrate: bool = False
) -> tuple[Network, Card, Gate]:
    """The network (eval mode, float32, on ``device``), its card and its gate.

    Args:
        name: a shipped model, the path of a folder or an address (see ``checkpoint_folder``).
        device: where the network goes.
        to_calibrate: never mind that it was calibrated with another lung finder, nor its gate,
            in whose place comes an empty one.

    Raises:
        CheckpointError: no such folder, or its files are missing, damaged or of another network.
    """
    folder = checkpoint_folder(name)
    try:
        card = Card.load(folder / CARD)
        for part in (card.weights,) if to_calibrate else (card.weights, card.gate):
            if sha256(folder / part.file) != part.sha256:
                raise CheckpointError(
                    f"The file {part.file} in {str(folder)!r} is damaged or not that of its card: "
                    f"{_again(folder, part is card.gate)}."
                )
        finder = lung_finder(torch.device("cpu")).card.sha256
        if card.preprocessing.lungs_sha256 != finder and not to_calibrate:
            raise CheckpointError(
                f"The model {str(folder)!r} was made with another lung finder: calibrate it anew "
                "with `pneumonia calibrate`."
            )
        network = build(card.model)
        load_weights(folder / card.weights.file, network)
        gate = Gate(np.empty(0), np.empty((0, 0)))
        if not to_calibrate:
            gate = Gate(**safetensors.numpy.load_file(folder / card.gate.file))
    except CheckpointError:
        raise
    except FormatError as error:
        raise CheckpointError(
            f"The card of {str(folder)!r} cannot be used: {error}. "
            "Train or calibrate the model anew."
        ) from error
    except Exception as error:
        raise CheckpointError(
            f"The checkpoint {str(folder)!r} cannot be read ({type(error).__name__}: {error}): "
            "fetch it again, or train or calibrate the model anew."
        ) from error
    return network.eval().to(device), card, gate


def _again(folder: Path, gate: bool) -> str:
    """What to do about a damaged checkpoint; one in the cache is not fetched anew by itself."""
    if repository := hub.repository_of(folder):
        return f"`hf cache rm model/{repository}`, then load it again"
    again = "fetch the checkpoint again"
    return f"{again}, or calibrate it with `pneumonia calibrate`" if gate else again
