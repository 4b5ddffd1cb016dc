"""A visitor of the page, in a real Chromium."""

from pathlib import Path

import pytest
from served_page import INPUT, WIDTHS, served_page

from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom


@pytest.fixture
def visit(new_page):
    """Opens the page for a visitor."""
    if not available_models():
        pytest.skip("no checkpoint to show")

    def open_page(width="desk", scheme="dark", accept=True, locale="en-GB", place=""):
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        page = new_page(served_page(), viewport=size, color_scheme=scheme, locale=locale)
        page.goto(served_page() + place)
        page.wait_for_selector(INPUT, state="attached")
        if accept:
            page.click(".notice button")
        return page

    return open_page


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("films") / "first <b>.png"
    draw_phantom(420, 560, lesions=2, seed=2).image().save(path)
    return path
