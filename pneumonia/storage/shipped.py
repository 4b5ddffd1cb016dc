"""Where the files lie that come with the package: in a checkout, or in an installed wheel."""

import os
from pathlib import Path

CARD = "card.json"
NO_MODEL = (
    "There is no model to show: train one with `pneumonia train`, or point "
    "PNEUMONIA_CHECKPOINTS at a folder that holds checkpoints."
)


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; ``str(error)`` says which, why and what to do."""


def shipped_folder(name: str) -> Path:
    """A folder of the checkout, or the copy of it that an installed wheel carries."""
    package = Path(__file__).resolve().parent.parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name


def checkpoints_root() -> Path:
    """The folder of the shipped checkpoints, asked for anew at each call.

    Returns:
        ``$PNEUMONIA_CHECKPOINTS`` where that is set, else what an installed wheel brought, else
        the checkout's ``checkpoints/``.
    """
    chosen = os.environ.get("PNEUMONIA_CHECKPOINTS")
    return Path(chosen) if chosen else shipped_folder("checkpoints")


def chosen_models(model: str) -> list[str]:
    """The checkpoints that ``model`` stands for: all available ones for ``"all"``, else itself.

    Raises:
        CheckpointError: there are none.
    """
    names = available_models() if model == "all" else [model]
    if not names:
        raise CheckpointError("There are no checkpoints: train them with `pneumonia train`.")
    return names


def available_models(root: str | Path | None = None) -> list[str]:
    """Names of the checkpoints under ``root`` (default: the shipped ones), sorted."""
    return sorted(card.parent.name for card in Path(root or checkpoints_root()).glob(f"*/{CARD}"))
