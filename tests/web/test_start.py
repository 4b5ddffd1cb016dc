"""A page starts where it is told to, or says in one sentence why it does not."""

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from served_page import has_ipv6

from pneumonia.storage.shipped import available_models
from pneumonia.web import container
from pneumonia.web.address import listen, url
from tools.page_process import ROOT, free_port


def start(*words: str, **options) -> subprocess.CompletedProcess:
    """What becomes of a page that cannot start."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GRADIO")}
    return subprocess.run(
        [sys.executable, "app.py", *words],
        cwd=ROOT,
        **{"env": own, "capture_output": True, "text": True, "timeout": 120, **options},
    )


def only_sentence(ended: subprocess.CompletedProcess) -> str:
    assert ended.returncode == 1 and ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line.removeprefix("pneumonia serve: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "999.1.1.1"], "no address '999.1.1.1'"),
        (["--host", "203.0.113.7"], "no address '203.0.113.7'"),
        (["--host", "2001:db8::7"], "no address '2001:db8::7'"),
        (["--port", "99999"], "from 1 to 65535, not 99999"),
        (["--port", "0"], "from 1 to 65535, not 0"),
    ],
)
def test_where_nothing_can_listen_is_one_sentence(words, said):
    assert said in only_sentence(start(*words))


def test_a_port_that_is_taken_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = only_sentence(start("--port", str(port)))
    assert said == f"Port {port} is taken: end what listens there, or choose another by --port."


def test_too_little_memory_is_one_sentence():
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (3 * 2**29, 3 * 2**29))

    said = only_sentence(start(preexec_fn=limit))
    assert said == "The page needs 4 GB of address space (ulimit -v), not 1.6."


def test_the_next_free_port_is_taken_where_none_is_asked_for(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(port))
        host, (found,) = listen()
    with found:
        assert host == "127.0.0.1" and port < found.getsockname()[1] < port + 100
        assert url(host, [found]) == f"http://127.0.0.1:{found.getsockname()[1]}/"


def test_a_port_is_listened_at_before_anything_heavy_is_imported():
    code = """
import socket, sys
from pneumonia.web import serve
def stop():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))):
        print({"gradio", "torch", "numpy"} & set(sys.modules))
    raise SystemExit
serve.check_memory = stop
serve.serve("127.0.0.1", int(sys.argv[1]))
"""
    command = [sys.executable, "-c", code, str(free_port())]
    assert subprocess.check_output(command, cwd=ROOT, text=True) == "set()\n"


@pytest.mark.slow
@pytest.mark.skipif(not available_models(), reason="no checkpoint to show")
def test_who_comes_early_waits_and_an_interrupted_page_leaves_no_film_behind(tmp_path):
    """A page for everybody, which answers to the name of the proxy that it is behind."""
    six, port = has_ipv6(), free_port()
    family, host = (socket.AF_INET6, "::1") if six else (socket.AF_INET, "127.0.0.1")
    own = {**os.environ, "GRADIO_SERVER_NAME": "::" if six else "0.0.0.0"}
    own |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder := tmp_path / "films")}
    command = [sys.executable, "app.py"]
    with subprocess.Popen(command, cwd=ROOT, env=own, stderr=subprocess.PIPE, text=True) as page:
        try:
            listening = False
            while not listening:
                assert page.poll() is None
                with socket.socket(family) as visitor:
                    listening = not visitor.connect_ex((host, port))
            assert "libtorch" not in Path(f"/proc/{page.pid}/maps").read_text()  # long before
            address = f"http://[{host}]:{port}/" if six else f"http://{host}:{port}/"
            proxied = {"Host": "films.example", "Origin": "https://films.example"}
            answer = httpx.get(address, headers=proxied, timeout=180)
            assert answer.status_code == 200
            assert "frame-ancestors" in answer.headers["content-security-policy"]
            sent = httpx.post(f"{address}gradio_api/upload", files={"files": b"film"})
            (upload,) = map(Path, sent.json())
            assert upload.is_relative_to(folder) and upload.is_file()
            page.send_signal(signal.SIGINT)
            _, said = page.communicate(timeout=30)
        finally:
            page.kill()
    assert page.returncode == 0 and "Traceback" not in said
    assert list(folder.iterdir()) == []


def test_the_smallest_limit_of_a_container_counts(tmp_path, monkeypatch):
    monkeypatch.delenv("CPU_CORES", raising=False)
    assert container.memory(tmp_path) is container.processors(tmp_path) is None
    lines = Path("/proc/self/cgroup").read_text().split()
    for line in lines:  # a tree of either kind, as a container sees it
        _, controllers, name = line.split(":", 2)
        folder = tmp_path / controllers / name.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        if not controllers:
            (folder / "memory.max").write_text("900000000\n")
            (folder / "cpu.max").write_text("150000 100000\n")
    assert container.memory(tmp_path) == 900_000_000
    assert container.processors(tmp_path) == 1.5
    monkeypatch.setenv("CPU_CORES", "1")
    assert container.processors(tmp_path) == 1
