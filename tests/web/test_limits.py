"""What comes in slowly, or not at all."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import HTTPException

from pneumonia.web import limits


def run(coroutine):
    """In a thread, as a browser of another test may have a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_many_requests_together_are_refused_where_one_alone_is_taken(monkeypatch):
    monkeypatch.setattr(limits, "MAX_BODIES_BYTES", 25)
    taken, ended = [], []

    async def page(scope, receive, send):
        taken.append(await receive())
        await done.wait()

    async def receive():
        return {"type": "http.request", "body": 10 * b"a"}

    async def ask():
        scope = {"type": "http", "path": "/gradio_api/queue/join", "headers": []}
        try:
            await limited(scope, receive, None)
        except HTTPException as error:
            ended.append(error.status_code)

    async def visitors():
        asked = [asyncio.create_task(ask()) for _ in range(3)]
        while len(taken) + len(ended) < 3:
            await asyncio.sleep(0)
        done.set()
        await asyncio.gather(*asked)
        await ask()  # who comes later finds room

    done, limited = asyncio.Event(), limits.BodyLimit(page, Path())
    run(asyncio.wait_for(visitors(), 60))
    assert ended == [503] and len(taken) == 3


def test_an_upload_leaves_room_on_the_disk(monkeypatch, tmp_path):
    async def page(scope, receive, send):
        assert await receive() == piece

    async def receive():
        return piece

    piece = {"type": "http.request", "body": b"a"}
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "path": "/gradio_api/upload", "headers": headers}
    limited = limits.BodyLimit(page, tmp_path)
    run(limited(scope, receive, None))
    monkeypatch.setattr(limits, "MAX_UPLOAD_BYTES", shutil.disk_usage(tmp_path).total + 1)
    with pytest.raises(OSError) as full:
        run(limited(scope, receive, None))
    assert limits.no_room(None, full.value).status_code == 507


@pytest.mark.parametrize("kind", [b"multipart/form-data; boundary=x", b"application/json"])
def test_a_request_that_falls_silent_is_ended(monkeypatch, kind):
    monkeypatch.setattr(limits, "MAX_SILENCE", 0.01)

    async def page(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    async def receive():
        if first:
            return {"type": "http.request", "body": first.pop(), "more_body": True}
        await asyncio.Event().wait()

    first = [b"--x"]
    headers = [(b"content-type", kind)]
    scope = {"type": "http", "path": "/gradio_api/upload", "headers": headers}
    with pytest.raises(HTTPException) as ended:
        run(asyncio.wait_for(limits.BodyLimit(page, Path())(scope, receive, None), 60))
    assert ended.value.status_code == 408


def test_who_waits_for_an_answer_may_be_silent(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SILENCE", 0.01)
    heard = []

    async def page(scope, receive, send):
        heard.extend([await receive(), await receive()])

    async def receive():
        if not heard_body:
            heard_body.append(True)
            return {"type": "http.request", "body": b""}
        await asyncio.sleep(0.2)
        return {"type": "http.disconnect"}

    heard_body = []
    scope = {"type": "http", "path": "/gradio_api/queue/data", "headers": []}
    run(limits.BodyLimit(page, Path())(scope, receive, None))
    assert heard[1] == {"type": "http.disconnect"}
