"""What a link to the page shows elsewhere: its own title, sentence, picture and icon, not Gradio's.

Gradio's template carries tags of its own, some without a value; no public option replaces them.
"""

import re
from html import escape

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pneumonia.web import modules
from pneumonia.web.texts import plain

ICON = modules.FOLDER / "icon.svg"
PICTURE = "preview.jpg"  # 1200 x 630 px, beside the modules

_TAGS = re.compile(rb'\s*<meta\s+(?:property|name)="(?:og|twitter):[^>]*>')


class LinkPreview:
    """Puts the page's tags in place of Gradio's, in the page itself and nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            return await self.app(scope, receive, send)
        start: Message = {}
        body = b""

        async def changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=start)
            if headers.get("content-type", "").startswith("text/html"):
                body = _TAGS.sub(b"", body).replace(b"<base", tags(scope) + b"<base", 1)
                headers["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, changed)


def tags(scope: Scope) -> bytes:
    """The page's own tags, with its address as the visitor wrote it."""
    headers = Headers(scope=scope)
    kind = headers.get("x-forwarded-proto", scope["scheme"]).partition(",")[0]
    home = f"{kind}://{headers.get('x-forwarded-host', headers.get('host', ''))}/"
    title, words = plain("page.title"), plain("page.lead")
    named = {
        "og:type": "website",
        "og:title": title,
        "og:description": words,
        "og:url": home,
        "og:image": f"{home}{modules.ADDRESS}/{PICTURE}",
        "og:image:alt": title,
    }
    content = "".join(
        f'<meta property="{name}" content="{escape(value)}">' for name, value in named.items()
    )
    content += f'<title>{escape(title)}</title><meta name="description" content="{escape(words)}">'
    content += '<meta name="twitter:card" content="summary_large_image">'
    return content.encode()
