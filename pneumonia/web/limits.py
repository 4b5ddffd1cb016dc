"""How much comes in at a time, and what a visitor is told when there is no room for it."""

import errno

from fastapi import HTTPException, Request
from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pneumonia.reading.radiograph import MAX_BYTES

MAX_UPLOAD_BYTES = 10 * MAX_BYTES  # of an uploaded file, which may be an archive of films
MAX_BODY_BYTES = 4 * MAX_BYTES  # of a request that is held in memory, films as text among them

_TOO_MUCH = (
    f"A request may have {MAX_BODY_BYTES // 2**20} MB: upload the films, or send fewer at a time."
)
_UPLOAD = "/gradio_api/upload"
_NO_ROOM = "There is no room for this film right now. Please try again later."


class BodySizeLimit:
    """Ends the reading of a request at ``MAX_BODY_BYTES``.

    Uploads go to the disk as they come. What is one is decided by the address and by the one
    content type a request may have, as whoever sends it can claim anything.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kinds = [value for name, value in scope.get("headers", ()) if name == b"content-type"]
        if len(kinds) > 1:
            answer = PlainTextResponse("A request has one content type.", 400)
            return await answer(scope, receive, send)
        multipart = bool(kinds) and kinds[0].lower().startswith(b"multipart/")
        if multipart and scope["path"].endswith(_UPLOAD):
            return await self.app(scope, receive, send)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise HTTPException(413, _TOO_MUCH)
            return message

        await self.app(scope, counted, send)


def no_room(request: Request, error: OSError) -> PlainTextResponse:
    """The answer where a file could not be written; other errors go on."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        raise error
    return PlainTextResponse(_NO_ROOM, 507)
