"""What programs call: HTTP endpoints and MCP tools, and how files come in and go."""

import ast
import asyncio
import base64
import html
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from factories import film as ramp
from factories import prediction
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from PIL import Image
from served_page import served_page

from pneumonia import Predictor
from pneumonia.reading.radiograph import read_radiograph
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import handlers
from pneumonia.web.retention import sweep, upload_folder
from tools.page_process import ROOT, free_port

pytestmark = [
    pytest.mark.slow,  # of a page that answers
    pytest.mark.skipif(not available_models(), reason="no checkpoint to ask"),
]


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(served_page(), verbose=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("films") / "drawn.png"
    draw_phantom(300, 360, lesions=2, seed=5).image().save(path)
    return path


def as_text(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def post(endpoint: str, *data) -> tuple[str, object]:
    """What curl does: the call, then its stream of events → the last event and its data."""
    url = f"{served_page()}gradio_api/call/{endpoint}"
    event = httpx.post(url, json={"data": data}).raise_for_status().json()["event_id"]
    lines = httpx.get(f"{url}/{event}", timeout=120).text.splitlines()
    name, answer = [line.partition(": ")[2] for line in lines if line][-2:]
    return name, json.loads(answer)


# --- the endpoints -------------------------------------------------------------------------------


def test_there_are_two_endpoints_and_they_explain_themselves(client):
    api = client.view_api(return_format="dict")
    assert not api["unnamed_endpoints"]
    signatures = {
        name: (
            [parameter["parameter_name"] for parameter in endpoint["parameters"]],
            [value["label"] for value in endpoint["returns"]],
        )
        for name, endpoint in api["named_endpoints"].items()
    }
    assert signatures == {
        "/predict": (["film"], ["verdicts", "overlays"]),
        "/predict_batch": (["films"], ["rows"]),
    }
    assert all("Read" in endpoint["description"] for endpoint in api["named_endpoints"].values())


def test_a_film_is_answered_as_the_predictor_does(client, film):
    verdicts, overlays = client.predict(film=handle_file(film), api_name="/predict")
    assert verdicts["film"] == "drawn.png" and verdicts["notes"] == []
    assert set(verdicts["models"]) == set(available_models())
    assert [overlay["caption"] for overlay in overlays] == list(verdicts["models"])
    for overlay in overlays:
        name = overlay["caption"]
        expected = Predictor.load(name, device="cpu").predict(film)
        answer = verdicts["models"][name]
        assert (answer["label"], answer["gate"]) == (expected.label, str(expected.gate))
        assert math.isclose(answer["probability"], expected.probability, abs_tol=1e-3)
        assert answer["operating_point"] == expected.threshold
        assert (answer["verdict"], answer["set"]) == (
            expected.verdict,
            list(expected.prediction_set),
        )
        with Image.open(overlay["image"]) as picture:
            assert (picture.format, picture.size) == ("JPEG", (360, 300))
            expected.overlay().save(file := io.BytesIO(), "JPEG", quality=95, subsampling=0)
            difference = np.asarray(picture, int) - np.asarray(Image.open(file), int)
            assert np.abs(difference).max() <= 3


@pytest.mark.parametrize("name", ["a <b> {c}?.png", f"{'ö' * 150} and so on (1).png", "x/y.png"])
def test_a_file_has_one_name_whether_it_was_too_large_to_be_sent_or_not(film, name):
    answer = httpx.post(
        f"{served_page()}gradio_api/upload", files={"files": (name, film.read_bytes())}
    )
    (upload,) = answer.raise_for_status().json()
    sent = read_radiograph(upload).name
    assert f"&quot;{html.escape(sent)}&quot; is larger than" in handlers.too_large(name)


def test_many_films_are_answered_in_order_and_a_broken_one_costs_itself(client, film, tmp_path):
    broken, archive = tmp_path / "broken.png", tmp_path / "films.zip"
    broken.write_bytes(b"no film")
    with zipfile.ZipFile(archive, "w") as files:
        files.write(film, "inside/one.png")
        files.write(broken, "inside/two.png")
    rows = client.predict(
        films=[handle_file(path) for path in (broken, film, archive)], api_name="/predict_batch"
    )
    assert [row["film"] for row in rows] == ["broken.png", "drawn.png", "one.png", "two.png"]
    assert ["error" in row for row in rows] == [True, False, False, True]
    assert '"broken.png" is not a picture' in rows[0]["error"]
    single, _ = client.predict(film=handle_file(film), api_name="/predict")
    assert rows[1]["models"] == rows[2]["models"] == single["models"]


def test_curl_needs_no_upload(client, film):
    name, (verdicts, overlays) = post("predict", as_text(film))
    assert name == "complete" and len(overlays) == len(available_models())
    expected, _ = client.predict(film=handle_file(film), api_name="/predict")
    assert verdicts["models"] == expected["models"]
    name, (rows,) = post("predict_batch", [as_text(film), "data:,bm8gZmlsbQ=="])
    assert name == "complete" and rows[0]["models"] == expected["models"]
    assert "is not a picture" in rows[1]["error"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("words.png", b"these are words", '"words.png" is not a picture'),
        ("torn.jpeg", None, '"torn.jpeg" is damaged or incomplete'),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(client, film, tmp_path, name, content, sentence):
    path = tmp_path / name
    if content is None:
        Image.open(film).save(path)
        content = path.read_bytes()[:4000]
    path.write_bytes(content)
    with pytest.raises(AppError, match=sentence):
        client.predict(film=handle_file(path), api_name="/predict")
    verdicts, _ = client.predict(film=handle_file(film), api_name="/predict")
    assert verdicts["models"]


def test_a_call_without_a_film_is_told_so(client):
    with pytest.raises(AppError, match="Give a film"):
        client.predict(film=None, api_name="/predict")
    with pytest.raises(AppError, match="Give a film"):
        client.predict(films=[], api_name="/predict_batch")


# --- what comes in -------------------------------------------------------------------------------

FETCHES_NOTHING = "fetches nothing from other addresses"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("https://example.org/film.png", FETCHES_NOTHING),
        ("HTTP://127.0.0.1/film.png", FETCHES_NOTHING),
        ("ftp://example.org/film.png", FETCHES_NOTHING),
        (f"http://127.0.0.1/gradio_api/file={ROOT / 'app.py'}", "no such upload"),
        ("/gradio_api/file=/etc/passwd", "no such upload"),
        ("/gradio_api/file=%2e%2e/%2e%2e/etc/passwd", "no such upload"),
        (str(ROOT / "app.py"), 'Send the film as "data:'),
        ("data:image/png;base64,%%%", 'Send the film as "data:'),
        ("", 'Send the film as "data:'),
    ],
)
def test_a_text_that_is_no_film_is_refused(client, text, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(film=text, api_name="/predict")


@pytest.mark.parametrize("address", ["https://example.org/film.png", "http://127.0.0.1:1/a.png"])
def test_no_address_is_fetched_for_a_file_either(address):
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    client, asked = httpx.Client(base_url=served_page(), timeout=60), 0
    for number, function in enumerate(client.get("config").json()["dependencies"]):
        if not function["inputs"]:
            continue
        data = [file] * len(function["inputs"])
        body = {"data": data, "fn_index": number, "session_hash": f"address{number}"}
        if client.post("gradio_api/queue/join", json=body).status_code != 200:
            continue
        asked += 1
        events = client.get("gradio_api/queue/data", params={"session_hash": body["session_hash"]})
        assert "Connection" not in events.text and "ownload" not in events.text
    assert asked > 2  # the two endpoints, and events of the page
    with pytest.raises(AppError, match=FETCHES_NOTHING):
        Client(served_page(), verbose=False).predict(film=file, api_name="/predict")
    for path in (f"file={address}", f"file/{address}", f"file={quote(address, safe='')}"):
        answer = client.get(f"gradio_api/{path}")
        assert answer.status_code == 403 and FETCHES_NOTHING in answer.text


# --- MCP -----------------------------------------------------------------------------------------


def to_end(function):
    """What a coroutine function returns, in a thread: the browser's tests keep this one's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(function())).result()


def mcp(function):
    """The answer of a function that is given a session with the page's MCP server."""

    async def run():
        async with (
            streamable_http_client(f"{served_page()}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await function(session)

    return to_end(run)


def test_mcp_tools_explain_themselves():
    tools = {tool.name: tool for tool in mcp(lambda session: session.list_tools()).tools}
    assert set(tools) == {"predict", "predict_batch"}
    assert "not a diagnosis" in tools["predict"].description
    schema = tools["predict"].inputSchema
    assert schema["properties"]["film"]["type"] == "string" and schema["required"] == ["film"]
    assert "data:" in schema["properties"]["film"]["description"]
    films = tools["predict_batch"].inputSchema["properties"]["films"]
    assert (films["type"], films["items"]["type"]) == ("array", "string")


def test_mcp_tools_answer_as_the_endpoints_do(client, film):
    expected, _ = client.predict(film=handle_file(film), api_name="/predict")
    with film.open("rb") as file:
        upload = httpx.post(f"{served_page()}gradio_api/upload", files={"files": file}).json()[0]
    address = f"{served_page()}gradio_api/file={upload}"
    for given in (as_text(film), address):
        answer = mcp(lambda session, given=given: session.call_tool("predict", {"film": given}))
        assert not answer.isError
        verdicts, overlays = ast.literal_eval(answer.content[0].text)
        assert verdicts["models"] == expected["models"]
        for overlay in overlays:
            url = overlay["image"]["url"]
            assert httpx.get(url).content.startswith(b"\xff\xd8\xff")
    films = {"films": [as_text(film), address]}
    answer = mcp(lambda session: session.call_tool("predict_batch", films))
    assert not answer.isError
    rows = ast.literal_eval(answer.content[0].text)
    assert [row["models"] for row in rows] == [expected["models"]] * 2


def test_mcp_refuses_with_the_same_sentence():
    call = {"film": "https://example.org/film.png"}
    answer = mcp(lambda session: session.call_tool("predict", call))
    assert answer.isError and FETCHES_NOTHING in answer.content[0].text


# --- docs/api.md ---------------------------------------------------------------------------------


@pytest.fixture
def examples(film, tmp_path, monkeypatch):
    """The code blocks about the running page, by language, and the films they name."""
    shutil.copy(film, tmp_path / "film.dcm")
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.write(film, "one.png")
    monkeypatch.chdir(tmp_path)
    words = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    words = words.partition("## The running page")[2]
    words = words.replace("http://127.0.0.1:7860", served_page().rstrip("/"))
    return dict(re.findall(r"```(\w+)\n(.*?)```", words, re.DOTALL))


def test_the_documented_python_example_works(examples):
    names = {}
    exec(examples["python"], names)
    assert set(names["verdicts"]["models"]) == set(available_models())
    assert [row["film"] for row in names["rows"]] == ["film.dcm", "one.png"]


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_the_documented_curl_example_works(examples):
    shell = subprocess.run(["bash", "-c", examples["sh"]], capture_output=True, text=True)
    name, answer = [line.partition(": ")[2] for line in shell.stdout.splitlines() if line][-2:]
    assert name == "complete", shell.stderr
    assert set(json.loads(answer)[0]["models"]) == set(available_models())


@pytest.mark.slow
def test_the_documented_mcp_example_works(examples, tmp_path):
    """An assistant uploads a film with the helper and hands its address to the tool."""
    servers = json.loads(examples["json"])["mcpServers"]
    assert servers["pneumonia"]["url"] == f"{served_page()}gradio_api/mcp/"
    *words, folder = servers["pneumonia-films"]["args"]
    assert folder == "/folder/of/films"
    helper = StdioServerParameters(
        command=str(Path(sys.executable).with_name("gradio")), args=[*words, str(tmp_path)]
    )

    async def upload() -> str:
        async with stdio_client(helper) as streams, ClientSession(*streams) as session:
            await session.initialize()
            (tool,) = (await session.list_tools()).tools
            answer = await session.call_tool(tool.name, {"file": str(tmp_path / "film.dcm")})
            return answer.content[0].text

    call = {"film": to_end(upload)}
    answer = mcp(lambda session: session.call_tool("predict", call))
    assert not answer.isError and "'film': 'film.dcm'" in answer.content[0].text


# --- what goes -----------------------------------------------------------------------------------


def test_old_files_are_swept_and_young_ones_stay(tmp_path):
    old, young = tmp_path / "a" / "old.png", tmp_path / "b" / "young.png"
    for path in (old, young):
        path.parent.mkdir()
        path.write_bytes(b"film")
    (waiting := tmp_path / "c").mkdir()  # for its first file
    os.utime(old, (time.time() - 100,) * 2)
    sweep(tmp_path, 99)
    assert {*tmp_path.rglob("*")} == {old.parent, young.parent, young, waiting}
    os.utime(old.parent, (time.time() - 100,) * 2)
    sweep(tmp_path, 99)
    assert not old.parent.exists() and waiting.exists()


def test_other_programs_folders_are_not_swept(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    names = ("pneumonia-uploads-of-a-killed-page", "films-of-2019", "pneumonia-uploads-of-others")
    films = [tmp_path / name / "film.png" for name in names]
    for film in films:
        film.parent.mkdir()
        film.write_bytes(b"film")
        os.utime(film, (0, 0))
    if os.geteuid() == 0:  # who could delete them
        os.chown(films[2].parent, 65534, -1)
    with upload_folder():
        pass
    assert [film.exists() for film in films[:2]] == [False, True]
    assert films[2].exists() == (os.geteuid() == 0)


def test_folders_that_vanish_meanwhile_do_not_end_a_sweep(tmp_path):
    def come_and_go():
        while not swept.is_set():
            (tmp_path / "a" / "b").mkdir(parents=True)
            (tmp_path / "a" / "b").rmdir()
            (tmp_path / "a").rmdir()

    swept = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        visitor = pool.submit(come_and_go)
        try:
            for _ in range(2000):
                sweep(tmp_path)
        finally:
            swept.set()
        visitor.result()


def test_a_page_that_cannot_keep_uploads_says_so_and_does_not_start(film):
    run = subprocess.run(
        [sys.executable, "app.py", "--port", str(free_port())],
        cwd=ROOT,
        env={**os.environ, "GRADIO_TEMP_DIR": str(film / "inside")},  # a file, not a folder
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("pneumonia serve: Uploads cannot be kept in")
    assert "Traceback" not in run.stderr


def test_a_film_that_is_longer_than_a_jpeg_can_be_has_an_overlay(tmp_path, monkeypatch):
    from pneumonia.web import api

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path, model = api._overlay(prediction(radiograph=ramp(32, 65_600)))
    assert model == "cnn" and Image.open(path).size == (65_500, 32)


def test_what_breaks_on_this_side_is_no_traceback_for_the_caller(film, monkeypatch):
    from gradio import Error

    from pneumonia.reading.refusals import RadiographError
    from pneumonia.web import api, handlers

    def fail(*_):
        raise RuntimeError("out of memory at 0xdeadbeef")

    monkeypatch.setattr(api, "infer", fail)
    monkeypatch.setattr(handlers, "infer", fail)
    with pytest.raises(Error, match="Something went wrong on this side") as said:
        api.predict(str(film))
    assert "0xdeadbeef" not in str(said.value)
    (row,) = api.predict_batch([str(film)])
    assert row == {"film": film.name, "error": str(RadiographError("broken", film.name))}
