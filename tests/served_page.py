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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, process: subprocess.Popen) -> bool:
    """Until the process answers at that address; False where it does not."""
    for _ in range(600):
        try:
            urllib.request.urlopen(address).close()
            return True
        except urllib.error.URLError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    return False
