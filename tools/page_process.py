"""The page as a process of its own, for scripts and tests that visit it."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def running_page(
    folder: Path = ROOT, port: int | None = None, env: dict[str, str] | None = None, **options
) -> Iterator[tuple[subprocess.Popen, str]]:
    """``app.py`` of that folder, once it answers, and its address; ended afterwards.

    Args:
        folder: where ``app.py`` lies.
        port: by default a free one.
        env: variables beside the process's own.
        options: of ``subprocess.Popen``; what it prints goes nowhere by default.

    Raises:
        RuntimeError: it does not start.
    """
    port = port or free_port()
    options = {"stdout": subprocess.DEVNULL, "env": {**os.environ, **(env or {})}} | options
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=folder, **options
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        if not wait_for(address, process):
            raise RuntimeError(f"app.py did not start (status {process.poll()}).")
        yield process, address
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, process: subprocess.Popen, seconds: float = 180) -> bool:
    """Until the process answers at that address; False where it ends or does not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address).close()
            return True
        except urllib.error.URLError:
            time.sleep(0.2)
    return False


def memory(process: int | str = "self", most: bool = False) -> int:
    """MB that a process holds, or the most it ever held (on Linux)."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(rf"{'VmHWM' if most else 'VmRSS'}:\s+(\d+)", status)[1]) // 1024
