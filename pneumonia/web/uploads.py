"""How files come in: sent by whoever asks, as nothing is fetched from any address."""

import base64
import binascii
import functools
import tempfile
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
from gradio.data_classes import FileData, GradioRootModel
from gradio.utils import get_upload_folder

from pneumonia.reading.radiograph import SUFFIXES

_WHAT = 'a file as "data:image/png;base64,...", or its address under /gradio_api/file='
_ADDRESS = "Send the film itself: this page fetches nothing from other addresses."
_UNCLEAR = 'Send the film as "data:image/png;base64,..." or upload it first.'
_UPLOADED = "/gradio_api/file="


class _One(GradioRootModel):
    root: FileData | str


class _Many(GradioRootModel):
    root: list[FileData | str]


class Upload(gr.File):
    """Files from a browser, from gradio_client, or as text from programs that speak JSON only."""

    is_template = True  # for the browser it is a gr.File

    @functools.wraps(gr.File.__init__)  # whose parameters the browser is told
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.data_model = _One if self.file_count == "single" else _Many

    def api_info(self) -> dict:
        text = {"type": "string", "description": _WHAT}
        return text if self.file_count == "single" else {"type": "array", "items": text}

    def example_payload(self) -> str | list[str]:
        example = "data:image/png;base64,..."
        return example if self.file_count == "single" else [example]

    example_value = example_payload

    async def async_move_resource_to_block_cache(self, url_or_file_path):
        if str(url_or_file_path).lower().startswith(("http:", "https:")):
            raise _refusal(_ADDRESS)
        return await super().async_move_resource_to_block_cache(url_or_file_path)

    def preprocess(self, payload: _One | _Many | None) -> str | list[str] | None:
        """Paths of the files.

        Raises:
            gradio.Error: a text is none of what ``api_info`` promises.
        """
        if payload is None:
            return None
        if isinstance(payload.root, list):
            return [_path(file) for file in payload.root]
        return _path(payload.root)


def _path(file: FileData | str) -> str:
    if isinstance(file, FileData):
        return file.path
    if file.startswith("data:"):
        return _save(file)
    if _UPLOADED in file:
        path = Path(unquote(file.partition(_UPLOADED)[2])).resolve()
        if path.is_file() and path.is_relative_to(Path(get_upload_folder()).resolve()):
            return str(path)
        raise _refusal("There is no such upload (any more): upload the film again.")
    raise _refusal(_ADDRESS if "://" in file else _UNCLEAR)


def _save(data: str) -> str:
    head, _, text = data.partition(",")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refusal(_UNCLEAR) from None
    kind = head.removeprefix("data:").partition(";")[0].rpartition("/")[2]
    suffix = f".{kind}" if f".{kind}" in SUFFIXES else ""
    path = Path(tempfile.mkdtemp(dir=get_upload_folder())) / f"film{suffix}"
    path.write_bytes(content)
    return str(path)


def _refusal(sentence: str) -> gr.Error:
    return gr.Error(sentence, print_exception=False)
