"""Results over HTTP, for routers: a DICOM film in a multipart in, JSON or DICOM objects out.

The film lies in a folder of its own while it is read, by a process with limits, and is gone with
the answer. Nothing that a request says is written down.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pneumonia.dicom.answer import Read, answer
from pneumonia.dicom.multipart import BodyError, FilmBody, related
from pneumonia.dicom.origin import DicomError
from pneumonia.export.records import INTENDED_USE, SOFTWARE
from pneumonia.predictor import Predictor
from pneumonia.reading.radiograph import MAX_BYTES
from pneumonia.reading.refusals import REFUSALS, RadiographError

MAX_BODY_BYTES = 4 * MAX_BYTES  # of a request, as on the page
MAX_SILENCE = 60  # seconds between two pieces of a request
MAX_WAITING = 8  # requests under way, of which one is worked at
_LOOPBACK = ("127.0.0.1", "localhost")
log = logging.getLogger(__name__)


class Service:
    """Answers one film at a time; the others wait, and beyond ``MAX_WAITING`` come again later."""

    def __init__(self, read: Read, predictors: Sequence[Predictor]) -> None:
        self._answer = partial(answer, read=read, predictors=predictors)
        self._about = {
            "software": SOFTWARE,
            "models": {p.name: p.card.weights.sha256 for p in predictors},
            "intended_use": INTENDED_USE,
        }
        self._turn, self._waiting = CapacityLimiter(1), 0

    async def about(self, request: Request) -> Response:
        """What answers here, which also says that it lives."""
        return JSONResponse(self._about)

    async def film(self, request: Request) -> Response:
        """The results of the film in the body: JSON, or DICOM objects if they are asked for."""
        if self._waiting >= MAX_WAITING:
            busy = "Too many films are waiting: send it again later."
            return _refused(503, "busy", busy, {"Retry-After": "10"})
        self._waiting += 1
        try:
            with TemporaryDirectory() as folder:
                path = Path(folder) / "film"
                await _receive(request, path)
                work = partial(self._work, path, "multipart/related" in _accept(request))
                return await to_thread.run_sync(work, limiter=self._turn)
        except BodyError as error:
            return _refused(400, "body", str(error))
        except (DicomError, RadiographError) as error:
            return _refused(422, error.code, str(error))
        except HTTPException as error:
            return _refused(error.status_code, "body", error.detail)
        except Exception as error:  # a mistake in here, whose words may quote the film
            log.error("A film was not answered: %s", type(error).__name__)
            return _refused(500, "broken", REFUSALS["broken"])
        finally:
            self._waiting -= 1

    def _work(self, path: Path, objects: bool) -> Response:
        found = self._answer(path)
        if not objects:
            return JSONResponse(found.summary)
        body, kind = related(found.results)
        return Response(body, media_type=kind)


def build(read: Read, predictors: Sequence[Predictor], hosts: Sequence[str] = ("*",)) -> Starlette:
    """The service as an ASGI app.

    Args:
        read: how films are decoded.
        predictors: at least one.
        hosts: the names it answers to.
    """
    service = Service(read, predictors)
    return Starlette(
        routes=[
            Route("/", service.about, methods=["GET"]),
            Route("/films", service.film, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any free one.

    Raises:
        OSError: nothing can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def serve(read: Read, predictors: Sequence[Predictor], place: socket.socket) -> None:
    """Answer until this process is told to end.

    On this machine alone it answers to this machine's names, so that no web site can call it from
    a browser here.
    """
    alone = place.getsockname()[0] in _LOOPBACK
    app = build(read, predictors, _LOOPBACK if alone else ("*",))
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[place])


async def _receive(request: Request, path: Path) -> None:
    taken = 0
    with path.open("wb") as file:
        body = FilmBody(request.headers.get("content-type", ""), file)
        async for piece in _pieces(request):
            taken += len(piece)
            if taken > MAX_BODY_BYTES:
                raise HTTPException(413, f"A request may have {MAX_BODY_BYTES // 2**20} MB.")
            body.write(piece)
        body.close()


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    stream = aiter(request.stream())
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), MAX_SILENCE)
        except StopAsyncIteration:
            return
        except asyncio.TimeoutError:
            raise HTTPException(408, f"Nothing came for {MAX_SILENCE} seconds.") from None


def _accept(request: Request) -> str:
    return request.headers.get("accept", "").lower()


def _refused(
    status: int, code: str, reason: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"error": code, "reason": reason}, status, headers)
