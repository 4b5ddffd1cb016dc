"""All that this page uses of Gradio beyond its public interface, each with a test.

In the browser there are four things more: ``modules/language.js`` finds and calls the module of
Gradio that changes its language, the style sheets name some of its classes and test ids,
``frames.js`` knows a function of Gradio's by its text, and ``page.py`` relies on what a stream's
last message does there (``_end_with_skip``).
"""

import functools
import threading
import time
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

import gradio as gr
import uvicorn
from fastapi import HTTPException
from gradio import http_server, processing_utils, routes
from gradio.data_classes import FileData, GradioRootModel
from gradio.queueing import Event, Queue
from gradio.route_utils import GradioMultiPartParser
from gradio.state_holder import SessionState
from gradio.utils import get_upload_folder
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException

from pneumonia.web import uploads
from pneumonia.web.retention import sweeps

PLACES = 32  # for those who wait, of each concurrency id
LONGEST = 2**20  # characters that one of them keeps in memory
UNREAD = 600  # seconds


def upload_folder() -> Path:
    """Where Gradio keeps what comes in, and files that it may send."""
    return Path(get_upload_folder())


class _One(GradioRootModel):
    root: FileData | str


class _Many(GradioRootModel):
    root: list[FileData | str]


class Upload(gr.File):
    """Files from a browser, from gradio_client, or as text from programs that speak JSON only.

    Gradio writes a stub beside this file when it is imported.
    """

    is_template = True  # for the browser it is a gr.File

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.data_model = _One if self.file_count == "single" else _Many

    functools.update_wrapper(__init__, gr.File.__init__)  # the browser is told its parameters

    def api_info(self) -> dict[str, Any]:
        """What a program may send, as JSON Schema."""
        text = {"type": "string", "description": uploads.WHAT}
        return text if self.file_count == "single" else {"type": "array", "items": text}

    def example_payload(self) -> str | list[str]:
        """What the API's page shows."""
        example = "data:image/png;base64,..."
        return example if self.file_count == "single" else [example]

    example_value = example_payload

    def preprocess(self, payload: Any) -> str | list[str] | None:
        """Paths of the files.

        Raises:
            gradio.Error: a text is none of what ``api_info`` promises.
        """
        if payload is None:
            return None
        if isinstance(payload.root, list):
            return [_path(file) for file in payload.root]
        return _path(payload.root)


def uploaded(address: Any) -> Path:
    """Where a file lies that a browser uploaded, by what the server then called it.

    Raises:
        gradio.Error: it is none of the uploads.
    """
    return Path(uploads.save(f"/gradio_api/file={quote(str(address))}", upload_folder()))


def _path(file: FileData | str) -> str:
    return file.path if isinstance(file, FileData) else uploads.save(file, upload_folder())


def fetch_nothing() -> None:
    """Open no address that a request names.

    Gradio would download what any input of any function names, and hand on what a page elsewhere
    answers (``/file=https://…``): in this page's name, scripts and all.
    """

    async def refuse_input(*_: Any, **__: Any) -> str:
        raise uploads.error(uploads.ADDRESS)

    async def refuse_path(*_: Any, **__: Any) -> Any:
        raise HTTPException(403, uploads.ADDRESS)

    processing_utils.async_ssrf_protected_download = refuse_input
    routes.secure_url_stream_response = refuse_path  # pyright: ignore[reportPrivateImportUsage]


def files_only(parser: type[GradioMultiPartParser]) -> None:
    """Refuse parts of an upload that are no files: Gradio would keep them in memory."""
    finish = parser.on_headers_finished

    @functools.wraps(finish)
    def checked(self: GradioMultiPartParser) -> None:
        finish(self)
        if self._current_part.file is None:
            raise MultiPartException("An upload consists of files only.")

    parser.on_headers_finished = checked


