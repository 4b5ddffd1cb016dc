"""DICOM films over HTTP, for routers: what is sent is answered, and forgotten with the answer."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import anyio
import uvicorn
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pneumonia.dicom.identity import NOTICE
from pneumonia.dicom.results import Answer, Responder, hush
from pneumonia.export.records import SOFTWARE
from pneumonia.web.address import listen, url
from pneumonia.web.container import check_memory
from pneumonia.web.limits import BodyLimit
from pneumonia.web.logs import write_escaped
from pneumonia.web.neighbours import Neighbours, is_local

AT_A_TIME = 4  # requests that are in memory; the others wait before their first byte is read
CONNECTIONS = 64  # then a router is told to come again
MAX_PARTS = 100  # films of a request
MAX_OBJECTS = 2**29  # bytes of an answer's DICOM objects: maps have four for each pixel of a film
DEADLINE = 300  # seconds for a whole request, and for its answer: 100 MB at 3 Mbit/s
PIECE = 2**20  # bytes that are sent at a time, as what was sent is held once more
READERS = 2
_KINDS = "Send application/dicom, or multipart/form-data or multipart/related with a film per part."
_BROKEN = "The parts of this request cannot be told apart, or the last one is not whole."
_MANY = f"A request may have {MAX_PARTS} films: send fewer at a time."
_SLOW = f"The request was not whole after {DEADLINE} seconds: send fewer films at a time."
_TOO_MUCH = (
    f"These films have more than {MAX_OBJECTS // 2**20} MB of DICOM objects: send fewer at a time, "
    "or accept application/json alone."
)


def build(responder: Responder, local: bool) -> Starlette:
    """The application.

    Args:
        responder: the models.
        local: it listens at a loopback address, so that only this machine's names can be meant.
    """

    async def about(_: Request) -> Response:
        models = {p.name: p.card.weights.sha256 for p in responder.predictors}
        return JSONResponse({"software": SOFTWARE, "notice": NOTICE, "models": models})

    async def films(request: Request) -> Response:
        objects = "multipart/related" in request.headers.get("accept", "")
        parts = await read_parts(request)
        answers = await run_in_threadpool(_answers, responder, parts, objects)
        return _response(answers, objects)

    return Starlette(
        routes=[
            Route("/", about),
            Route("/films", films, methods=["POST"], middleware=[Middleware(Room)]),
        ],
        middleware=[Middleware(Neighbours, local=local), Middleware(BodyLimit)],
    )


class Room:
    """Gives ``AT_A_TIME`` requests a place, from their first byte to the last of their answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._places = app, asyncio.Semaphore(AT_A_TIME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._places:
            await self._app(scope, receive, send)


class Related(StreamingResponse):
    """JSON and DICOM objects as multipart/related (RFC 2387), sent without a copy of them.

    Where it is not taken within ``DEADLINE``, the connection ends.
    """

    def __init__(self, content: bytes, objects: list[bytes], headers: dict[str, str]) -> None:
        boundary = uuid4().hex.encode()
        head = b"--%b\r\nContent-Type: application/%b\r\n\r\n"
        pieces = [head % (boundary, b"json"), content]
        for data in objects:
            pieces += [b"\r\n", head % (boundary, b"dicom"), data]
        pieces.append(b"\r\n--%b--\r\n" % boundary)
        kind = f'multipart/related; type="application/json"; boundary={boundary.decode()}'
        headers = {**headers, "content-length": str(sum(map(len, pieces)))}
        super().__init__(_cut(pieces), 200, headers, kind)

    async def stream_response(self, send: Send) -> None:
        with anyio.move_on_after(DEADLINE):
            await super().stream_response(send)


def _cut(pieces: list[bytes]) -> Iterator[memoryview]:
    for piece in pieces:
        for start in range(0, len(piece), PIECE):
            yield memoryview(piece)[start : start + PIECE]


async def read_parts(request: Request) -> list[bytes]:
    """The films of a request, in memory.

    Raises:
        HTTPException: it is of another kind, too large, silent, too slow or not whole, or has too
            many films.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind == b"application/dicom":
        return [b"".join([chunk async for chunk in _in_time(request)])]
    if kind not in (b"multipart/form-data", b"multipart/related") or b"boundary" not in options:
        raise HTTPException(415, _KINDS)
    parts: list[bytearray] = []
    ended = False

    def begin() -> None:
        if len(parts) == MAX_PARTS:  # before more of them are held
            raise HTTPException(413, _MANY)
        parts.append(bytearray())

    def end() -> None:
        nonlocal ended
        ended = True

    try:
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": begin,
                "on_part_data": lambda data, start, stop: parts[-1].extend(data[start:stop]),
                "on_end": end,
            },
        )
        async for chunk in _in_time(request):
            parser.write(chunk)
    except FormParserError as error:
        raise HTTPException(400, _BROKEN) from error
    if not ended:
        raise HTTPException(400, _BROKEN)
    return [bytes(part) for part in parts]


async def _in_time(request: Request) -> AsyncIterator[bytes]:
    """A body in pieces, until ``DEADLINE``; that they come at all is the limit's care."""
    until = time.monotonic() + DEADLINE
    async for chunk in request.stream():
        if time.monotonic() > until:
            raise HTTPException(408, _SLOW)
        yield chunk


def _answers(responder: Responder, parts: list[bytes], objects: bool) -> list[Answer]:
    """One film after the other; each lies in a file while it is answered, for its reader.

    Objects that are not asked for are gone with their film.

    Raises:
        HTTPException: those that are asked for are too much to be held.
    """
    answers, size = [], 0
    for part in parts:
        with TemporaryDirectory(prefix="film-") as folder:
            path = Path(folder, "film")
            path.write_bytes(part)
            answer = responder.attempt(path)
        answers.append(answer if objects else replace(answer, files={}))
        size += sum(map(len, answers[-1].files.values()))
        if size > MAX_OBJECTS:
            raise HTTPException(413, _TOO_MUCH)
    return answers


def _response(answers: list[Answer], objects: bool) -> Response:
    """JSON, or JSON and the DICOM objects."""
    films = [answer.record for answer in answers]
    content = {"software": SOFTWARE, "notice": NOTICE, "films": films}
    answered = any("error" not in film for film in films)
    headers = {"cache-control": "no-store"}
    if not (objects and answered):
        return JSONResponse(content, 200 if answered else 422, headers)
    found = [data for answer in answers for data in answer.files.values()]
    return Related(json.dumps(content).encode(), found, headers)


def serve(host: str, port: int, model: str, device: str) -> None:
    """Answer films until this process is told to end.

    Raises:
        OSError: nothing can listen there, or the memory is too small.
        CheckpointError: there is no such model.
    """
    host, sockets = listen(host, port)
    here = url(host, sockets)
    check_memory()
    hush()
    write_escaped()
    with closing(Responder(model, device, READERS)) as responder:
        app = build(responder, is_local(here))
        config = uvicorn.Config(app, access_log=False, limit_concurrency=CONNECTIONS)
        print(f"Films are answered at {here}films", flush=True)
        uvicorn.Server(config).run(sockets)
