"""What other web sites may do with this page from a visitor's browser, and what is not served.

A page on a visitor's own machine answers to that machine's names only: another site's script cannot
reach it by a name of its own that points here (DNS rebinding), nor send it a form. What a browser
may load, and who may frame the page, is said in every answer's headers.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's page consists of inline scripts and styles, and makes functions of text. Hugging Face
# shows a Space in a frame.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    ]
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
# What Gradio serves besides and nobody needs here: recordings, statistics, files made of what a
# visitor did, streams, a proxy, what is for developers.
UNUSED = (
    *("/process_recording", "/monitoring", "/profiling", "/runs", "/run-history", "/deep_link"),
    *("/stream", "/proxy=", "/custom_component", "/component_server", "/token", "/pwa_icon"),
    *("/dev/", "/vibe-", "/undo-vibe-edit", "/openapi.json"),
)

_FOREIGN = "This page answers to its own address only."


class Neighbours:
    """Refuses foreign callers of a page on this machine, and adds ``HEADERS`` to every answer.

    Args:
        app: the page.
        local: the page listens at a loopback address, so only this machine's names can be meant.
    """

    def __init__(self, app: ASGIApp, local: bool) -> None:
        self.app, self.local = app, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        app = self.app
        if self.local and not (
            is_local(f"//{headers.get('host', '')}")
            and all(is_local(origin) for origin in headers.getlist("origin"))
        ):
            app = PlainTextResponse(_FOREIGN, 403)
        elif scope["path"].removeprefix("/gradio_api").startswith(UNUSED):
            app = PlainTextResponse("There is nothing here.", 404)
        await app(scope, receive, with_headers)


def is_local(address: str) -> bool:
    """Whether a URL's host is this machine: ``localhost`` or a loopback address.

    >>> is_local("http://127.0.0.1:7860"), is_local("//[::1]:7860"), is_local("null")
    (True, True, False)
    """
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
