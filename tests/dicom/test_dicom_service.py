"""The service as a router calls it, over HTTP, in a process of its own."""

import asyncio
import email
import email.policy
import io
import os
import subprocess
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pydicom
import pytest
from factories import ROOT, chest_dicom, saved

from pneumonia.dicom import service as service_module
from pneumonia.dicom.service import build
from pneumonia.web.limits import MAX_BODY_BYTES
from tools.page_process import free_port, wait_for

FILM = saved(chest_dicom())
RELATED = {"accept": 'multipart/related; type="application/dicom"'}


@pytest.fixture(scope="module")
def service(model, tmp_path_factory):
    """Its address, the folder of its temporary files, and what it has printed so far."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "tmp").mkdir()
    port = free_port()
    command = ["-m", "pneumonia", "dicom-service", "--port", str(port), "--model", str(model)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--device", "cpu"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(folder / "tmp")},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            assert wait_for(address, process), (folder / "log").read_text()
            yield address, folder / "tmp", lambda: (folder / "log").read_text()
        finally:
            process.terminate()
            assert process.wait() in (0, -15)


def parts_of(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Content type and content of each part, as Python's own parser of mail finds them."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.content, policy=email.policy.HTTP)
    return [(p.get_content_type(), p.get_payload(decode=True)) for p in message.iter_parts()]


def related(*films: bytes) -> dict:
    """A body of multipart/related, as STOW-RS has it."""
    head = b"--frontier\r\nContent-Type: application/dicom\r\n\r\n"
    body = b"".join(head + film + b"\r\n" for film in films) + b"--frontier--\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=frontier'
    return {"content": body, "headers": {"content-type": kind}}


def test_a_film_is_answered_however_it_is_sent_and_nothing_is_kept(service, responder, tmp_path):
    address, kept, log = service
    (tmp_path / "film").write_bytes(FILM)
    expected = responder.answer(tmp_path / "film").record
    form = httpx.post(f"{address}/films", files={"film": ("SECRET.dcm", FILM)}, timeout=60)
    stow = httpx.post(f"{address}/films", timeout=60, **related(FILM, FILM))
    bare = {"content-type": "application/dicom"}
    raw = httpx.post(f"{address}/films", content=FILM, headers=bare, timeout=60)
    assert form.json()["films"] == raw.json()["films"] == [expected]
    assert stow.json()["films"] == [expected, expected]
    assert form.headers["cache-control"] == "no-store"
    assert not list(kept.rglob("*"))
    assert "SECRET" not in form.text + log()


def test_the_objects_come_where_they_are_asked_for(service):
    address, *_ = service
    body = related(FILM, b"no film")
    headers = {**body.pop("headers"), **RELATED}
    response = httpx.post(f"{address}/films", headers=headers, timeout=60, **body)
    (kind, summary), *objects = parts_of(response)
    assert kind == "application/json" and response.status_code == 200
    found = {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID for _, data in objects}
    good, bad = httpx.Response(200, content=summary).json()["films"]
    told = good["models"]["cnn"]["objects"].values()
    assert found == {about["sop_instance_uid"] for about in told} and len(found) == 3
    assert {kind for kind, _ in objects} == {"application/dicom"}
    assert bad["error"] == "not_dicom"


def test_what_is_no_film_is_refused_and_says_why(service):
    address, kept, log = service
    odd = chest_dicom(PatientName="SECRETNAME", StudyInstanceUID="")
    for data, code in (
        (b"no film", "not_dicom"),
        (FILM[:9000], "damaged"),
        (saved(odd), "no_study"),
    ):
        response = httpx.post(f"{address}/films", files={"film": data}, headers=RELATED, timeout=60)
        (film,) = response.json()["films"]
        assert (response.status_code, film["error"]) == (422, code)
    assert not list(kept.rglob("*")) and "SECRET" not in log()


async def post(app, **request) -> httpx.Response:
    """The application's answer, in this process."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.post("/films", **request)


def ended(asking: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    with ThreadPoolExecutor(1) as thread:  # this one may have a loop, of a browser's
        return thread.submit(asyncio.run, asking).result()


def asked(app, **request) -> httpx.Response:
    return ended(post(app, **request))


def test_objects_are_bounded_and_held_only_for_who_asks(responder, monkeypatch):
    monkeypatch.setattr(service_module, "MAX_OBJECTS", 1)
    app = build(responder, local=True)
    assert asked(app, **related(FILM)).status_code == 200
    body = related(FILM)
    refused = asked(app, content=body["content"], headers={**body["headers"], **RELATED})
    assert refused.status_code == 413 and "send fewer at a time" in refused.text


def test_a_request_that_drips_gives_its_place_back(responder, monkeypatch):
    async def drops():
        while True:
            yield b"\0"
            await asyncio.sleep(0.01)

    monkeypatch.setattr(service_module, "DEADLINE", 0.1)
    headers = {"content-type": "application/dicom"}
    slow = asked(build(responder, local=True), content=drops(), headers=headers)
    assert slow.status_code == 408 and "not whole after" in slow.text


def test_an_answer_that_nobody_takes_keeps_its_place_until_its_deadline(responder, monkeypatch):
    monkeypatch.setattr(service_module, "AT_A_TIME", 1)
    monkeypatch.setattr(service_module, "DEADLINE", 1)
    app, happened = build(responder, local=True), []
    body = related(FILM)
    request = {"content": body["content"], "headers": {**body["headers"], **RELATED}}

    async def unread(scope, receive, send):
        async def stuck(message):
            if message["type"] == "http.response.body":
                happened.append("sent")
                try:
                    await asyncio.sleep(60)
                finally:
                    happened.append("ended")
            await send(message)

        await app(scope, receive, stuck)

    async def both() -> httpx.Response:
        first = asyncio.create_task(post(unread, **request))
        while "sent" not in happened:
            await asyncio.sleep(0.01)
        answer = await post(app, **request)
        happened.append("answered")
        await asyncio.gather(first, return_exceptions=True)  # it was never whole
        return answer

    answer = ended(both())
    assert happened == ["sent", "ended", "answered"] and answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])


def test_too_many_films_are_told_how_many_may_come(service):
    address, *_ = service
    most = httpx.post(f"{address}/films", timeout=60, **related(*[b""] * 100))
    assert most.status_code == 422 and len(most.json()["films"]) == 100
    more = httpx.post(f"{address}/films", timeout=60, **related(*[b""] * 101))
    told = "A request may have 100 films: send fewer at a time."
    assert (more.status_code, more.text) == (413, told)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
        ({"content": b"x", "headers": {"content-type": "multipart/related"}}, 415),
        ({**related(FILM), "content": related(FILM)["content"][:-30]}, 400),
        ({**related(FILM), "content": b"--other\r\n\r\n"}, 400),
        (related(*[b""] * 101), 413),
        (related(b"\0" * (MAX_BODY_BYTES + 1)), 413),
        ({"headers": {"host": "evil.example"}}, 403),
    ],
    ids=["kind", "boundary", "torn", "other", "many", "large", "foreign"],
)
def test_requests_of_another_kind_are_refused(service, request_, status):
    address, kept, _ = service
    assert httpx.post(f"{address}/films", timeout=60, **request_).status_code == status
    assert not list(kept.rglob("*"))
