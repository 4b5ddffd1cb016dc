"""Gradio writes a ``.pyi`` beside each component while it is imported, which takes its time."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_stubs() -> Iterator[None]:
    """While this lasts, Gradio can be imported and writes none."""
    file_of = inspect.getfile

    def none_of_gradio(thing: Any) -> str:
        if str(getattr(thing, "__module__", "")).startswith("gradio."):
            raise OSError  # which Gradio takes for a class without a file
        return file_of(thing)

    inspect.getfile = none_of_gradio
    try:
        yield
    finally:
        inspect.getfile = file_of
