"""The sheet of keys: "?" opens it, and what it lists is what the page acts on."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from served_page import INPUT, wait_for_result

from pneumonia.web import texts
from tools.overlaps import overlaps

pytestmark = pytest.mark.browser
OPEN = "dialog.keys[open]"


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [("desk", "dark", "en"), ("phone", "light", "ar")]
)
def test_a_question_mark_lists_the_keys(visit, width, scheme, locale):
    page, words = visit(width, scheme, locale=locale), texts.words(locale)
    page.focus("[role=tab][data-tab=one]")
    page.keyboard.press("?")
    page.wait_for_selector(OPEN)
    assert page.inner_text(f"{OPEN} h2") == words("keys.open")
    rows = page.locator(f"{OPEN} tr").all()
    assert len(rows) > 10 and all(row.locator("kbd").count() for row in rows)
    told = {row.locator("td").inner_text() for row in rows}
    assert words("keys.zoomIn") in told and not any(text.startswith("keys.") for text in told)
    assert not overlaps(page)
    assert not Axe().run(page).response["violations"]
    page.keyboard.press("Escape")
    page.wait_for_selector(OPEN, state="hidden")
    assert page.evaluate("document.activeElement.dataset.tab") == "one"  # the focus is back


def test_the_sheet_has_a_word_and_what_it_lists_is_what_works(visit, film):
    page = visit("desk")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    page.click(".keys-open")
    row = page.locator(f"{OPEN} tr", has_text="Zoom in")
    key = row.locator("kbd").first.inner_text()
    page.click(f"{OPEN} button")
    page.wait_for_selector(OPEN, state="hidden")
    stage = page.locator(".viewer-panel.film .viewer-stage")
    page.keyboard.press(key)  # the film has no focus: nothing happens
    before = stage.screenshot()
    stage.focus()
    page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert stage.screenshot() != before


def test_no_sheet_over_a_dialog_or_while_one_writes(visit):
    page = visit(accept=False)
    page.keyboard.press("?")
    assert not page.locator(OPEN).count()
    page.click(".notice button")
    page.focus(".masthead .language")
    page.keyboard.press("?")
    assert not page.locator(OPEN).count()
    page.get_by_role("tab").first.focus()
    page.keyboard.press("?")
    page.wait_for_selector(OPEN)
