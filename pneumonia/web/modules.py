"""The page's JavaScript: ES modules that are served beside the page and import each other."""

import functools
import hashlib
import re
from pathlib import Path

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "modules"

# A browser keeps modules, so an address is theirs for as long as nothing in them changes.
_CONTENT = b"".join(path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file())
_VERSION = hashlib.sha256(_CONTENT).hexdigest()[:12]
ADDRESS = f"modules/{_VERSION}"
_IMPORTED = re.compile(r'^import [^;]*?"\./([\w.]+)";', re.MULTILINE)

ROUTE = Mount(f"/{ADDRESS}", StaticFiles(directory=FOLDER))


@functools.cache
def preload() -> list[str]:
    """HTML for the page's head that fetches at once what the first screen, then the page need."""
    needed = ["entrance.js", "page.js"]
    for name in needed:
        text = (FOLDER / name).read_text("utf-8")
        needed += [other for other in _IMPORTED.findall(text) if other not in needed]
    return [f'<link rel="modulepreload" href="{ADDRESS}/{name}">' for name in needed]


def head(module: str = "page.js") -> str:
    """HTML for the page's head that runs a module, and the style of paper."""
    paper = f'<link rel="stylesheet" media="print" href="{ADDRESS}/print.css">'
    lost = "document.documentElement.setAttribute('data-lost', '')"  # it, or what it imports
    return f'{paper}<script type="module" onerror="{lost}" src="{ADDRESS}/{module}"></script>'


def on_load(function: str) -> str:
    """For a component's ``js_on_load``: calls that function of ``page.js`` once it is there."""
    return (
        f'import(new URL("{ADDRESS}/page.js", document.baseURI)).then('
        f"(page) => page.{function}({{ element, props, trigger, watch }}));"
    )
