"""What is written down elsewhere, in English and in Markdown: the model cards, the API."""

import re

from markdown_it import MarkdownIt

from pneumonia.storage.shipped import checkpoints_root, shipped_folder
from pneumonia.web.texts import Argument, html, tag

_NO_CARD = "There is none yet: `pneumonia cards` writes it."
# what only the Hub or a folder's reader needs, then links to what is not on the page
_APART = re.compile(r"\A---\n.*?\n---\n|<!--.*?-->|!\[.*?\]\(.*?\)", re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def model_card(model: str, title: Argument) -> str:
    """The model card, to unfold below its title."""
    path = checkpoints_root() / model / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else _NO_CARD
    return _unfolds(html(title, "summary"), rendered(text, below=3))


def api() -> str:
    """How other programs ask the page, to unfold; nothing where it is not written down."""
    path = shipped_folder("docs") / "api.md"
    if not path.is_file():
        return ""
    _, _, text = path.read_text(encoding="utf-8").partition("## The running page\n")
    return _unfolds(tag("figures.api", 'summary id="api"'), rendered(text, below=1))


def _unfolds(summary: str, text: str) -> str:
    body = f'<div class="card" lang="en" dir="ltr">{text}</div>'
    return f'<details class="about">{summary}{body}</details>'


def rendered(text: str, below: int) -> str:
    """Markdown of ours as HTML, whatever HTML it contains as text.

    Args:
        text: the Markdown.
        below: by how many levels its headings are lower than it says.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_LINK.sub(r"\1", _APART.sub("", text)))
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{min(int(token.tag[1:]) + below, 6)}"
        for link in token.children or ():
            if link.type == "link_open":
                link.attrs |= {"target": "_blank", "rel": "noopener"}
    return markdown.renderer.render(tokens, markdown.options, {})
