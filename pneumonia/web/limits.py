"""How much comes in at a time, and what a visitor is told when there is no room for it."""

import asyncio
import errno
import shutil
import tempfile
from pathlib import Path

from fastapi import HTTPException, Request
from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pneumonia.reading.radiograph import MAX_BYTES

MAX_UPLOAD_BYTES = 10 * MAX_BYTES  # of an uploaded file, which may be an archive of films
MAX_FILMS = 1000  # of one batch, so that nobody waits behind it for a day
MAX_ROWS = 5 * MAX_FILMS  # of a table, which may take several batches
MAX_BODY_BYTES = 4 * MAX_BYTES  # of a request that is held in memory, films as text among them
MAX_BODIES_BYTES = 4 * MAX_BODY_BYTES  # of all those that are
MAX_SILENCE = 60  # seconds between two pieces of a request, whose connection and files wait

_TOO_MUCH = (
    f"A request may have {MAX_BODY_BYTES // 2**20} MB: upload the films, or send fewer at a time."
)
_BUSY = "Too much comes in right now. Please try again later."
_SILENT = f"Nothing came for {MAX_SILENCE} seconds: send it again."
_UPLOAD = "/gradio_api/upload"
_NO_ROOM = "There is no room for this film right now. Please try again later."


class BodyLimit:
    """Ends the reading of a request at ``MAX_BODY_BYTES``, or where it is silent for too long.

    Nor are there more than ``MAX_BODIES_BYTES`` of all requests together.

    Uploads go to the disk as they come, while it has ``MAX_UPLOAD_BYTES`` to spare for what else
    runs on the machine. What is one is decided by the address and by the one
    content type a request may have, as whoever sends it can claim anything.

    Args:
        app: the page.
        folder: where uploads go.
    """

    def __init__(self, app: ASGIApp, folder: Path | None = None) -> None:
        self.app, self.held = app, 0
        self.folder = folder or Path(tempfile.gettempdir())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kinds = [value for name, value in scope.get("headers", ()) if name == b"content-type"]
        if len(kinds) > 1:
            answer = PlainTextResponse("A request has one content type.", 400)
            return await answer(scope, receive, send)
        multipart = bool(kinds) and kinds[0].lower().startswith(b"multipart/")
        upload = multipart and scope["path"].endswith(_UPLOAD)
        taken, whole = 0, scope["type"] != "http"

        async def limited() -> Message:
            nonlocal taken, whole
            if whole:  # what comes is the end of the connection
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), MAX_SILENCE)
            except asyncio.TimeoutError:
                raise HTTPException(408, _SILENT) from None
            whole = not message.get("more_body")
            if upload:
                if shutil.disk_usage(self.folder).free < MAX_UPLOAD_BYTES:
                    raise OSError(errno.ENOSPC, "The disk is nearly full.")
                return message
            piece = len(message.get("body", b""))
            taken, self.held = taken + piece, self.held + piece
            if taken > MAX_BODY_BYTES:
                raise HTTPException(413, _TOO_MUCH)
            if self.held > MAX_BODIES_BYTES:
                raise HTTPException(503, _BUSY)
            return message

        try:
            await self.app(scope, limited, send)
        finally:
            self.held -= taken


def no_room(request: Request, error: OSError) -> PlainTextResponse:
    """The answer where a file could not be written; other errors go on."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        raise error
    return PlainTextResponse(_NO_ROOM, 507)
