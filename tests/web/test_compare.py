"""Two films side by side: two readings, one set of tools, and a way back."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from served_page import INPUT, JOIN, WIDTHS, broken, visits, wait_for_result

from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import texts
from tools.overlaps import overlaps

pytestmark = pytest.mark.browser
ZOOMED = """[...document.querySelectorAll('.viewer .viewer-zoom')].map((o) => o.textContent)"""


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder, paths = tmp_path_factory.mktemp("pair"), []
    for seed in (3, 5, 7):
        draw_phantom(200, 240, lesions=1, seed=seed).image().save(path := folder / f"age{seed}.png")
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def visited(chromium, films):
    """A visit of three films, of which that of seven years is shown."""
    with visits(chromium) as visit:
        page = visit()
        assert page.locator("[data-compare]").is_hidden()  # with whom?
        for film in films:
            page.set_input_files(INPUT, film)
            wait_for_result(page, film.stem)
        page.wait_for_selector(".visit li >> nth=2")
        yield page


@pytest.fixture
def shown(visited):
    """The same on a desk, with nothing beside it before and after."""
    yield visited
    visited.set_viewport_size(WIDTHS["desk"])
    visited.emulate_media(color_scheme="dark")
    visited.select_option("select.language:visible", "en")
    visited.click("[data-compare-end]")
    visited.wait_for_selector("#prior", state="hidden")


def put_beside(page):
    """The film of three years stands beside the one that is shown."""
    page.select_option("[data-compare]", label="age3.png")
    page.wait_for_selector("#prior .viewer[data-mounted]")


def test_while_a_film_is_read_its_place_says_so_and_a_failure_leaves_the_way_back(shown):
    held = []
    shown.route(JOIN, lambda route: held.append(route))
    with shown.expect_request(JOIN):
        shown.select_option("[data-compare]", label="age3.png")
    reading = shown.locator("#prior .reading")
    reading.wait_for()
    assert reading.inner_text() == texts.words("en")("style.reading")
    assert not overlaps(shown)
    for route in held:
        broken(route)
    shown.unroute(JOIN)
    reading.wait_for(state="hidden")
    shown.click("[data-compare-end]")
    put_beside(shown)
    assert reading.is_hidden()


def test_of_films_chosen_in_quick_succession_the_last_one_stands_beside(shown):
    beside = "#prior .viewer-panel.film figcaption"
    for name in ("age5.png", "age3.png"):
        shown.select_option("[data-compare]", label=name)
    shown.wait_for_selector(f"{beside}:visible:has-text('age3.png')")
    shown.select_option("[data-compare]", label="age5.png")  # meanwhile the other one is not shown
    assert not shown.locator(beside).is_visible()
    shown.wait_for_selector(f"{beside}:visible:has-text('age5.png')")


def test_another_film_of_the_visit_stands_beside_on_a_desk_and_on_a_phone(shown):
    put_beside(shown)
    assert shown.inner_text("#prior h2 >> nth=0") == texts.words("en")("compare.title")
    assert "age3.png" in shown.inner_text("#prior .film figcaption")
    assert "age7.png" in shown.inner_text("#result .film figcaption")
    for where in ("#result", "#prior"):
        assert shown.locator(f"{where} .verdict li .probability").count() == 2
    assert shown.locator("#prior .exports").is_hidden()
    shown.locator("#result [data-do=zoomIn]").first.click()
    shown.wait_for_function(f"new Set({ZOOMED}).size === 1 && {ZOOMED}[1] !== '100\\u00a0%'")
    stages = [shown.locator(f"{where} .film .viewer-stage") for where in ("#result", "#prior")]
    one, other = (stage.bounding_box() for stage in stages)
    assert abs(one["width"] - other["width"]) < 2  # equal panels
    assert abs(one["y"] - other["y"]) < 2  # and level
    assert one["x"] + one["width"] <= other["x"]
    assert not overlaps(shown)
    assert not Axe().run(shown).response["violations"]

    shown.set_viewport_size(WIDTHS["phone"])
    shown.emulate_media(color_scheme="light")
    shown.select_option("select.language:visible", "ar")
    shown.wait_for_selector("html[dir=rtl]")
    assert shown.inner_text("#prior h2 >> nth=0") == texts.words("ar")("compare.title")
    one, other = (stage.bounding_box() for stage in stages)
    assert one["x"] == other["x"] and one["y"] < other["y"]
    assert not overlaps(shown)
    assert not Axe().run(shown).response["violations"]


def test_a_film_beside_takes_over_what_the_tools_stand_at(shown):
    shown.click("#result [data-toggle=invert]")
    shown.locator("#result .viewer-choice.mode label").nth(1).click()
    shown.locator("#result .viewer-choice.active label").nth(1).click()
    put_beside(shown)
    shown.wait_for_selector("#prior .viewer[data-mode=slider]")
    for root in ("#result", "#prior"):
        shown.wait_for_selector(f"{root} .viewer-panel.active >> nth=0")
        assert shown.locator(f"{root} .viewer-panel").nth(2).get_attribute("class").count("active")
    pressed = shown.locator("[data-toggle=invert]").evaluate_all(
        "all => all.map(b => b.ariaPressed)"
    )
    assert pressed == ["true", "true"]


def test_back_takes_the_second_film_away_and_forward_brings_it(visited):
    page = visited  # which is loaded anew: nothing comes after this
    put_beside(page)
    page.go_back()
    page.wait_for_selector("#prior", state="hidden")
    assert page.input_value("[data-compare]") == ""
    page.go_forward()
    page.wait_for_selector("#prior .viewer[data-mounted]")
    page.reload()
    page.wait_for_selector("#prior .viewer[data-mounted]")
    page.click("[data-compare-end]")
    page.wait_for_selector("#prior", state="hidden")


def test_a_film_out_of_scope_keeps_its_look_beside(visit, films, tmp_path):
    page = visit()
    draw_phantom(200, 240, lesions=1, seed=3).image().rotate(180).save(tmp_path / "turned.png")
    page.set_input_files(INPUT, tmp_path / "turned.png")
    page.wait_for_selector("#result .refusal.out")
    page.set_input_files(INPUT, films[1])
    wait_for_result(page, films[1].stem)
    page.wait_for_selector(".visit:not([hidden])")
    page.select_option("[data-compare]", label="turned.png")
    page.wait_for_selector("#prior .refusal.out .band")
    assert page.locator("#prior .call h2").count() == 0