def keep_no_answers(state: type[SessionState]) -> None:
    """Keep no session's inputs and answers: Gradio does, for links to them that are not served."""
    init = state.__init__

    @functools.wraps(init)
    def emptied(self: SessionState, *args: Any, **others: Any) -> None:
        init(self, *args, **others)
        self.config_values = {}

    state.__init__ = emptied
    state._update_value_in_config = lambda self, key, value: None


def forget_unread(queue: type[Queue]) -> None:
    """Forget answers that nobody has fetched for ``UNREAD`` seconds; Gradio keeps 2,000."""
    send = queue.send_message

    @functools.wraps(send)
    def dated(self: Queue, event: Event, event_message: Any) -> None:
        send(self, event, event_message)
        answers = self.pending_messages_per_session.get(event.session_hash)
        if answers and answers.qsize() == 1:  # what came before was fetched
            unread[answers] = time.monotonic(), self, event.session_hash

    def sweep() -> None:
        for answers, (since, kept_by, session) in list(unread.items()):
            if answers.qsize() and since < time.monotonic() - UNREAD:
                kept_by.pending_messages_per_session.pop(session, None)

    unread: WeakKeyDictionary[Any, tuple[float, Queue, str]] = WeakKeyDictionary()
    sweeps.append(sweep)
    queue.send_message = dated  # pyright: ignore[reportAttributeAccessIssue]


def count_by_room(queue: type[Queue]) -> None:
    """Count those who wait for one concurrency id, where Gradio counts all of them together.

    So nobody who waits for a batch takes a place from those with a single film. Films that come as
    text wait on the disk, and who asks with a long text that is none is refused.
    """

    def to_disk(value: Any) -> Any:
        if isinstance(value, list):
            return [to_disk(one) for one in value]
        return uploads.address(value, upload_folder()) if isinstance(value, str) else value

    push = queue.push

    @functools.wraps(push)
    async def checked(self: Queue, body: Any, request: Any, **others: Any) -> Any:
        function = self.blocks.fns.get(body.fn_index)
        room = function and self.event_queue_per_concurrency_id.get(str(function.concurrency_id))
        if room and len(room.queue) >= PLACES:
            return False, f"The queue is full: {PLACES} wait already.", "queue_full"
        body.data = await run_in_threadpool(to_disk, body.data)
        for copy in ("_body", "_json"):
            vars(request).pop(copy, None)
        if len(repr((body.data, body.event_data))) > LONGEST:
            return False, "This is too long a text for what was asked.", "error"
        return await push(self, body, request, **others)

    queue.push = checked  # pyright: ignore[reportAttributeAccessIssue]


def look_less_often(queue: type[Queue]) -> None:
    """Look for who waits 50 times a second, for progress 10 times.

    Gradio looks 1,000 and 100 times, so that an idle page never let a core rest.
    """
    init = queue.__init__

    @functools.wraps(init)
    def seldom(self: Queue, *args: Any, **others: Any) -> None:
        init(self, *args, **others)
        self.sleep_when_free, self.progress_update_sleep_when_free = 0.02, 0.1

    queue.__init__ = seldom


def serve_from(sockets: list[socket], url: str) -> None:
    """Serve pages from sockets that listen already; Gradio would look for a port of its own.

    Args:
        sockets: all of one port.
        url: where they listen.
    """

    name, port = url.removeprefix("http://").rstrip("/").rsplit(":", 1)

    def start_server(app: Any, **_: Any) -> tuple[str, int, str, http_server.Server]:
        server = http_server.Server(uvicorn.Config(app, log_level="warning"))
        server.thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
        server.thread.start()
        while not server.started and server.thread.is_alive():
            time.sleep(0.001)
        if not server.started:
            raise OSError("The page's server ended as soon as it began.")
        return name, int(port), url.replace("//0.0.0.0:", "//localhost:"), server

    http_server.start_server = start_server


fetch_nothing()
files_only(GradioMultiPartParser)
keep_no_answers(SessionState)
forget_unread(Queue)
count_by_room(Queue)
look_less_often(Queue)
