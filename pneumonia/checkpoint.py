"""A checkpoint folder: ``model.safetensors`` (weights), ``gate.safetensors`` and ``card.json``.

The card carries what turns weights into a verdict (preprocessing, calibration, operating point), so
that they cannot drift apart, and where the weights come from.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import safetensors.numpy
import torch
from safetensors.torch import load_file, save_file

from pneumonia.gate import Gate
from pneumonia.models import Network, build

WEIGHTS, GATE, CARD = "model.safetensors", "gate.safetensors", "card.json"


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; ``str(error)`` says which, why and what to do."""


def checkpoints_root() -> Path:
    """The folder of the shipped checkpoints, asked for anew at each call.

    Returns:
        ``$PNEUMONIA_CHECKPOINTS`` where that is set, else what an installed wheel brought, else
        the checkout's ``checkpoints/``.
    """
    chosen = os.environ.get("PNEUMONIA_CHECKPOINTS")
    return Path(chosen) if chosen else shipped_folder("checkpoints")


def shipped_folder(name: str) -> Path:
    """A folder of the checkout, or the copy of it that an installed wheel carries."""
    package = Path(__file__).resolve().parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name


def available_models(root: str | Path | None = None) -> list[str]:
    """Names of the checkpoints under ``root`` (default: the shipped ones), sorted."""
    return sorted(card.parent.name for card in Path(root or checkpoints_root()).glob(f"*/{CARD}"))


def save_checkpoint(
    folder: str | Path, network: Network, card: dict, gate: Gate, half: bool = False
) -> dict:
    """Write weights, gate and card; returns the card with the files' SHA-256."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / WEIGHTS, network, half)
    safetensors.numpy.save_file(asdict(gate), folder / GATE)
    for part, file in (("weights", WEIGHTS), ("gate", GATE)):
        about = {**card.get(part, {}), "file": file, "sha256": sha256(folder / file)}
        card = {**card, part: about}
    write_json(folder / CARD, card)
    return card


def write_weights(path: str | Path, network: Network, half: bool) -> None:
    """Write a network's state dict as safetensors, the matrices in float16 if ``half``."""
    state = {
        name: (tensor.half() if half and tensor.ndim > 1 else tensor).contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    partial = f"{path}.partial"
    save_file(state, partial)
    os.replace(partial, path)


def checkpoint_folder(name: str | Path) -> Path:
    """The folder of a shipped model, or of a path.

    Args:
        name: a shipped model's name, or a path: a ``Path``, or a string with a separator
            (``"./cnn"``), so that no folder of the working directory shadows a shipped model.

    Raises:
        CheckpointError: there is no such folder.
    """
    is_path = isinstance(name, Path) or Path(name).name != name
    folder = Path(name) if is_path else checkpoints_root() / name
    if folder.is_dir():
        return folder
    names = ", ".join(available_models()) or "none shipped: train one with `pneumonia train`"
    hint = f"; the folder is './{name}'" if not is_path and Path(name).is_dir() else ""
    raise CheckpointError(f"There is no checkpoint {str(name)!r} (there are: {names}{hint}).")


def load_checkpoint(
    name: str | Path, device: str | torch.device = "cpu"
) -> tuple[Network, dict, Gate]:
    """The network (eval mode, float32, on ``device``), its card and its gate.

    Args:
        name: a shipped model, or the path of a folder (see ``checkpoint_folder``).

    Raises:
        CheckpointError: no such folder, or its files are missing, damaged or of another network.
    """
    folder = checkpoint_folder(name)
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        for part, file in (("weights", WEIGHTS), ("gate", GATE)):
            if sha256(folder / file) != card[part]["sha256"]:
                raise CheckpointError(
                    f"The file {file} in {str(folder)!r} is damaged or not that of its card: "
                    "fetch the checkpoint again."
                )
        network = build(card["model"])
        state = load_file(folder / WEIGHTS)
        network.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        )
        gate = Gate(**safetensors.numpy.load_file(folder / GATE))
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"The checkpoint {str(folder)!r} cannot be read ({type(error).__name__}: {error}): "
            f"it needs an intact {WEIGHTS}, {GATE} and {CARD}."
        ) from error
    return network.eval().to(device), card, gate


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path, content: dict) -> None:
    """Write JSON so that a reader never meets half a file."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)
