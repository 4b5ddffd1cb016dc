"""What a visitor gets while Gradio's scripts are on their way."""

import json
import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from factories import ROOT
from served_page import INPUT, WIDTHS, served_page, wait_for_result

from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web.limits import MAX_FILMS
from pneumonia.web.texts import LANGUAGES, load_texts
from tools.overlaps import WIDTHS as WIDE
from tools.overlaps import overlaps

pytestmark = pytest.mark.skipif(not available_models(), reason="no checkpoint to show")
WORDS = load_texts()


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for seed in (3, 4):
        draw_phantom(200, 240, seed=seed).image().save(folder / f"film{seed}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def early(new_page):
    """Opens the page for a visitor whom Gradio's scripts reach when ``page.come`` is called."""

    def open_page(width="desk", scheme="dark", locale="en-GB", place=""):
        look = {"viewport": WIDTHS[width], "color_scheme": scheme, "locale": locale}
        page = new_page(served_page(), **look)
        held = []
        page.route(re.compile("/assets/index-.*js"), lambda route: held.append(route))
        page.come = lambda: [route.continue_() for route in held]
        page.goto(served_page() + place, wait_until="commit")
        page.wait_for_selector("#entrance h1")
        return page

    return open_page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_it_is_before_any_script_runs(new_page, language):
    page = new_page(served_page(), java_script_enabled=False, locale=language)
    page.goto(served_page())
    for key in ("page.title", "page.lead", "use.purpose", "use.films", "style.drop"):
        assert WORDS[language][key] in page.inner_text("#entrance")
    assert WORDS[language]["page.lost"] in page.inner_text("#entrance")
    assert WORDS[language]["page.opening"] not in page.inner_text("#entrance")
    assert page.get_attribute("#entrance", "dir") == ("rtl" if language == "ar" else "ltr")
    for width in WIDE:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(
            "entrance.clientWidth == innerWidth && innerWidth >= entrance.scrollWidth"
        )


@pytest.mark.parametrize(
    ("place", "accepted", "language"),
    [
        ("", "pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("", "de,fr;q=0.5", "fr"),
        ("?lang=zh", "fr", "zh"),
        ("?lang=<script>", "de", "en"),
        ("", "", "en"),
    ],
)
def test_the_first_words_are_in_the_language_asked_for(place, accepted, language):
    answer = httpx.get(served_page() + place, headers={"accept-language": accepted})
    assert f'id="entrance" lang="{language}"' in answer.text
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.content) > 3 * int(answer.headers["content-length"])


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_the_first_screen_can_be_read_by_everyone(early, width, scheme):
    page = early(width, scheme)
    found = Axe().run(page).response["violations"]
    assert not found, json.dumps(found, indent=1)
    assert overlaps(page) == []


def test_a_link_says_the_first_screens_theme(early):
    page = early(scheme="light", place="?__theme=dark")
    assert page.evaluate("getComputedStyle(entrance).backgroundColor") == "rgb(12, 14, 16)"


def test_the_film_given_last_to_the_first_screen_is_read_once_the_page_is_there(early, film, films):
    page = early()
    page.set_input_files("#entrance input", films[0])
    page.set_input_files("#entrance input", film)
    page.wait_for_selector(f"#entrance strong:text-is({film.name!r})")
    assert page.locator(INPUT).count() == 0
    page.come()
    page.click(".notice button")
    wait_for_result(page, "first")
    assert page.locator("#entrance").count() == 0
    assert page.locator(".visit [data-go]").count() == 1
    page.set_input_files(INPUT, films[0])  # and so is what comes later
    wait_for_result(page, films[0].stem)


def test_several_films_given_to_the_first_screen_go_to_the_table(early, films):
    page = early("phone")
    page.set_input_files("#entrance input", films)
    page.wait_for_selector(f"#entrance strong:has-text('{len(films)} × ')")
    page.come()
    page.click(".notice button")
    page.wait_for_function(f"document.querySelectorAll('#batch tbody tr').length >= {len(films)}")
    assert page.evaluate("document.body.dataset.tab") == "many"


def drop(page, folder) -> None:
    """Drops a folder of this machine in the middle of the page, as a hand would."""
    script = "import(document.querySelector('script[src$=\"entrance.js\"]').src).then(() => true)"
    assert page.evaluate(script)  # it hears what is dropped
    browser = page.context.new_cdp_session(page)
    what = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 400, "y": 300, "data": what}
        browser.send("Input.dispatchDragEvent", event)


def test_a_folder_given_to_the_first_screen_tells_the_truth_of_its_films_too(
    early, films, tmp_path
):
    for kind, film in zip(("NORMAL", "PNEUMONIA"), films, strict=True):
        (tmp_path / "data" / kind).mkdir(parents=True)
        (tmp_path / "data" / kind / film.name).write_bytes(film.read_bytes())
    page = early()
    drop(page, tmp_path / "data")
    page.wait_for_selector("#entrance strong:has-text('2 × ')")
    page.come()
    page.click(".notice button")
    rows = "document.querySelectorAll('#batch tbody tr').length"
    page.wait_for_function(f"{rows} === 2")
    page.wait_for_selector(".teaching .teaching-known:not(:empty)")
    drop(page, tmp_path / "data" / "NORMAL")  # and so does one that comes later
    page.wait_for_function(f"{rows} === 3")


def test_without_a_film_the_page_opens_as_it_is(early):
    page = early()
    page.come()
    page.wait_for_selector("#entrance", state="detached")
    assert page.locator("#result .invitation").count() == 1


def test_a_page_whose_scripts_do_not_come_says_so(new_page):
    page = new_page(served_page(), locale="en-GB").context.new_page()  # which may complain
    page.route("**/modules/*/giving.js", lambda route: route.fulfill(status=503))
    page.goto(served_page(), wait_until="commit")
    page.wait_for_selector("#entrance [role=status]")
    page.wait_for_selector(f"text={WORDS['en']['page.lost']}")
    assert page.locator("#entrance [role=status]").is_hidden()


def test_of_a_dropped_folder_one_film_too_many_is_taken_so_that_this_is_said():
    script = (ROOT / "pneumonia/web/modules/entrance.js").read_text(encoding="utf-8")
    assert f"const MOST = {MAX_FILMS + 1};" in script
