"""Two films side by side: two readings, one set of tools, and a way back."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from served_page import INPUT, JOIN, broken, wait_for_result

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


def put_beside(page, films):
    """Both are given, and the one of three years stands beside the one of five."""
    for film in films[:2]:
        page.set_input_files(INPUT, film)
        wait_for_result(page, film.stem)
    page.wait_for_selector(".visit:not([hidden])")
    page.select_option("[data-compare]", label="age3.png")
    page.wait_for_selector("#prior .viewer[data-mounted]")


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [("desk", "dark", "en"), ("phone", "light", "ar")]
)
def test_another_film_of_the_visit_stands_beside(visit, films, width, scheme, locale):
    page, words = visit(width, scheme, locale=locale), texts.words(locale)
    assert page.locator("[data-compare]").is_hidden()  # with whom?
    put_beside(page, films)
    assert page.inner_text("#prior h2 >> nth=0") == words("compare.title")
    assert "age3.png" in page.inner_text("#prior .film figcaption")
    assert "age5.png" in page.inner_text("#result .film figcaption")
    for where in ("#result", "#prior"):
        assert page.locator(f"{where} .verdict li .probability").count() == 2
    assert page.locator("#prior .exports").is_hidden()
    page.locator("#result [data-do=zoomIn]").first.click()
    page.wait_for_function(f"new Set({ZOOMED}).size === 1 && {ZOOMED}[1] !== '100\\u00a0%'")
    tops = [page.locator(f"{w} .film .viewer-stage").bounding_box() for w in ("#result", "#prior")]
    if width == "desk":
        assert abs(tops[0]["width"] - tops[1]["width"]) < 2  # equal panels
        assert abs(tops[0]["y"] - tops[1]["y"]) < 2  # and level
        assert tops[0]["x"] + tops[0]["width"] <= tops[1]["x"]
    else:
        assert tops[0]["x"] == tops[1]["x"] and tops[0]["y"] < tops[1]["y"]
    assert not overlaps(page)
    assert not Axe().run(page).response["violations"]


def test_back_takes_the_second_film_away_and_forward_brings_it(visit, films):
    page = visit()
    put_beside(page, films)
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


def test_of_films_chosen_in_quick_succession_the_last_one_stands_beside(visit, films):
    page = visit()
    for path in films:
        page.set_input_files(INPUT, path)
        wait_for_result(page, path.stem)
    page.wait_for_selector(".visit li >> nth=2")
    beside = "#prior .viewer-panel.film figcaption"
    for name in ("age3.png", "age5.png"):
        page.select_option("[data-compare]", label=name)
    page.wait_for_selector(f"{beside}:visible:has-text('age5.png')")
    page.select_option("[data-compare]", label="age3.png")  # meanwhile the other one is not shown
    assert not page.locator(beside).is_visible()
    page.wait_for_selector(f"{beside}:visible:has-text('age3.png')")


def test_while_a_film_is_read_its_place_says_so_and_a_failure_leaves_the_way_back(visit, films):
    page, held = visit(), []
    for film in films[:2]:
        page.set_input_files(INPUT, film)
        wait_for_result(page, film.stem)
    page.route(JOIN, lambda route: held.append(route))
    with page.expect_request(JOIN):
        page.select_option("[data-compare]", label="age3.png")
    reading = page.locator("#prior .reading")
    reading.wait_for()
    assert reading.inner_text() == texts.words("en")("style.reading")
    assert not overlaps(page)
    for route in held:
        broken(route)
    page.unroute(JOIN)
    reading.wait_for(state="hidden")
    page.click("[data-compare-end]")
    page.select_option("[data-compare]", label="age3.png")
    page.wait_for_selector("#prior .viewer[data-mounted]")
    assert reading.is_hidden()


def test_a_film_beside_takes_over_what_the_tools_stand_at(visit, films):
    page = visit()
    put_beside(page, films)
    page.click("[data-compare-end]")
    page.click("#result [data-toggle=invert]")
    page.locator("#result .viewer-choice.mode label").nth(1).click()
    page.locator("#result .viewer-choice.active label").nth(1).click()
    page.select_option("[data-compare]", label="age3.png")
    page.wait_for_selector("#prior .viewer[data-mode=slider]")
    for root in ("#result", "#prior"):
        page.wait_for_selector(f"{root} .viewer-panel.active >> nth=0")
        assert page.locator(f"{root} .viewer-panel").nth(2).get_attribute("class").count("active")
    pressed = page.locator("[data-toggle=invert]").evaluate_all(
        "all => all.map(b => b.ariaPressed)"
    )
    assert pressed == ["true", "true"]
