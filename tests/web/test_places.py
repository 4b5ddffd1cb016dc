"""Nothing is lost: where films go, and how a visitor finds them again, in a real Chromium."""

import json
import re
import shutil
import urllib.request
import zipfile
from base64 import b64encode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from served_page import INPUT, JOIN, MANY, WIDTHS, broken, served_page, wait_for_result

from pneumonia.reading.radiograph import MAX_BYTES
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import texts
from tools import overlaps

pytestmark = pytest.mark.browser

WORDS = texts.load_texts()
DROP = """(files) => {
  const given = new DataTransfer();
  for (const [name, base64] of files) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    given.items.add(new File([bytes], name));
  }
  const drop = new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
  document.body.dispatchEvent(drop); }"""
FOCUSED = "(({ tab, open }) => tab ?? open)(document.activeElement.dataset)"
ROWS = "document.querySelectorAll('.batch tbody tr').length === {}"


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> list:
    folder = tmp_path_factory.mktemp("many")
    paths = [folder / f"film{number}.png" for number in range(3)]
    for seed, path in zip((3, 5, 7), paths, strict=True):  # drawings that pass the gate
        draw_phantom(200, 240, lesions=1, seed=seed).image().save(path)
    return paths


def drop(page, paths) -> None:
    files = [(path.name, b64encode(path.read_bytes()).decode()) for path in paths]
    page.evaluate(DROP, files)


def answers(**answered):
    return lambda route: route.fulfill(**answered)


def test_every_tab_follows_the_language(stayed):
    """Those that are not selected too, to and fro."""
    page = stayed
    for language in ("ar", "fr", "en", "zh"):
        page.select_option(".masthead .language", language)
        wanted = [WORDS[language][f"tabs.{key}"] for key in ("one", "batch", "models")]
        page.wait_for_selector(f"[role=tab]:text-is({wanted[0]!r})")
        assert page.get_by_role("tab").all_inner_texts() == wanted
    page.get_by_role("tab").nth(2).click()
    page.select_option(".masthead .language", "es")
    wanted = [WORDS["es"][f"tabs.{key}"] for key in ("one", "batch", "models")]
    page.wait_for_selector(f"[role=tab]:text-is({wanted[0]!r})")
    assert page.get_by_role("tab").all_inner_texts() == wanted


def test_while_a_film_uploads_it_is_shown_and_the_zone_says_how_far_it_is(visit, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (700, 900), np.uint8)
    Image.fromarray(noise).save(path := tmp_path / "large.png")
    page = visit("phone", locale="ar")
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 50, "downloadThroughput": 1e6, "uploadThroughput": 1e5}
    network.send("Network.emulateNetworkConditions", slow)
    page.set_input_files(INPUT, path)
    page.wait_for_selector(".preview img", state="visible")
    assert page.evaluate("document.querySelector('.preview img').naturalWidth") == 900
    way = page.locator("#film .way")
    assert "large.png" in way.inner_text() and re.search(r"\d %", way.inner_text())
    assert page.locator("#film .drop").is_hidden()  # nothing is printed over it
    assert page.locator(".invitation").is_hidden()
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": 1e8})
    page.wait_for_selector(".refusal, .result")
    assert page.locator(".preview").is_hidden() and page.locator("#film .drop").is_visible()


def test_what_did_not_get_through_says_so_and_can_be_given_again(stayed, film):
    page = stayed
    for answered in ({"status": 204}, {"status": 200, "body": "<html>Log in first</html>"}):
        page.route("**/gradio_api/upload*", answers(**answered))
        page.set_input_files(INPUT, film)
        page.wait_for_selector(f"#film .way:has-text({WORDS['en']['style.failed']!r})")
        assert page.locator(".preview").is_hidden()
        page.unroute("**/gradio_api/upload*")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    assert page.locator("#film .way").is_hidden()


