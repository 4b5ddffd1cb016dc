"""Checkpoints on the Hugging Face Hub, by address: ``hf://OWNER/NAME@REVISION``."""

import re
from pathlib import Path

from pneumonia.storage.shipped import CARD, CheckpointError

FILES = (CARD, "model.safetensors", "gate.safetensors")
_SCHEME = "hf://"
_ADDRESS = re.compile(rf"{_SCHEME}([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")


def is_address(name: str | Path) -> bool:
    """Whether a checkpoint's name is an address of the Hub."""
    return str(name).startswith(_SCHEME)


def split(address: str) -> tuple[str, str]:
    """Repository and revision.

    Raises:
        CheckpointError: it is no such address.
    """
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise CheckpointError(
            f"{address!r} is no address: hf://OWNER/NAME or hf://OWNER/NAME@REVISION."
        )
    return match[1], match[2] or "main"


def fetch(address: str) -> Path:
    """The folder of a checkpoint of the Hub, downloaded unless it is cached.

    Of the repository's files only the checkpoint's are fetched. A branch or tag is looked up anew
    where the network allows it; a commit hash never changes what it names.

    Args:
        address: ``hf://OWNER/NAME``, of the branch ``main``, or ``hf://OWNER/NAME@REVISION``.

    Returns:
        A folder in the cache of ``huggingface_hub`` (``$HF_HOME``). Nothing in it is checked yet.

    Raises:
        CheckpointError: no such address, repository or revision, no permission, or no network.
        ModuleNotFoundError: ``huggingface_hub`` is not installed.
    """
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download

    repository, revision = split(address)
    try:
        folder = snapshot_download(repository, revision=revision, allow_patterns=list(FILES))
    except (HTTPError, OSError, ValueError) as error:
        raise CheckpointError(problem(error, address)) from error
    if not (Path(folder) / CARD).is_file():
        raise CheckpointError(f"{address} is no checkpoint of this project: it has no {CARD}.")
    return Path(folder)


def repository_of(folder: Path) -> str:
    """``OWNER/NAME`` whose copy in the cache this folder is, ``""`` of any other."""
    kind, *names = folder.absolute().parent.parent.name.split("--")
    return "/".join(names) if kind == "models" else ""


def problem(error: BaseException, what: str) -> str:
    """What the Hub or the way to it is missing, in one sentence and without any token.

    Args:
        error: what ``huggingface_hub`` raised.
        what: the address or the repository that was asked for.
    """
    from huggingface_hub import constants, errors

    if isinstance(error.__cause__, errors.HfHubHTTPError):
        error = error.__cause__
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{what} has no such revision."
    if isinstance(error, errors.GatedRepoError):
        return f"{what} is gated: ask for access on its page, then log in (`hf auth login`)."
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.RepositoryNotFoundError) or status == 401:
        return (
            f"{what} is not on the Hub, or not for you to see or write: log in with "
            "`hf auth login`, or set HF_TOKEN."
        )
    if status == 402:
        return f"The Hub wants to be paid for {what}: another --hardware may be free."
    if status == 403:
        return f"Your token has no right to do this to {what}: make one that has it."
    if isinstance(error, errors.HfHubHTTPError):
        said = error.server_message or f"status {status}"
        return f"The Hub refused {what}: {said.splitlines()[0]}"
    if isinstance(error, ValueError):  # of a name, or of a model card's head
        return f"The Hub refused {what}: {' '.join(str(error).split())}"
    cached = " is not in the cache" if isinstance(error, errors.LocalEntryNotFoundError) else ""
    return f"{what}{cached}: the Hub ({constants.ENDPOINT}) does not answer."
