"""The page as a process of its own, for scripts and tests that visit it."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 180  # until a process has to answer
# the browser without a window where there is one, which takes less time
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def running_page(
    program: str = "app.py",
    folder: Path = ROOT,
    port: int | None = None,
    env: Mapping[str, str | None] | None = None,
    host: str = "127.0.0.1",
    **options,
) -> Iterator[tuple[subprocess.Popen, str]]:
    """A page, once it answers, and its address; ended afterwards.

    Args:
        program: a Python program that serves where Gradio's own variables say.
        folder: where the program runs.
        port: by default a free one.
        env: variables beside this process's own, or ``None`` for those that it shall not have.
        host: where it listens.
        options: of ``subprocess.Popen``; what it prints goes nowhere by default.

    Raises:
        RuntimeError: it does not start.
    """
    port = port or free_port()
    gradio = {"GRADIO_SERVER_NAME": host, "GRADIO_SERVER_PORT": str(port)}
    variables = {**os.environ, **(env or {}), **gradio}
    process = subprocess.Popen(
        [sys.executable, program],
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        **{"stdout": subprocess.DEVNULL, **options},
    )
    address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    try:
        if not wait_for(address, process):
            raise RuntimeError(f"{program} did not start (status {process.poll()}).")
        yield process, address
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, process: subprocess.Popen) -> bool:
    """Until the process answers at that address; False where it ends or does not."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=SECONDS).close()
            return True
        except OSError:  # nothing listens yet, or it ended before it answered
            time.sleep(0.2)
    return False


def text_sender(client: httpx.Client) -> Callable[[str, str], dict]:
    """What sends films as text to the page at the client's base address.

    Called with the film, ``"data:…"``, and the name of the visitor whose it is (Gradio's
    ``session_hash``); returns what /predict says of it.
    """
    functions = client.get("config").json()["dependencies"]
    number = next(one["id"] for one in functions if one["api_name"] == "predict")

    def send(film: str, visitor: str) -> dict:
        whose = {"session_hash": visitor}
        join = {"data": [film], "fn_index": number, **whose}
        client.post("gradio_api/queue/join", json=join).raise_for_status()
        events = client.get("gradio_api/queue/data", params=whose).text.splitlines()
        last = next(line for line in events if '"process_completed"' in line)
        return json.loads(last.partition("data: ")[2])["output"]["data"][0]

    return send


def memory(process: int | str = "self", most: bool = False) -> int:
    """MB that a process holds, or the most it ever held (on Linux)."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(rf"{'VmHWM' if most else 'VmRSS'}:\s+(\d+)", status)[1]) // 1024