def test_each_film_has_an_address_for_back_forward_and_reload(visit, films):
    page = visit()
    for path in films[:2]:
        page.set_input_files(INPUT, path)
        wait_for_result(page, path.name)
    page.wait_for_selector(".visit:not([hidden]) li + li")  # both are at hand
    page.go_back()
    wait_for_result(page, "film0.png")
    page.go_forward()
    wait_for_result(page, "film1.png")
    page.evaluate("history.go(-2)")  # to where no film was yet
    page.wait_for_selector("#result .invitation")
    page.evaluate("history.go(2)")
    wait_for_result(page, "film1.png")
    page.get_by_role("tab").nth(2).click()
    page.wait_for_selector("#tab-about", state="visible")
    page.go_back()
    page.wait_for_selector("#tab-one", state="visible")
    address = page.url
    page.reload()
    wait_for_result(page, "film1.png")
    other = visit(place=f"#{address.partition('#')[2]}")  # a link that one can send
    wait_for_result(other, "film1.png")
    gone = visit(place="#film=nobody-knows-it")
    gone.wait_for_selector(".refusal")


def test_a_batch_is_found_again_and_walked_through(visit, films):
    page = visit()
    page.get_by_role("tab").nth(1).click()
    page.set_input_files(MANY, films[:2])
    page.wait_for_function(ROWS.format(2))
    page.wait_for_selector("#cancel", state="hidden")
    page.set_input_files(MANY, films[2:])  # is added to what is there
    page.wait_for_function(ROWS.format(3))
    page.locator("[data-open='0']").click()
    wait_for_result(page, "film0.png")
    assert page.evaluate(FOCUSED) == "one"
    page.click("[data-table]")
    assert page.evaluate(FOCUSED) == "0"
    page.locator("[data-open='0']").click()
    assert "1 of 3" in page.inner_text(".walk")
    assert page.locator("[data-walk='-1']").is_disabled()
    for number in (1, 2):
        page.click("[data-walk='1']")
        wait_for_result(page, f"film{number}.png")
    page.go_back()
    wait_for_result(page, "film1.png")
    page.reload()
    wait_for_result(page, "film1.png")
    page.wait_for_selector(".walk:has-text('2 of 3')")
    page.click("[data-table]")
    assert page.locator(".batch tbody tr:visible").count() == 3
    with page.expect_download() as download:
        page.click("[data-export='films.csv']")
    assert len(download.value.path().read_text("utf-8-sig").splitlines()) > 3


def test_films_given_anywhere_go_to_the_right_place(visit, films, tmp_path):
    page = visit()
    page.get_by_role("tab").nth(2).click()
    drop(page, films[:1])
    wait_for_result(page, "film0.png")
    assert page.locator("#tab-one").is_visible()
    drop(page, films[:2])
    page.wait_for_function(ROWS.format(2))
    assert page.locator("#tab-many").is_visible()
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(films[2], "inside.png")
    page.get_by_role("tab").nth(0).click()
    page.set_input_files(INPUT, tmp_path / "more.zip")
    page.wait_for_function(ROWS.format(3))
    assert page.locator("#tab-many").is_visible() and page.locator(".refusal").count() == 0
    assert "inside.png" in page.inner_text(".batch tbody tr >> nth=2")


def test_films_added_to_a_table_that_a_link_brought_go_into_a_copy(visit, films):
    page = visit(place="#tab=many")
    page.set_input_files(MANY, films[:2])
    page.wait_for_function(ROWS.format(2))
    page.wait_for_selector("#cancel", state="hidden")
    other = visit(place=f"#{page.url.partition('#')[2]}")
    other.wait_for_function(ROWS.format(2))
    other.set_input_files(MANY, films[2:])
    other.wait_for_function(ROWS.format(3))
    assert other.url != page.url
    copied = other.url
    other.goto(page.url)  # by the address alone, as Back does
    other.wait_for_function(ROWS.format(2))
    other.go_back()
    assert other.url == copied
    other.wait_for_function(ROWS.format(3))
    page.reload()
    page.wait_for_function(ROWS.format(2))


def test_no_film_is_lost_where_further_ones_follow_at_once(visit, films):
    page = visit(place="#tab=many")
    for path in films:
        page.set_input_files(MANY, path)
    page.wait_for_function(ROWS.format(3))


def test_who_waits_behind_another_visitor_s_films_is_told_so(visit, films, tmp_path):
    for number in range(40):
        shutil.copy(films[0], tmp_path / f"{number}.png")
    first, second = visit(place="#tab=many"), visit(place="#tab=many")
    first.set_input_files(MANY, sorted(tmp_path.glob("*.png")))
    first.wait_for_selector("#progress .left")
    second.set_input_files(MANY, films[:1])
    second.wait_for_selector("#films .way:has-text('Reading')")
    first.click("#cancel")
    second.wait_for_function(ROWS.format(1))
    second.wait_for_selector("#films .way", state="hidden")


