"""The page's JavaScript: ES modules that are served beside the page and import each other."""

import hashlib
from pathlib import Path

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "modules"

_FILES = sorted(FOLDER.glob("*.js"))
# A browser keeps modules, so an address is theirs for as long as nothing in them changes.
_CONTENT = b"".join(path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file())
_VERSION = hashlib.sha256(_CONTENT).hexdigest()[:12]
ADDRESS = f"modules/{_VERSION}"

ROUTE = Mount(f"/{ADDRESS}", StaticFiles(directory=FOLDER))


def preload() -> str:
    """HTML for the page's head that fetches all modules at once, before one asks for the next."""
    return "".join(f'<link rel="modulepreload" href="{ADDRESS}/{p.name}">' for p in _FILES)


def head(module: str = "page.js") -> str:
    """HTML for the page's head that runs a module, and the style of paper."""
    paper = f'<link rel="stylesheet" media="print" href="{ADDRESS}/print.css">'
    return f'{paper}<script type="module" src="{ADDRESS}/{module}"></script>'


def on_load(function: str) -> str:
    """For a component's ``js_on_load``: calls that function of ``page.js`` once it is there."""
    return (
        f'import(new URL("{ADDRESS}/page.js", document.baseURI)).then('
        f"(page) => page.{function}({{ element, props, trigger, watch }}));"
    )
