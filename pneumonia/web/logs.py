"""What the page writes down: no text that strangers chose begins a line or speaks to a terminal."""

import logging
import sys
import traceback
import warnings

from uvicorn.config import LOGGING_CONFIG

_LONGEST = 300  # characters of an error's own words
_log = logging.getLogger("page")


def escaped(text: str) -> str:
    r"""The text in one line of printable characters.

    >>> escaped("film\nINFO: \x1b[2J")
    'film\\nINFO: \\x1b[2J'
    """
    short = text[:_LONGEST] + "…" * (len(text) > _LONGEST)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


class Escaped(logging.Formatter):
    """A message in one line; below it where an error comes from, its own words in one line each."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        record.message = escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei) -> str:
        """See ``logging.Formatter``."""
        return _origin(ei[1]) if ei[1] else super().formatException(ei)


def _origin(error: BaseException) -> str:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    others = [*([before] if before else []), *getattr(error, "exceptions", ())]
    words = f"  {type(error).__name__}: {escaped(str(error))}"
    return "\n".join([*map(_origin, others), *_frames(error), words])


def _frames(error: BaseException) -> list[str]:
    return [line.rstrip("\n") for line in traceback.format_tb(error.__traceback__)]


def write_escaped() -> None:
    """From now on all loggers, warnings and Gradio's tracebacks are written like this."""
    handler = logging.StreamHandler()
    handler.setFormatter(Escaped("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], force=True)
    warnings.showwarning = lambda message, *_: _log.warning("%s", message)
    LOGGING_CONFIG["formatters"]["default"] = {"()": Escaped, "fmt": "%(levelname)s: %(message)s"}
    # Gradio prints what went wrong with a request, in the sender's own words
    traceback.print_exc = lambda *_, **__: _log.error("A request failed", exc_info=sys.exc_info())