def test_an_archive_that_is_too_large_is_not_sent(stayed):
    page = stayed
    page.get_by_role("tab").nth(1).click()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.evaluate(
        """selector => {
          const [input, all] = [document.querySelector(selector), new DataTransfer()];
          all.items.add(new File([new ArrayBuffer(251 * 2 ** 20)], "films.zip"));
          input.files = all.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        MANY,
    )
    page.wait_for_selector("#films .aside:has-text('is larger than 250 MB')")
    assert not [url for url in requests if "upload" in url]


def test_more_films_than_a_batch_has_are_told_of_before_they_are_sent(stayed):
    page = stayed
    page.get_by_role("tab").nth(1).click()
    page.route("**/gradio_api/upload*", lambda route: route.fulfill(status=204))
    page.evaluate(
        """selector => {
          const [input, all] = [document.querySelector(selector), new DataTransfer()];
          for (let i = 0; i < 1001; i++) all.items.add(new File(["film"], `${i}.png`));
          input.files = all.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        MANY,
    )
    page.wait_for_selector("#films .aside:has-text('only the first 1,000 films')")
    page.wait_for_selector("#films .aside:has-text('did not get through')")
    page.unroute("**/gradio_api/upload*")


def test_a_failed_upload_is_told_of_though_another_follows(visit, films):
    page = visit(place="#tab=many")
    held = []
    page.route("**/gradio_api/upload*", lambda route: held.append(route), times=1)
    for path in films[:2]:
        page.set_input_files(MANY, path)
    page.wait_for_timeout(300)
    held[0].fulfill(status=204)
    page.wait_for_function(ROWS.format(1))
    page.wait_for_selector("#films .aside:has-text('film0.png')")
    page.wait_for_selector("#cancel", state="hidden")
    page.set_input_files(MANY, films[0])
    page.wait_for_function(ROWS.format(2))
    assert page.locator("#films .aside").count() == 0


def test_a_film_too_large_twice_does_not_stop_the_next_one(stayed, films, tmp_path):
    page = stayed
    page.get_by_role("tab").nth(0).click()
    (tmp_path / "large.png").write_bytes(bytes(MAX_BYTES + 1))
    for _ in range(2):
        page.set_input_files(INPUT, tmp_path / "large.png")
        page.wait_for_selector(".refusal:has-text('large.png')")
    page.set_input_files(INPUT, films[0])
    wait_for_result(page, "film0.png")


def test_what_the_server_fails_can_be_asked_again_at_once(visit, films):
    page = visit()
    page.route(JOIN, broken)
    drop(page, films[:1])
    page.wait_for_selector(".preview:visible")
    page.wait_for_selector(".preview", state="hidden")  # nothing is read any more
    page.evaluate("document.addEventListener('failed', () => { window.failed = true; })")
    page.click("[data-example='5']")
    page.wait_for_function("window.failed")
    page.unroute(JOIN)
    page.click("[data-example='5']")
    page.wait_for_selector("#result .verdict")
    page.get_by_role("tab").nth(1).click()
    page.route(JOIN, broken)
    page.set_input_files(MANY, films)
    page.wait_for_selector("#films .way:visible")
    page.wait_for_selector("#films .way", state="hidden")
    page.unroute(JOIN)
    page.set_input_files(MANY, films)
    page.wait_for_function(ROWS.format(3))


def test_a_result_that_comes_while_another_part_is_looked_at_does_not_move_it(visit, films):
    page = visit()
    drop(page, films[:1])
    page.get_by_role("tab").nth(2).click()
    page.evaluate("scrollTo(0, 400)")
    page.wait_for_selector("#result .verdict", state="attached")
    page.wait_for_function("location.hash.includes('film=')")
    assert page.locator("#tab-about").is_visible() and page.evaluate("scrollY") == 400
    assert "tab=about" in page.url


def test_other_models_chosen_while_a_film_is_read_are_those_it_is_shown_by(stayed, films):
    page = stayed
    page.set_input_files(INPUT, films[0])
    wait_for_result(page, "film0.png")
    drop(page, films[1:2])
    page.locator("#choice input").nth(1).check()
    page.wait_for_function("document.querySelectorAll('#result .verdict li').length === 1")
    wait_for_result(page, "film1.png")
    page.wait_for_timeout(1000)
    assert "film1.png" in page.inner_text(".film figcaption")
    assert page.locator("#result .verdict li").count() == 1


def test_of_films_given_in_quick_succession_the_last_one_is_shown(stayed, films):
    page = stayed
    page.get_by_role("tab").nth(0).click()
    for pause, given in ((0, films), (150, films[::-1])):
        for path in given:
            drop(page, [path])
            page.wait_for_timeout(pause)
        wait_for_result(page, given[-1].name)
        page.wait_for_timeout(1500)
        assert given[-1].name in page.inner_text(".film figcaption")


def test_the_verdict_is_announced_and_can_be_jumped_to(visit, film):
    page = visit()
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    headline = page.inner_text(".verdict h2")
    page.wait_for_selector(f"#said:has-text({headline!r})", state="attached")
    regions = page.locator("[aria-live], [role=status], [role=alert]").all_text_contents()
    name = page.inner_text(".film figcaption bdi")
    said = [re.sub(f"{name}|{film.name}", "", words) for words in regions]
    assert not [words for words in said if re.search(r"\b[a-z]+\.[a-z_]+\b", words)], regions
    assert name in regions[0]  # a film with the very same verdict is another one
    page.select_option(".masthead .language", "fr")
    page.wait_for_function(
        "(old) => document.querySelector('#said').textContent.indexOf(old) < 0", arg=headline
    )
    first = """[...document.querySelectorAll("a, button, input, select, [tabindex]")]
        .find((e) => e.checkVisibility() && e.tabIndex === 0).matches("[data-skip]")"""
    for width in WIDTHS:
        page.set_viewport_size(WIDTHS[width])
        assert page.evaluate(first)
        page.focus("[data-skip]")
        assert page.locator("[data-skip]").bounding_box()["height"] >= 44  # seen with the focus
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "H2"


def test_a_link_to_the_page_shows_the_page():
    with urllib.request.urlopen(served_page()) as answer:
        html = answer.read().decode()
    head = html.partition("<body")[0]
    tags = re.findall(r'<meta (?:property|name)="((?:og|twitter):[\w:]+)" content="([^"]*)"', head)
    assert len(tags) == len(dict(tags)) >= 7  # each once
    said = dict(tags)
    assert said["og:title"] == WORDS["en"]["page.title"] and said["og:url"] == served_page()
    assert said["og:description"] == WORDS["en"]["page.lead"]
    assert "gradio" not in json.dumps(said).lower() and "{url}" not in head
    with urllib.request.urlopen(said["og:image"]) as answer:
        assert Image.open(BytesIO(answer.read())).size == (1200, 630)
    with urllib.request.urlopen(f"{served_page()}favicon.ico") as answer:
        assert b"<svg" in answer.read()


def test_links_can_say_language_and_theme(visit):
    page = visit(place="?lang=fr&__theme=light", locale="es")
    page.wait_for_function("document.querySelector('h1').textContent.startsWith('Pneumonie')")
    assert page.input_value(".masthead .language") == "fr"
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "light"


def test_no_words_lie_over_others_at_any_width(visit, film, films):
    """``tools/overlaps.py`` looks at every view in every language."""
    page = visit()

    def check() -> None:
        for language in ("fr", "ar", "en"):
            page.select_option("select.language:visible", language)
            page.wait_for_selector(f"[role=tab]:text-is({WORDS[language]['tabs.one']!r})")
            for width in overlaps.WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert overlaps.overlaps(page) == [], (language, width)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width

    check()
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    check()
    page.get_by_role("tab").nth(1).click()
    page.set_input_files(MANY, films)
    page.wait_for_function(ROWS.format(3))
    page.wait_for_selector("#cancel", state="hidden")
    check()
    page.evaluate("document.querySelector('h1').style.transform = 'translateX(200px)'")
    assert overlaps.overlaps(page)  # it would be found


def test_paper_shows_the_verdict_and_the_pictures_and_nothing_to_press(visit, film):
    page = visit()
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    page.emulate_media(media="print")
    assert page.locator("button:visible, input[type=file]:visible").count() == 0
    for part in (".verdict h2", ".zones >> nth=0", ".viewer-stage >> nth=1", ".viewer-legend"):
        assert page.locator(part).is_visible(), part
    ground = "getComputedStyle(document.body).getPropertyValue('--ground')"
    assert page.evaluate(ground).strip() in ("#fff", "#ffffff")
