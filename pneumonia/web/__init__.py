"""The page: a film in, what each model makes of it out.

``page`` lays it out, ``handlers`` answers its events, ``api`` other programs, ``views`` turns
predictions into HTML, ``about`` says what never changes, ``examples`` are films to start with,
``known`` what is known of them. The look is in ``*.css``; what happens without the server is in
``modules/page.js`` and what that imports.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

F = TypeVar("F", bound=Callable)


def on_gpu(function: F) -> F:
    """Lends a ZeroGPU to each call of the function, where there is one."""
    return _spaces.GPU(function) if _spaces else function


try:  # ZeroGPU's package, which has to come before torch; nothing of the kind elsewhere
    _spaces = import_module("spaces")
except ImportError:
    _spaces = None


__all__ = ["on_gpu"]
