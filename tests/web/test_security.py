"""What SECURITY.md promises, tried against a running page with everything it says written down."""

import base64
import contextlib
import io
import json
import os
import re
import resource
import socket
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import httpx
import numpy as np
import pytest
from factories import dicom, saved
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError
from PIL import Image
from pypdf import PdfReader

from pneumonia.export.pdf import pdf
from pneumonia.export.records import as_dict, csv_text
from pneumonia.predictor import Predictor
from pneumonia.storage.shipped import available_models, checkpoints_root
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import texts
from pneumonia.web.limits import MAX_BODY_BYTES
from tools.page_process import ROOT, memory, running_page, text_sender

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not available_models(), reason="no checkpoint to ask"),
]

PERSON = {
    "PatientName": "Zyxgood^Person",
    "PatientID": "MRN-55512345",
    "PatientBirthDate": "20190307",
    "StudyDate": "20220911",
    "AccessionNumber": "ACC998877",
    "InstitutionName": "Hospital Qwertz",
    "ReferringPhysicianName": "Uvwdoctor^Some",
    "StudyInstanceUID": "1.2.826.0.1.55443322",
}
SECRETS = [part for value in PERSON.values() for part in value.split("^") if part != "Person"]


@dataclass(frozen=True)
class Page:
    """A page of its own: where it answers and keeps uploads, what it writes, whom it called."""

    process: subprocess.Popen
    address: str
    uploads: Path
    log: Path
    called: list[bytes]


