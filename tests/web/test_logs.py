"""What strangers send cannot forge a line of the log, nor speak to a terminal."""

import logging
import subprocess
import sys

from pneumonia.web.logs import Escaped, escaped

FORGED = "film\nINFO: somebody logged in\r\x1b[2J\x9b1m\u202e\u2028\udc80.png"


def test_what_a_stranger_sends_is_one_line_that_can_be_printed():
    line = escaped(FORGED)
    assert line.isprintable() and line.startswith("film\\nINFO: somebody")
    assert escaped("Ångström – 肺.png") == "Ångström – 肺.png"
    assert len(escaped("x" * 10_000)) < 400


def test_of_an_error_its_words_are_escaped_and_its_origin_is_kept():
    try:
        try:
            raise ValueError(FORGED)
        except ValueError as error:
            raise OSError(FORGED) from error
    except OSError:
        record = logging.LogRecord("x", 40, "", 0, "A film: %s", (FORGED,), sys.exc_info())
    written = Escaped("%(levelname)s: %(message)s").format(record)
    lines = written.splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith("ERROR: A film: film\\nINFO")
    assert not any(line.startswith("INFO") for line in lines)
    assert [line.split(":")[0] for line in lines if "somebody" in line[:40]][-2:] == [
        "  ValueError",
        "  OSError",
    ]
    assert written.count("test_logs.py") == 2


def test_loggers_warnings_and_printed_tracebacks_are_all_written_like_this():
    program = f"""
import logging, traceback, warnings
from pneumonia.web.logs import write_escaped
write_escaped()
text = {FORGED!r}
logging.getLogger("mcp").warning("asked for %s", text)
warnings.warn(text)
try:
    raise ValueError(text)
except ValueError:
    traceback.print_exc()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    lines = ended.stderr.decode().splitlines()
    assert sum("INFO: somebody" in line for line in lines) == 3
    assert all(line.isprintable() and not line.startswith("INFO") for line in lines)
