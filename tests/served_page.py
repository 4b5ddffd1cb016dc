"""Pages as a user starts them, once for all tests that visit them."""

import atexit
import functools
import os
import subprocess
import sys
import tempfile

from tools.page_process import ROOT, free_port, wait_for


def served_page() -> str:
    """Address of a running ``app.py``; it stops with the tests."""
    return serve("app.py", "--port")


@functools.cache
def serve(*command: str) -> str:
    """Address of a running Python program, which takes its port last; it stops with the tests."""
    port = free_port()
    log = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process writes to it)
    process = subprocess.Popen(
        [sys.executable, *command, str(port)],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_TEMP_DIR": tempfile.mkdtemp()},
    )
    atexit.register(lambda: (process.terminate(), process.wait()))
    address = f"http://127.0.0.1:{port}/"
    if wait_for(address, process):
        return address
    process.terminate()
    log.seek(0)
    raise RuntimeError(f"{command[0]} did not start:\n{log.read().decode()}")
