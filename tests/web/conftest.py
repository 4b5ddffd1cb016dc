"""A visitor of the page, in a real Chromium."""

from pathlib import Path

import pytest
from served_page import visits

from pneumonia.synthetic.phantom import draw_phantom


@pytest.fixture
def visit(chromium):
    """Opens the page for a visitor."""
    with visits(chromium) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def stayed(chromium):
    """The page of a visitor who gives one film after the other."""
    with visits(chromium) as open_page:
        yield open_page()


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("films") / "first <b>.png"
    draw_phantom(420, 560, lesions=2, seed=2).image().save(path)
    return path
