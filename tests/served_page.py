"""Pages as a user starts them, once for all tests that visit them."""

import atexit
import functools
import json
import os
import socket
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from pneumonia.storage.shipped import available_models
from tools.page_process import ROOT, running_page

WIDTHS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
INPUT = "#film input[type=file]"
MANY = "#films input[type=file]"
JOIN = "**/queue/join**"  # where the page asks
RESTED = defaultdict(list)  # browsers of visitors who left, by their options


@contextmanager
def pages(chromium) -> Iterator[Callable]:
    """Opens pages, each for a visitor of its own; afterwards none may have complained, nor asked
    for anything but what it carries and what lies below the address ``home``.

    What comes ``again`` finds in its browser what the page's scripts and styles were, no more.
    """
    elsewhere, complaints = [], []

    def open_page(home: str = "data:", again: bool = False, **options):
        local = (home, "data:", "blob:")
        rested = RESTED[json.dumps(options, sort_keys=True)]
        context = rested.pop() if again and rested else chromium.new_context(**options)
        page = context.new_page()
        if not again:
            leaving.callback(context.close)
        else:
            leaving.callback(rest, context, rested)
            kept = {"origin": home.rstrip("/"), "storageTypes": "all"}  # not what was loaded
            context.new_cdp_session(page).send("Storage.clearDataForOrigin", kept)
        page.set_default_timeout(60_000)
        page.on("request", lambda r: None if r.url.startswith(local) else elsewhere.append(r.url))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    with ExitStack() as leaving:
        yield open_page
    assert not elsewhere, elsewhere
    assert not complaints, complaints


def rest(context, rested: list) -> None:
    """Leaves a browser for the next visitor, whose page forgets what was stored there."""
    for page in context.pages:
        page.close()
    context.clear_permissions()
    rested.append(context)


@contextmanager
def visits(chromium) -> Iterator[Callable]:
    """Opens the page, each time for another visitor."""
    if not available_models():
        pytest.skip("no checkpoint to show")
    with pages(chromium) as new_page:

        def visit(width="desk", scheme="dark", accept=True, locale="en-GB", place=""):
            look = {"viewport": WIDTHS[width], "color_scheme": scheme, "locale": locale}
            page = new_page(served_page(), again=True, **look)
            page.goto(served_page() + place)
            page.wait_for_selector(INPUT, state="attached")
            if accept:
                page.click(".notice button")
            return page

        yield visit


def wait_for_result(page, name: str) -> None:
    """Waits until that film is shown with its pictures."""
    page.wait_for_selector(f".viewer:not([aria-busy]) .film figcaption:has-text({name!r})")


def broken(route) -> None:
    """Sends on a question of the page, without what is asked: the server fails at it."""
    asked = json.loads(route.request.post_data)
    route.continue_(post_data=json.dumps(asked | {"event_data": {}}))


def has_ipv6() -> bool:
    """Whether a page can listen by IPv6 on this machine."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def served_page() -> str:
    """Address of a running ``app.py``; it stops with the tests."""
    return serve("app.py")


@functools.cache
def serve(program: str) -> str:
    """Address of a running Python program that serves a page; it stops with the tests."""
    log = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process writes to it)
    env = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    env["GRADIO_TEMP_DIR"] = tempfile.mkdtemp()
    pages = ExitStack()
    atexit.register(pages.close)
    try:
        _, address = pages.enter_context(
            running_page(program, env=env, stdout=log, stderr=subprocess.STDOUT)
        )
    except RuntimeError as error:
        log.seek(0)
        raise RuntimeError(f"{error}\n{log.read().decode()}") from None
    return address
