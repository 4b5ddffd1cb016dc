"""What a visitor gets before Gradio's scripts are there, and what a link shows elsewhere.

Gradio's template carries tags of its own, some without a value, and draws nothing until its scripts
run, seconds later on a slow line; no public option replaces either. So the page itself comes with
its own title, sentence and picture, and with a first screen that says what this is and takes films.
"""

import functools
import re
from html import escape
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pneumonia.web import gradio_files, modules
from pneumonia.web.texts import LANGUAGES, plain, words

ICON = modules.FOLDER / "icon.svg"
PICTURE = "preview.jpg"  # 1200 x 630 px, beside the modules

_STYLE = Path(__file__).with_name("entrance.css").read_text("utf-8")
_WITHOUT_SCRIPTS = """#entrance [role="alert"] { display: block }
    #entrance :is([role="status"], progress) { display: none }"""
_FRAMES = f"<script>{Path(__file__).with_name('frames.js').read_text('utf-8')}</script>"
_TAGS = re.compile(r'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>')


class Entrance:
    """Puts tags and first screen into Gradio's page, and changes nothing else that it serves."""

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
                body = furnished(body.decode(), Request(scope)).encode()
                headers["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, changed)


def furnished(page: str, request: Request) -> str:
    """Gradio's page with our tags and first screen, its files fetched while it still arrives."""
    first, *later = modules.preload()
    head = "".join([first, gradio_files.hints(page), *later, _FRAMES, tags(request)])
    page = _TAGS.sub("", page).replace("<base", f"{head}<base", 1)
    page = page.replace("</head>", f"{gradio_files.styles()}</head>", 1)
    theme = request.query_params.get("__theme")  # a link can say it
    scheme = theme if theme in ("light", "dark") else "light dark"
    return gradio_files.first(page, first_screen(language(request), scheme))


def tags(request: Request) -> str:
    """The page's own tags, with its address as the visitor wrote it."""
    headers = request.headers
    kind = headers.get("x-forwarded-proto", request.url.scheme).partition(",")[0]
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
    return content


def language(request: Request) -> str:
    """The code of the visitor's language: that of the address, else of the browser, else "en"."""
    said = [request.query_params.get("lang", "")]
    said += request.headers.get("accept-language", "").split(",")  # the one liked best comes first
    codes = (re.split("[-;]", word.strip().lower())[0] for word in said)
    return next((code for code in codes if code in LANGUAGES), "en")


@functools.cache
def first_screen(language: str, scheme: str) -> str:
    """What the page is, its limits and a place for films, as HTML that ``entrance.js`` ends.

    Args:
        language: its code, such as ``"fr"``.
        scheme: ``"light"``, ``"dark"``, or ``"light dark"`` for the one that the browser prefers.
    """
    texts = words(language)
    say = {key: escape(text) for key, text in texts.texts.items()}
    limits = "".join(f"<p>{say[f'use.{part}']}</p>" for part in ("purpose", "films", "privacy"))
    way = "rtl" if texts.right_to_left else "ltr"
    return f"""<style>{_STYLE}</style>
<main id="entrance" lang="{language}" dir="{way}" style="color-scheme: {scheme}">
  <h1>{say["page.title"]}</h1><p>{say["page.lead"]}</p>
  <label><input type="file" multiple aria-label="{say["upload.label"]}">
    <strong>{say["style.drop"]}</strong><small>{say["style.formats"]}</small></label>
  <p role="status">{say["page.opening"]}</p>
  <progress aria-label="{say["page.opening"]}"></progress>
  <p role="alert">{say["page.lost"]}</p>
  <noscript><style>{_WITHOUT_SCRIPTS}</style></noscript>
  <section><h2>{say["use.title"]}</h2>{limits}</section>
</main>
<script type="module" async src="{modules.ADDRESS}/entrance.js"></script>
"""