def few_files() -> None:
    """Let this process open 200 files at a time."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, most))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder, called = tmp_path_factory.mktemp("page"), []
    uploads, log = folder / "uploads", folder / "log"
    with socket.create_server(("127.0.0.1", 0)) as outside, log.open("wb") as out:
        threading.Thread(target=listen, args=(outside, called), daemon=True).start()
        proxy = f"http://127.0.0.1:{outside.getsockname()[1]}"
        proxies = {f"{kind}_proxy": proxy for kind in ("http", "https", "all")}
        proxies |= {name.upper(): value for name, value in proxies.items()}
        env = {
            **{name: None for name in os.environ if "GRADIO" in name or name == "CI"},
            **proxies,
            **{"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", "GRADIO_TEMP_DIR": str(uploads)},
        }
        said = {"stdout": out, "stderr": subprocess.STDOUT}
        with running_page(env=env, preexec_fn=few_files, **said) as (process, address):
            yield Page(process, address, uploads, log, called)
    assert process.returncode == 0 and list(uploads.iterdir()) == []  # terminated, it leaves none


def listen(outside: socket.socket, called: list[bytes]) -> None:
    """Note what is said to that address, until it is closed."""
    while True:
        try:
            connection, _ = outside.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(2)
            try:
                called.append(connection.recv(2000))
            except OSError:
                called.append(b"?")


@pytest.fixture(scope="module")
def client(page) -> Client:
    return Client(page.address, verbose=False)


@pytest.fixture(scope="module")
def tagged(tmp_path_factory) -> Path:
    """A film that says whose it is, in every element that PERSON names."""
    pixels = np.asarray(draw_phantom(300, 340, seed=9).image())
    path = tmp_path_factory.mktemp("tagged") / "film.dcm"
    path.write_bytes(saved(dicom(pixels, **PERSON)))
    assert all(secret.encode() in path.read_bytes() for secret in SECRETS)
    return path


def leaks(data: bytes | str) -> list[str]:
    data = data.encode() if isinstance(data, str) else data
    return [secret for secret in SECRETS if secret.encode() in data]


# --- what a film says of its patient stays in the film -------------------------------------------


def test_identifiers_reach_neither_answer_nor_log_nor_disk(page, client, tagged):
    verdicts, overlays = client.predict(handle_file(tagged), api_name="/predict")
    rows = client.predict([handle_file(tagged)], api_name="/predict_batch")
    assert verdicts["format"] == rows[0]["format"] == "DICOM"
    assert not leaks(json.dumps([verdicts, rows]))
    assert not any(leaks(Path(overlay["image"]).read_bytes()) for overlay in overlays)
    torn = tagged.with_name("torn.dcm")
    torn.write_bytes(tagged.read_bytes()[:-1000])
    with pytest.raises(AppError) as refusal:
        client.predict(handle_file(torn), api_name="/predict")
    assert not leaks(str(refusal.value))
    assert not leaks(page.log.read_bytes())
    kept = [path for path in page.uploads.rglob("*") if path.is_file() and leaks(path.read_bytes())]
    assert {path.name for path in kept} == {"film.dcm", "torn.dcm"}  # the uploads, for an hour


def test_identifiers_reach_no_report(tagged, tmp_path):
    predictions = [Predictor.load(name, "cpu").predict(tagged) for name in available_models()]
    (tmp_path / "report.pdf").write_bytes(pdf(predictions, texts.words("en")))
    words = "".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "report.pdf").pages)
    assert "DICOM" in words and not leaks(words)
    assert not leaks((tmp_path / "report.pdf").read_bytes())
    assert not leaks(json.dumps(as_dict(predictions)))
    assert not leaks(csv_text([("film.dcm", predictions)]))
    predictions[0].overlay().save(tmp_path / "overlay.png")
    assert not leaks((tmp_path / "overlay.png").read_bytes())


# --- nothing of the server is readable -----------------------------------------------------------

FORBIDDEN = [
    *("/etc/passwd", str(ROOT / "app.py"), str(ROOT / "README.md"), "app.py", "../app.py"),
    *(str(checkpoints_root() / "cnn" / "card.json"), "checkpoints/cnn/model.safetensors"),
    *("/proc/self/environ", "~/.bashrc", "C:\\Windows\\win.ini"),
]


@pytest.mark.parametrize("path", FORBIDDEN)
def test_no_file_of_the_server_is_served(page, path):
    served = httpx.Client(base_url=page.address)
    for prefix in ("gradio_api/file=", "file=", "static/", "assets/", "gradio_api/static/", ""):
        for name in (path, path.replace("/", "%2f"), "..%2f" * 8 + path.lstrip("/")):
            answer = served.get(prefix + name)
            assert answer.status_code in (307, 400, 403, 404, 405) or (
                "<!doctype html>" in answer.text[:100].lower()  # the page itself
            )


@pytest.mark.parametrize("path", FORBIDDEN)
def test_no_file_of_the_server_is_read_as_a_film(page, path):
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for given, endpoint in ((file, "predict"), ([file], "predict_batch")):
        url = f"{page.address}gradio_api/call/{endpoint}"  # gradio_client would upload its own file
        event = httpx.post(url, json={"data": [given]}).json()["event_id"]
        answer = httpx.get(f"{url}/{event}", timeout=60).text
        assert "event: error" in answer and "is not a picture" not in answer  # it was not opened


def test_nobody_s_uploads_are_listed_or_guessed(page, client, tagged):
    client.predict(handle_file(tagged), api_name="/predict")
    folders = {path.parent for path in page.uploads.rglob("film.dcm")}
    for folder in {*folders, page.uploads, *page.uploads.iterdir()}:
        answer = httpx.get(f"{page.address}gradio_api/file={folder}")
        assert answer.status_code in (403, 404) and "film.dcm" not in answer.text
    assert all(re.fullmatch("[0-9a-f]{64}", folder.name) for folder in folders)


def test_an_upload_cannot_leave_its_folder(page, tagged, tmp_path):
    before = {path for path in page.uploads.parent.rglob("*") if path.is_file()}
    content = tagged.read_bytes()
    absolute = f"{tmp_path}/escaped.dcm"
    for name in ("../../escaped.dcm", absolute, "..\\escaped.dcm", "a/../../escaped.dcm"):
        httpx.post(f"{page.address}gradio_api/upload", files={"files": (name, content)})
    after = {path for path in page.uploads.parent.rglob("*") if path.is_file()} - before
    assert after and all(path.is_relative_to(page.uploads) for path in after)
    assert not list(tmp_path.glob("escaped*"))


def test_names_in_an_archive_lead_nowhere(page, client, tmp_path):
    draw_phantom(90, 100, seed=1).image().save(tmp_path / "film.png")
    content = (tmp_path / "film.png").read_bytes()
    absolute = f"{tmp_path}/escaped.png"
    names = ["../../escaped.png", absolute, "C:\\escaped.png", "<b>&.png", "=1+1.png"]
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        for name in names:
            archive.writestr(name, content)
    rows = client.predict([handle_file(tmp_path / "films.zip")], api_name="/predict_batch")
    assert [row["film"] for row in rows] == ["escaped.png"] * 3 + ["<b>&.png", "=1+1.png"]
    assert not list(page.uploads.parent.rglob("escaped.png"))
    assert not list(tmp_path.glob("escaped*"))


def test_a_request_that_would_fill_the_memory_is_cut_off(page):
    def text():
        yield b'{"data": ["'
        for _ in range(MAX_BODY_BYTES // 2**20 + 1):
            yield 2**20 * b"A"
        yield b'"]}'

    headers = {"content-type": "application/json"}
    url = f"{page.address}gradio_api/call/predict"
    answer = httpx.post(url, content=text(), headers=headers, timeout=120)
    assert answer.status_code == 413 and "may have 100 MB" in answer.text
    assert httpx.get(page.address).status_code == 200


# --- nobody else is told -------------------------------------------------------------------------


def raw(page, path: str, headers: list[tuple[str, str]], parts: Iterable[bytes]) -> str:
    """The status line of a POST with exactly these headers; its body ends where nobody reads on."""
    host, _, port = page.address.removeprefix("http://").rstrip("/").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        lines = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in headers]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        with contextlib.suppress(OSError):  # it may hang up amid the body
            for part in parts:
                connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        return connection.recv(200).split(b"\r\n")[0].decode()


JSON, FORM = (
    ("Content-Type", "application/json"),
    ("Content-Type", "multipart/form-data; boundary=x"),
)


@pytest.mark.parametrize(
    ("path", "headers", "first", "status"),
    [
        ("call/predict", [JSON, FORM], b"", "400"),
        ("call/predict", [FORM], b"", "413"),
        ("queue/join", [("Content-Type", "multipart/x; boundary=x")], b"", "413"),
        ("upload", [JSON], b"", "400"),
        ("upload", [FORM], b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n', "400"),
    ],
)
def test_no_header_of_the_sender_lifts_the_limit_of_a_request(page, path, headers, first, status):
    before = memory(page.process.pid)
    body = chain([first or b"{"], repeat(2**20 * b"a", MAX_BODY_BYTES // 2**20 + 50))
    assert f" {status} " in raw(page, f"/gradio_api/{path}", headers, body)
    assert memory(page.process.pid) - before < 3 * MAX_BODY_BYTES // 2**20


def test_a_film_sent_as_text_is_gone_with_its_answer(page):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (300, 400), dtype=np.uint8)
    Image.fromarray(noise).save(file := io.BytesIO(), "PNG")
    long = file.getvalue() + rng.bytes(8_700_000)  # the text counts, not its pixels
    text = f"data:image/png;base64,{base64.b64encode(long).decode()}"
    assert len(text) > 11e6
    with httpx.Client(base_url=page.address, timeout=60) as visitor:
        send = text_sender(visitor)
        for call in range(3):
            send(text, f"visitor{call}")
        before = memory(page.process.pid)
        for call in range(3, 12):  # each of another visitor, whom Gradio remembers
            send(text, f"visitor{call}")
    assert memory(page.process.pid) - before < 60  # the texts have 100 MB
    assert not [path for path in page.uploads.rglob("text-*") if path.is_dir()]


@pytest.mark.parametrize("name", ["Host", "Origin"])
def test_another_web_site_neither_calls_this_page_nor_reads_its_answers(page, name):
    foreign = {"Host": "evil.example:7860", "Origin": "http://evil.example"}[name]
    for method, path in (
        ("GET", ""),
        ("POST", "gradio_api/call/predict"),
        ("POST", "gradio_api/upload"),
    ):
        answer = httpx.request(method, f"{page.address}{path}", headers={name: foreign})
        assert answer.status_code == 403 and "its own address only" in answer.text
        assert "access-control-allow-origin" not in answer.headers
    own = {"Host": httpx.URL(page.address).netloc.decode(), "Origin": page.address.rstrip("/")}[
        name
    ]
    assert httpx.get(page.address, headers={name: own}).status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it(page):
    for path in ("", "config", "gradio_api/nothing", "monitoring"):
        headers = httpx.get(f"{page.address}{path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self' https://huggingface.co" in headers["content-security-policy"]


def test_what_gradio_serves_besides_is_closed(page):
    closed = [
        "monitoring",
        "openapi.json",
        "runs",
        "deep_link?session_hash=x",
        "custom_component/x",
    ]
    closed += ["process_recording", "dev/reload", "vibe-code", "profiling/traces", "stream/x/0/0/p"]
    for path in (*closed, *(f"gradio_api/{path}" for path in closed)):
        answer = httpx.get(f"{page.address}{path}")
        assert (answer.status_code, answer.text) == (404, "There is nothing here.")
    answer = httpx.post(f"{page.address}gradio_api/run/predict", json={"data": [None]})
    assert answer.status_code == 404  # not around the queue


def test_an_upload_below_a_folder_of_such_a_name_is_served(page):
    folder = page.uploads / next(page.uploads.glob("pneumonia-uploads-*")).name / "runs"
    folder.mkdir()
    (folder / "film.png").write_bytes(b"film")
    assert httpx.get(f"{page.address}gradio_api/file={folder}/film.png").content == b"film"


def test_the_page_calls_nobody(page, client, tagged):
    client.predict(handle_file(tagged), api_name="/predict")
    assert httpx.get(page.address).status_code == 200
    assert page.called == []


def test_the_log_says_nothing_of_visitors(page, client, tmp_path):
    before = page.log.stat().st_size
    draw_phantom(90, 100, seed=1).image().save(path := tmp_path / "Mrs Zyxgood.png")
    client.predict(handle_file(path), api_name="/predict")
    (tmp_path / "Mr Zyxgood.png").write_text("words")
    with pytest.raises(AppError):
        client.predict(handle_file(tmp_path / "Mr Zyxgood.png"), api_name="/predict")
    assert page.log.read_bytes()[before:] == b""


def test_nothing_a_stranger_sends_forges_a_line_of_the_log(page):
    before = page.log.stat().st_size
    text = "/x\nINFO: somebody logged in\n\x1b[2J"
    file = {"path": text, "meta": {"_type": "gradio.FileData"}}
    url = f"{page.address}gradio_api/call/predict"
    event = httpx.post(url, json={"data": [file]}).json()["event_id"]
    assert "event: error" in httpx.get(f"{url}/{event}", timeout=60).text
    written = page.log.read_bytes()[before:].decode()
    assert "somebody logged in" in written  # an error of the sender's, with the sender's words
    assert all(line.isprintable() and not line.startswith("INFO") for line in written.splitlines())


# --- whoever takes much leaves some ---------------------------------------------------------------


def half_upload(address: httpx.URL) -> socket.socket:
    """A connection that begins to send a film and falls silent."""
    connection = socket.create_connection((address.host, address.port or 80), timeout=60)
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nfilm'
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999\r\n\r\n"
    )
    connection.sendall(head.encode() + part)
    return connection


def test_many_joins_and_half_uploads_leave_a_visitor_served(page, client, tagged):
    """With fewer open files than they would need."""
    with ExitStack() as connections:
        client.predict(handle_file(tagged), api_name="/predict")
        for _ in range(150):
            connections.enter_context(half_upload(httpx.URL(page.address)))
        join = {"fn_index": 0, "data": ["all"]}

        def ask(number: int) -> int:
            body = {**join, "session_hash": f"joined{number}"}
            return sender.post("gradio_api/queue/join", json=body).status_code

        with (
            httpx.Client(base_url=page.address, timeout=120) as sender,
            ThreadPoolExecutor(20) as pool,
        ):
            joined = list(pool.map(ask, range(300)))
        assert set(joined) == {200, 503}  # who is told that the queue is full comes again
        for _ in range(60):
            try:
                verdicts, _ = client.predict(handle_file(tagged), api_name="/predict")
                break
            except QueueError:
                time.sleep(1)
        assert verdicts["film"] == tagged.name and page.process.poll() is None
