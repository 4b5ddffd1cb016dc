"""What stands at the head of Gradio's page, so that nothing waits for the next file."""

import re

import httpx
import pytest
from served_page import served_page

from pneumonia.storage.shipped import available_models
from pneumonia.web import gradio_files
from tools.gradio_files import waited_for

pytestmark = pytest.mark.skipif(not available_models(), reason="no checkpoint to show")


@pytest.mark.browser
def test_the_files_at_the_head_are_those_that_a_browser_asks_for(new_page):
    listed = gradio_files.LIST.read_text("utf-8").split()
    asked = waited_for(new_page(served_page()), served_page())
    assert sorted(asked) == sorted(listed)


@pytest.mark.browser
def test_a_browser_asks_for_no_style_sheet_of_components_and_for_nothing_twice(new_page):
    page, asked = new_page(served_page()), []
    page.on("request", lambda one: asked.append(one.url.removeprefix(served_page())))
    page.goto(served_page())
    page.wait_for_selector("#entrance", state="detached")
    page.wait_for_selector("#examples button")
    theirs = [name for name in asked if name.startswith("assets/")]
    assert len(set(asked)) == len(asked)
    assert [name for name in theirs if name.endswith(".css")] == [
        name for name in theirs if re.match(r"assets/index-.*css", name)
    ]


def test_the_first_screen_comes_before_what_gradio_says_of_itself():
    page = httpx.get(served_page()).text
    assert page.index('id="entrance"') < page.index("window.gradio_config = ")
    assert page.count("window.gradio_config = ") == 1
    assert page.index("gradio_api_info = ") < page.index("<gradio-app")
    assert page.index(".css") < page.index("</head>") < page.index('id="entrance"')


def test_files_of_another_version_are_left_out(tmp_path, monkeypatch):
    (other := tmp_path / "files.txt").write_text("Index-0.js Index-0.css\n")
    monkeypatch.setattr(gradio_files, "LIST", other)
    for cached in (gradio_files._there, gradio_files.styles):
        cached.cache_clear()
    try:
        assert gradio_files.styles() == "<style></style>"
        assert gradio_files.hints("<head></head>") == ""
        assert gradio_files.first("<gradio-app>", "<main>") == "<main><gradio-app>"
    finally:
        for cached in (gradio_files._there, gradio_files.styles):
            cached.cache_clear()
