"""Gradio's own files at the head of its page, so that none waits for another.

A browser that is told nothing asks for Gradio's scripts in four turns, and beside them for as many
style sheets, each of some hundred bytes. Named at the head the scripts come in one turn; the styles
come with the page, as a line of HTTP/1.1 carries six files at a time. What is named but missing (in
another version of Gradio) is left out, what is missing here is fetched as ever.
"""

import functools
import re
from importlib.util import find_spec
from pathlib import Path

LIST = Path(__file__).with_name("gradio_files.txt")  # python -m tools.gradio_files

_ENTRY = re.compile(r'<script type="module" crossorigin src="([^"]+)">')
_STYLE = re.compile(r'<link rel="stylesheet" crossorigin href="([^"]+)">')
_THEME = re.compile(r'"theme_hash":\s*"(\w+)"')
_CONFIG, _BEHIND = "<script>window.gradio_config", '<link rel="manifest"'


def hints(page: str) -> str:
    """HTML for the head of Gradio's page that fetches at once what it waits for."""
    scripts = [*_ENTRY.findall(page), *_named(".js")]
    links = [f'<link rel="modulepreload" crossorigin href="{file}">' for file in scripts]
    as_style = '<link rel="preload" as="style" '
    links += [f'{as_style}crossorigin href="{file}">' for file in _STYLE.findall(page)]
    if theme := _THEME.search(page):
        links.append(f'{as_style}href="./theme.css?v={theme[1]}">')
    return "".join(links)


@functools.cache
def styles() -> str:
    """HTML for the end of the head: style sheets of components, and that they are there.

    Gradio looks for a sheet's link before it fetches it; one that is disabled fetches nothing.
    """
    marks = (f'<link rel="stylesheet" disabled href="{file}">' for file in _named(".css"))
    sheets = (path.read_text("utf-8") for path in _there(".css"))
    return f"<style>{''.join(sheets)}</style>{''.join(marks)}"


def first(page: str, screen: str) -> str:
    """The page with that HTML first in its body, and what Gradio has to say of itself after it."""
    start = page.find(_CONFIG)
    end = page.find(_BEHIND, start)
    if 0 <= start < end:
        screen += page[start:end]
        page = page[:start] + page[end:]
    return page.replace("<gradio-app", f"{screen}<gradio-app", 1)


def _named(suffix: str) -> list[str]:
    return [f"./assets/{path.name}" for path in _there(suffix)]


@functools.cache
def _there(suffix: str) -> list[Path]:
    spec = find_spec("gradio")
    assert spec and spec.origin  # it serves this page
    assets = Path(spec.origin).parent / "templates" / "frontend" / "assets"
    paths = (assets / name for name in LIST.read_text("utf-8").split())
    return [path for path in paths if path.suffix == suffix and path.is_file()]
