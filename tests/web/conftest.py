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
def who_stays(chromium):
    with visits(chromium) as open_page:
        yield open_page()


@pytest.fixture
def stayed(who_stays):
    """The page of a visitor who gives one film after the other; what was set is set back."""
    yield who_stays
    who_stays.emulate_media(reduced_motion="no-preference", forced_colors="none")
    who_stays.select_option(".masthead .language", "en")
    who_stays.locator("#choice input").first.check()
    who_stays.get_by_role("tab").first.click()


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("films") / "first <b>.png"
    draw_phantom(420, 560, lesions=2, seed=2).image().save(path)
    return path
