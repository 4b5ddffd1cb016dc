"""How files come in as text: sent by whoever asks, as nothing is fetched from any address."""

import base64
import binascii
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote

import gradio as gr

from pneumonia.reading.radiograph import SUFFIXES

WHAT = 'a file as "data:image/png;base64,...", or its address under /gradio_api/file='
ADDRESS = "Send the film itself: this page fetches nothing from other addresses."
_UNCLEAR = 'Send the film as "data:image/png;base64,..." or upload it first.'
_UPLOADED = "/gradio_api/file="
_TEXT = "text-"  # begins the name of a folder with a film that came as text


def save(text: str, folder: Path) -> str:
    """The path of a file that came as text, or was uploaded before and is named by its address.

    Args:
        text: one of what ``WHAT`` says.
        folder: of the uploads.

    Raises:
        gradio.Error: it is neither.
    """
    if text.startswith("data:"):
        return _decode(text, folder)
    if _UPLOADED in text:
        path = Path(unquote(text.partition(_UPLOADED)[2])).resolve()
        if path.is_file() and path.is_relative_to(folder.resolve()):
            return str(path)
        raise error("There is no such upload (any more): upload the film again.")
    raise error(ADDRESS if "://" in text else _UNCLEAR)


def address(text: str, folder: Path) -> str:
    """The text, or if it is a film, the address of the file that it becomes; see ``save``.

    Of what can be no film nothing is left, which ``save`` then refuses.
    """
    if not text.startswith("data:"):
        return text
    try:
        return _UPLOADED + quote(_decode(text, folder))
    except gr.Error:
        return ""


def forget(files: Iterable[str]) -> None:
    """Delete those of these files that came as text: they were sent for one answer."""
    for folder in (Path(file).parent for file in files):
        if folder.name.startswith(_TEXT):
            shutil.rmtree(folder, ignore_errors=True)


def error(sentence: str) -> gr.Error:
    """What is said to whoever asks, and not logged."""
    return gr.Error(sentence, print_exception=False)


def _decode(data: str, folder: Path) -> str:
    head, _, text = data.partition(",")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise error(_UNCLEAR) from None
    kind = head.removeprefix("data:").partition(";")[0].rpartition("/")[2]
    suffix = f".{kind}" if f".{kind}" in SUFFIXES else ""
    path = Path(tempfile.mkdtemp(prefix=_TEXT, dir=folder)) / f"film{suffix}"
    path.write_bytes(content)
    return str(path)
