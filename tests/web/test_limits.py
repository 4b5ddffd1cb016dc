"""What comes in slowly, or not at all."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import HTTPException

from pneumonia.web import limits


def run(coroutine):
    """In a thread, as a browser of another test may have a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


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
        run(asyncio.wait_for(limits.BodyLimit(page)(scope, receive, None), 60))
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
    run(limits.BodyLimit(page)(scope, receive, None))
    assert heard[1] == {"type": "http.disconnect"}
