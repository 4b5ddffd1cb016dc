"""Pages as a user starts them, once for all tests that visit them."""

import atexit
import functools
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def served_page() -> str:
    """Address of a running ``app.py``; it stops with the tests."""
    return serve("app.py", "--port")


@functools.cache
def serve(*command: str) -> str:
    """Address of a running Python program, which takes its port last; it stops with the tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
    for _ in range(600):
        try:
            urllib.request.urlopen(address).close()
            return address
        except urllib.error.URLError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    process.terminate()
    log.seek(0)
    raise RuntimeError(f"{command[0]} did not start:\n{log.read().decode()}")
