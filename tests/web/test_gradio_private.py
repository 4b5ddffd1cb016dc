"""What the page relies on inside of Gradio: a new version that lacks it is seen here first."""

import ast
import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.component_meta import create_or_modify_pyi
from gradio.data_classes import FileData, PredictBodyInternal
from gradio.route_utils import GradioMultiPartParser
from gradio.state_holder import SessionState
from starlette.formparsers import MultiPartException

from pneumonia.web import gradio_private
from pneumonia.web.gradio_private import LONGEST, Upload, upload_folder
from pneumonia.web.retention import sweeps
from pneumonia.web.stubs import without_stubs

ASSETS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"


def ran(coroutine):
    with ThreadPoolExecutor(1) as thread:  # in this one Playwright's loop may be running
        return thread.submit(asyncio.run, coroutine).result()


def test_a_component_gets_its_stub_unless_that_is_prevented(monkeypatch):
    """What Gradio calls of each class while it is imported; test_page.py imports it so."""
    cut, stubs = ast.get_source_segment, []
    monkeypatch.setattr(
        *(ast, "get_source_segment"), lambda *some, **more: stubs.append(some) or cut(*some, **more)
    )
    with without_stubs():
        create_or_modify_pyi(gr.HTML, "HTML", gr.HTML.EVENTS)
    assert not stubs
    create_or_modify_pyi(gr.HTML, "HTML", gr.HTML.EVENTS)
    assert stubs


def test_the_upload_folder_is_the_one_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert upload_folder() == tmp_path


def test_for_the_browser_an_upload_is_a_file_component_with_its_parameters():
    upload = Upload(label="films", file_count="multiple", height=148)
    assert upload.get_block_name() == "file"
    assert inspect.signature(Upload.__init__) == inspect.signature(gr.File.__init__)
    config = upload.get_config()
    assert (config["label"], config["file_count"], config["height"]) == ("films", "multiple", 148)


def test_an_upload_takes_files_and_text(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    one, many = Upload(), Upload(file_count="multiple")
    assert one.preprocess(one.data_model(root=FileData(path="a.png"))) == "a.png"
    file, saved = many.preprocess(
        many.data_model(root=[FileData(path="a.png"), "data:image/png;base64,Zg=="])
    )
    assert file == "a.png" and Path(saved).read_bytes() == b"f"
    assert Path(saved).is_relative_to(tmp_path)


@pytest.mark.parametrize("component", [Upload, gr.HTML, gr.Radio])
def test_gradio_fetches_no_address_for_any_component(component):
    fetch = component().async_move_resource_to_block_cache
    with pytest.raises(gr.Error, match="fetches nothing"):
        ran(fetch("https://example.org/film.png"))


def test_a_session_keeps_neither_what_was_asked_nor_the_answer():
    with gr.Blocks(analytics_enabled=False) as page:
        box = gr.Textbox()
    session = SessionState(page)
    session._update_value_in_config(box._id, "a film" * 100)
    assert list(session.components) == []


def test_an_answer_that_nobody_fetches_is_forgotten(monkeypatch):
    queue = gr.Blocks(analytics_enabled=False)._queue

    async def answer():
        for session in ("fetched", "unread"):
            queue.pending_messages_per_session[session] = asyncio.Queue()
            event = SimpleNamespace(alive=True, session_hash=session, _id="1")
            queue.send_message(event, SimpleNamespace())
        queue.pending_messages_per_session["fetched"].get_nowait()

    ran(answer())
    for sweep in sweeps:
        sweep()
    assert len(queue.pending_messages_per_session) == 2
    monkeypatch.setattr(gradio_private, "UNREAD", 0)
    for sweep in sweeps:
        sweep()
    assert list(queue.pending_messages_per_session) == ["fetched"]


def test_a_long_text_that_is_no_film_does_not_wait(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Button().click(lambda film: None, Upload(), None)
    page._queue.create_event_queue_for_fn(page.fns[0])
    request = SimpleNamespace(_body=b"text", _json={})

    def join(text):
        body = PredictBodyInternal(fn_index=0, session_hash="s", data=[text])
        joined, _, state = ran(page._queue.push(body=body, request=request, username=None))
        return joined, state, body.data

    joined, _, (address,) = join("data:image/png;base64,Zg==")
    assert joined and address.startswith("/gradio_api/file=") and vars(request) == {}
    assert join(2 * LONGEST * "a")[:2] == (False, "error")


def test_an_upload_has_files_only():
    parser = GradioMultiPartParser({}, None, max_file_size=1)
    parser.on_part_begin()
    parser._current_part.content_disposition = b'form-data; name="f"'
    with pytest.raises(MultiPartException, match="files only"):
        parser.on_headers_finished()


@pytest.mark.parametrize("loop", ["start_processing", "start_progress_updates"])
def test_an_idle_page_looks_for_work_fifty_times_a_second_at_most(loop, monkeypatch):
    queue, slept = gr.Blocks(analytics_enabled=False)._queue, []
    queue.active_jobs = [None]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        queue.stopped = True

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(getattr(queue, loop)())).result()
    assert slept and min(slept) >= 0.02


def test_the_module_that_changes_gradios_language_is_there():
    (core,) = ASSETS.glob("core-*.js")
    exports = core.read_text("utf-8").rpartition("export{")[2]
    assert "changeLocale" in exports and "process_langs" in exports


@pytest.mark.parametrize("name", ["html-container", "icon-wrap", "status-tracker", "block-info"])
def test_what_the_style_sheets_name_is_there(name):
    assert any(name in path.read_text("utf-8") for path in ASSETS.glob("*.js"))
