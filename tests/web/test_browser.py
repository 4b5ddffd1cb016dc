"""A visitor at the page, in a real Chromium: at a desk and on a phone, in the dark and by day."""

import json
import re
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from factories import ROOT, dicom, saved
from PIL import Image, ImageDraw, ImageFont
from pydicom.uid import (
    CTImageStorage,
)
from pypdf import PdfReader
from served_page import INPUT, WIDTHS, served_page, wait_for_result

from pneumonia.gate import REASONS
from pneumonia.models import MODELS
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.distractors import draw_distractors
from pneumonia.synthetic.phantom import draw_phantom

pytestmark = pytest.mark.browser

VISIBLE = """() => {
  const { activeElement } = document;
  const marked = (element) => {
    const { outlineStyle, boxShadow } = getComputedStyle(element);
    return outlineStyle !== "none" || boxShadow !== "none";
  };
  return activeElement.matches(":focus-visible")
    && (marked(activeElement) || marked(activeElement.parentElement)); }"""


# of the table's bars: the verdict, and where dot and zones are
BARS = """bars => bars.map(({ style, parentElement }) => [
  parentElement.querySelector("strong").dataset.t.split(".")[1],
  ...["--at", "--low", "--high"].map((name) => Number(style.getPropertyValue(name)))])"""
COUNT_CHANGES = """() => {
  window.changes = { added: 0, removed: 0 };
  new MutationObserver((records) => {
    for (const { addedNodes, removedNodes } of records) {
      window.changes.added += addedNodes.length;
      window.changes.removed += removedNodes.length;
    }
  }).observe(document.querySelector(".batch tbody"), { childList: true }); }"""


def text(page, selector: str) -> str:
    return page.locator(selector).inner_text()


@pytest.mark.parametrize(("width", "scheme"), [("desk", "dark"), ("phone", "light")])
def test_a_film_gets_verdicts_and_evidence(visit, film, width, scheme):
    page = visit(width, scheme)
    assert "not a diagnosis" in text(page, "#use")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")

    titles = [MODELS[name].title for name in reversed(MODELS) if name in available_models()]
    assert page.locator(".verdict .model").all_inner_texts() == titles
    for words in page.locator(".verdict .label").all_inner_texts():
        assert words.startswith(("PNEUMONIA", "NORMAL", "UNCERTAIN")) and "%" in words
    assert all("this model" in words for words in page.locator(".sentence").all_inner_texts())
    assert all("%" in words for words in page.locator(".probability").all_inner_texts())
    assert page.locator(".result b").count() == 0  # the file's name is words, not HTML

    stages = page.locator(".viewer-stage")
    assert stages.count() == 1 + len(titles)
    for stage in stages.all():
        box = stage.bounding_box()
        assert box["width"] > 100 and abs(box["width"] / box["height"] * 420 / 560 - 1) < 0.02
    dark = """(canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, i) => i % 4 < 3 && value > 0).length === 0; }"""
    page.wait_for_function(
        f"[...document.querySelectorAll('.viewer-stage canvas')].every(c => !({dark})(c))"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    tops = {
        part: page.locator(part).first.bounding_box()["y"]
        for part in (".viewer-panel.film", ".verdict", ".viewer-panel.heat")
    }
    order = [*tops] if width == "phone" else [".verdict"]
    assert sorted(tops, key=tops.get)[: len(order)] == order
    dark = page.evaluate("getComputedStyle(document.body).colorScheme")
    assert dark == scheme


@pytest.mark.parametrize("width", WIDTHS)
def test_the_verdict_comes_first_and_nothing_moves_when_the_pictures_come(visit, film, width):
    page = visit(width)
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 50, "downloadThroughput": 1e5, "uploadThroughput": 1e6}
    network.send("Network.emulateNetworkConditions", slow)
    page.set_input_files(INPUT, film)
    page.wait_for_selector(".viewer[aria-busy]")
    places = """["verdict", "viewer-bar", "film .viewer-stage", "heat .viewer-stage"].map((p) => {
        const { x, y, width, height } = document.querySelector(`.${p}`).getBoundingClientRect();
        return [x, y + scrollY, width, height].map(Math.round); })"""
    before, verdicts = page.evaluate(places), page.locator(".probability").all_inner_texts()
    assert page.locator(".viewer[aria-busy]").count() == 1 and len(verdicts) == count_models()
    network.send("Network.emulateNetworkConditions", slow | {"downloadThroughput": -1})
    wait_for_result(page, "first")
    assert page.evaluate(places) == before
    assert page.locator(".probability").all_inner_texts() == verdicts


def test_the_opacity_of_the_heat_asks_nothing_of_the_server(visit, film):
    page = visit()
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    slider = page.locator("[data-set=opacity]")
    for key in ("Home", "End", "ArrowLeft"):
        slider.press(key)
    page.locator(".viewer-opacity", has_text="99\u00a0%").first.wait_for()
    assert not requests

    page.locator("#examples button", has_text="Drawing").click()  # the next film keeps the setting
    wait_for_result(page, "with opacities")
    assert text(page, ".viewer-opacity") == "99\u00a0%"


def test_a_page_at_rest_asks_for_no_frames(film, new_page):
    page = new_page(served_page())
    page.add_init_script("""window.asked = [];
        const next = requestAnimationFrame.bind(window);
        window.requestAnimationFrame = (draw) => { asked.push(`${draw}`); return next(draw); };""")
    page.goto(served_page())
    page.click(".notice button")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    assert page.evaluate("asked.length") > 0
    for _ in range(10):
        page.evaluate("asked = []")
        page.wait_for_timeout(500)
        if not (asked := page.evaluate("asked")):
            break
    assert asked == []


def test_the_page_s_scripts_are_modules_and_leave_nothing_global(visit):
    page = visit()
    scripts = page.evaluate(
        """[...document.scripts].filter((script) => script.textContent.includes("dataset")
            || script.src.includes("modules/")).map((script) => script.type)"""
    )
    assert scripts == ["module", "module"]  # the first screen's, and the page's
    names = [
        "given",
        "t",
        "words",
        "table",
        "handOver",
        "viewerEvents",
        "viewerPictures",
        "mountViewers",
    ]
    names += ["given", "many", "give", "settle", "fillTable", "MAX_BYTES", "viewerSettings"]
    there = "(name) => { try { return Function(`return ${name}`)() !== undefined; } catch {} }"
    assert page.evaluate(f"(names) => names.filter({there})", names) == []


def test_the_intended_use_is_accepted_once(visit):
    page = visit(accept=False)
    page.wait_for_selector(".notice[open]")
    assert "not a diagnosis" in text(page, ".notice") and "in memory" in text(page, ".notice")
    for _ in range(3):
        page.keyboard.press("Escape")  # accepts nothing
    page.wait_for_selector(".notice[open]")
    assert page.evaluate("document.activeElement.textContent") == "I understand"
    page.select_option(".notice .language", "fr")
    page.wait_for_selector(".notice button:text-is('J’ai compris')")
    page.select_option(".notice .language", "en")
    page.focus(".notice button")
    page.keyboard.press("Enter")
    page.wait_for_function("localStorage.getItem('accepted')")
    page.reload()
    page.wait_for_selector(INPUT, state="attached")
    page.wait_for_timeout(500)
    assert page.locator(".notice[open]").count() == 0


def test_the_language_changes_at_once_and_keeps_the_film(visit, film):
    page = visit(locale="es-ES")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    assert "Neumonía" in text(page, "h1") and "%" in text(page, ".probability >> nth=0")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.select_option(".masthead .language", "ar")
    page.wait_for_selector("html[dir=rtl]")
    assert "first" in text(page, ".film figcaption")
    latin = re.compile("[A-Za-z]{3}")
    for words in page.locator(".verdict .label, .viewer h3, .exports button").all_inner_texts():
        assert not latin.search(re.sub(r"PDF|JSON|PNG|CSV", "", words)), words
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.select_option(".masthead .language", "en")
    assert text(page, "h1").startswith("Pneumonia")
    assert not [url for url in requests if "/assets/" not in url]


def test_an_example_the_choice_of_a_model_and_enlarging(visit):
    page = visit()
    page.locator("#examples button", has_text="Drawing").focus()
    page.keyboard.press("Enter")
    wait_for_result(page, "with opacities")
    count = page.locator(".verdict li").count()
    assert count == len(available_models())
    assert page.locator(".known circle").count() == 2
    assert "Drawing" in page.locator("#examples [aria-current=true]").inner_text()
    if count > 1:
        first, last = page.locator(".viewer-stage").first, page.locator(".viewer-stage").last
        assert first.bounding_box()["width"] == last.bounding_box()["width"]
        last.locator("button").click()
        page.wait_for_selector(".viewer-panel.heat.large")
        assert last.bounding_box()["width"] > 1.5 * first.bounding_box()["width"]
        last.locator("button").click()

        page.locator("#choice label").last.click()
        page.wait_for_function("document.querySelectorAll('.verdict li').length == 1")
        assert text(page, ".verdict .model") == text(page, "#choice label.selected")
        assert "Drawing, no patient (with opacities)" in text(page, ".film figcaption")


def test_nothing_moves_for_whom_motion_disturbs(stayed, film):
    page = stayed
    page.set_input_files(INPUT, film)
    page.wait_for_selector(".viewer[data-mounted]")
    slowest = """() => Math.max(...[...document.querySelectorAll("*")].flatMap((element) => {
      const style = getComputedStyle(element);
      const turns = style.animationName === "none" ? "0s" : style.animationDuration;
      return [style.transitionDuration, turns].flatMap((all) => all.split(",").map(parseFloat));
    }))"""
    assert page.evaluate(slowest) >= 0.1
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(slowest) < 0.001


def test_what_is_chosen_can_be_told_in_forced_colours_too(stayed):
    page = stayed
    page.emulate_media(forced_colors="active")
    page.locator("#examples button").first.click()
    page.wait_for_selector(".viewer[data-mounted]")
    page.click("[data-toggle=invert]")
    for chosen, other in (
        ("[role=tab][aria-selected=true]", "[role=tab][aria-selected=false]"),
        ("#choice label:has(:checked)", "#choice label:not(:has(:checked))"),
        ("[data-toggle=invert]", "[data-do=reset]"),
        ("#examples [aria-current]", "#examples button:not([aria-current])"),
    ):
        grounds = [
            page.locator(which).first.evaluate("(e) => getComputedStyle(e).backgroundColor")
            for which in (chosen, other)
        ]
        assert grounds[0] != grounds[1], chosen
    assert "gradient" in page.locator(".zones .track").first.evaluate(
        "(e) => getComputedStyle(e).backgroundImage"
    )


def test_paste(stayed):
    page = stayed
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(320, 240);
            canvas.getContext("2d").fillRect(80, 60, 160, 120);
            const blob = await canvas.convertToBlob({ type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }"""
    )
    page.keyboard.press("Control+V")
    page.wait_for_selector(".refusal:has-text('Not a film that the models know')")


def test_a_picture_that_is_no_chest_film_is_refused_and_shown_anyway(visit, tmp_path):
    page = visit()
    for kind, (picture, *_) in draw_distractors().items():
        Image.fromarray((255 * picture).astype(np.uint8)).save(path := tmp_path / f"{kind}.png")
        page.set_input_files(INPUT, path)
        page.wait_for_selector(f".refusal figcaption:has-text({path.name!r})", state="attached")
        assert "Not a film that the models know" in text(page, ".refusal h2")
        assert not page.locator(".verdict").is_visible()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator(".refusal summary").press("Enter")
    page.wait_for_selector(".refusal .verdict")
    page.wait_for_selector(".refusal .scope:has-text('Out of scope')")  # once it has unfolded
    assert page.locator(".verdict h2, .zones, .sentence, .question, .pretest").count() == 0
    band = "getComputedStyle(document.querySelector('.viewer-stage'), '::after').content"
    assert page.evaluate(band) == '"OUT OF SCOPE"'
    assert path.name in text(page, ".refused") and "What to do" in text(page, ".refused")
    loaded = "document.querySelector('.refused img').naturalWidth"
    assert page.evaluate(loaded) > 50
    assert not requests


def test_what_the_numbers_depend_on_is_asked_and_moved_in_the_browser(visit, film):
    page = visit("phone", "dark", locale="ar")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    numbers = page.locator(".probability bdi")
    shown = [float(n.get_attribute("data-log-odds")) for n in numbers.all()]
    before = numbers.all_inner_texts()
    words = page.locator(".label strong").all_inner_texts()
    page.locator("[data-pretest]").fill("10")
    after = [1 / (1 + np.exp(-(odds + np.log(0.1 / 0.9)))) for odds in shown]
    for number, share in zip(numbers.all_inner_texts(), after, strict=True):
        if 0.01 < share < 0.99:
            assert number == f"{100 * share:.0f}\u00a0%"
    assert numbers.all_inner_texts() != before or min(after) > 0.99 or max(after) < 0.01
    assert page.locator(".label strong").all_inner_texts() == words  # the call stays
    page.locator("[data-pretest]").fill("50")
    assert numbers.all_inner_texts() == before

    page.click("[data-answer=no]")
    for gone in (".verdict h2", ".zones >> nth=0", ".sentence >> nth=0", "[data-pretest]"):
        assert page.locator(gone).is_hidden()
    assert page.locator(".told").is_visible() and page.locator(".viewer-stage").first.is_visible()
    page.wait_for_function(  # nor does a phone's film, which stays, lie over it
        """() => {
          const told = document.querySelector(".told");
          const { x, y, width, height } = told.getBoundingClientRect();
          return told.contains(document.elementFromPoint(x + width / 2, y + height / 2));
        }"""
    )
    band = "getComputedStyle(document.querySelector('.viewer-stage'), '::after').content"
    assert page.evaluate(band) != "none"
    assert not requests


def test_what_a_visitor_said_of_a_film_stays_said_until_it_is_taken_back(stayed, film, tmp_path):
    page = stayed
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    headline = page.inner_text(".verdict h2")
    page.click("[data-answer=no]")
    said = "document.querySelector('#said').textContent"
    page.wait_for_function(f"{said}.includes('You said')")
    assert headline not in page.evaluate(said)
    for kind in ("pdf", "json"):
        with page.expect_download() as download:
            page.click(f"[data-export={kind}]")
        download.value.save_as(tmp_path / kind)
    words = " ".join(PdfReader(tmp_path / "pdf").pages[0].extract_text().split())
    assert REASONS["told"] in words and headline not in words
    for record in json.loads((tmp_path / "json").read_text())["models"].values():
        assert record["gate"] == REASONS["told"]
    page.locator("#choice input").nth(1).check()
    page.wait_for_function("document.querySelectorAll('#result .verdict li').length === 1")
    assert page.locator(".told").is_visible() and page.locator(".verdict h2").is_hidden()
    page.click("[data-answer=yes]")
    assert page.locator(".told, .question").filter(visible=True).count() == 0
    assert page.locator(".verdict h2").is_visible()


def test_a_hand_is_refused_and_shown_anyway_on_a_phone(visit, tmp_path):
    page = visit("phone", locale="ar")
    hand, *_ = draw_distractors()["hands"]
    Image.fromarray((255 * hand).astype(np.uint8)).save(path := tmp_path / "hand.png")
    page.set_input_files(INPUT, path)
    page.wait_for_selector(".refusal .viewer:not([aria-busy])", state="attached")
    assert not page.locator(".verdict").is_visible()
    page.locator(".refusal summary").click()
    assert page.locator(".refusal .scope").is_visible() and page.locator(".verdict").is_visible()
    assert page.locator(".viewer-stage").first.bounding_box()["width"] > 100
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_visitor_without_a_mouse(visit, film, tmp_path):
    page = visit(accept=False)
    page.wait_for_selector(".notice[open]")
    page.keyboard.press("Enter")

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                assert page.evaluate(VISIBLE), selector
                return
        pytest.fail(f"The tab key does not lead to {selector}.")

    def choose(selector: str, files) -> None:
        with page.expect_file_chooser() as chooser:  # listens some time after it says so
            tab_to(selector)
            page.keyboard.press("Enter")
        chooser.value.set_files(files)

    tab_to(".masthead .language")
    choose("#film input", film)
    wait_for_result(page, "first")
    tab_to("#choice [value=cnn]")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelectorAll('.verdict li').length == 1")
    page.wait_for_selector(".viewer:not([aria-busy])")
    tab_to("[data-toggle=invert]")
    page.keyboard.press("Space")
    page.wait_for_selector("[data-toggle=invert][aria-pressed=true]")
    tab_to("[data-set=opacity]")
    page.keyboard.press("Home")
    page.wait_for_selector(".viewer-opacity >> text=/^0/")
    tab_to(".viewer-stage")
    page.keyboard.press("+")
    page.wait_for_selector(".viewer-zoom >> text=/^1[1-9]/")
    tab_to("[data-export=pdf]")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".pdf")

    tab_to("[role=tab][aria-selected=true]")
    page.keyboard.press("ArrowRight")
    draw_phantom(200, 240, lesions=2, seed=3).image().save(other := tmp_path / "other.png")
    choose("#films input", [film, other])
    page.wait_for_function("document.querySelectorAll('.batch tbody tr').length === 2")
    page.wait_for_selector("#cancel", state="hidden")
    tab_to("[data-sort=film]")
    page.keyboard.press("Enter")
    tab_to("[data-open='1']")
    page.keyboard.press("Enter")
    wait_for_result(page, "other")


def test_what_a_visitor_takes_away(visit, film, tmp_path):
    page = visit("phone")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    for kind in ("pdf", "json", "json"):  # and what has been taken can be taken again
        with page.expect_download() as download:
            page.click(f"[data-export={kind}]")
        name = f"film.{kind}"
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / kind)
    page.check("[data-named]")
    page.select_option("select.language:visible", "fr")
    with page.expect_download() as download:
        page.click("[data-export=pdf]")
    assert download.value.suggested_filename == "first b.pdf"
    download.value.save_as(tmp_path / "fr")
    (french,) = PdfReader(tmp_path / "fr").pages
    assert "un second regard" in french.extract_text() and "first b" in french.extract_text()
    shown = page.locator(".verdict .probability").all_inner_texts()
    (sheet,) = PdfReader(tmp_path / "pdf").pages
    words = sheet.extract_text().replace("\u00a0", " ")
    figures = json.loads((tmp_path / "json").read_text())
    assert figures["film"] == "" and "not a medical device" in words
    for (name, model), percent in zip(figures["models"].items(), shown, strict=True):
        assert name in available_models() and model["title"] in words
        rounded = f"{100 * model['probability']:.0f}"
        assert rounded in percent and f"{rounded} %" in words


def test_what_is_taken_away_of_a_drawing_says_that_it_is_one(stayed):
    page = stayed
    page.click("[data-example='5']")
    page.wait_for_selector("#result .drawn")
    page.wait_for_selector("#result .viewer-panel img")
    with page.expect_download() as download:
        page.click("[data-export=json]")
    assert json.loads(download.value.path().read_text())["film"].startswith("Drawing")


def test_a_film_with_words_in_its_rim_is_not_passed_on_unwarned(stayed, film, tmp_path):
    with Image.open(film) as picture:
        large = picture.resize((picture.width * 2, picture.height * 2))
    ImageDraw.Draw(large).text((20, 20), "MILLER ANNA", fill=255, font=ImageFont.load_default(26))
    large.save(named := tmp_path / "named.png")
    grey = (60_000 * draw_phantom(300, 360, seed=2).pixels).astype(np.uint16)
    said = dicom(grey, BurnedInAnnotation="YES", PatientAge="003Y")
    (tmp_path / "said.dcm").write_bytes(saved(said))
    page = stayed
    for path, warned in ((film, 0), (named, 1), (tmp_path / "said.dcm", 1)):
        page.set_input_files(INPUT, path)
        wait_for_result(page, path.stem.split()[0])
        assert page.locator(".exports .burned").count() == warned


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_the_picture_is_the_one_that_is_seen_without_the_film_s_name(visit, film, tmp_path, locale):
    page = visit(locale=locale)
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")

    def take(name: str) -> np.ndarray:
        page.wait_for_timeout(300)
        with page.expect_download() as download:
            page.click("[data-picture]")
        assert download.value.suggested_filename == "film.png"
        download.value.save_as(tmp_path / name)
        return np.asarray(Image.open(tmp_path / name).convert("RGB")).astype(int)

    warm = take("warm")
    film_box, *maps = [stage.bounding_box() for stage in page.locator(".viewer-stage").all()]
    assert warm.shape[1] > film_box["width"] * (1 + len(maps))
    assert warm.shape[0] > film_box["height"] + 150  # whose it is, what made it, what it is not
    page.locator("[data-set=opacity]").fill("0")
    bare = take("bare")
    assert bare.shape == warm.shape
    away = np.abs(warm - bare).sum(2) > 30
    assert away.mean() > 0.05 and not away[:, : round(film_box["width"])].any()
    page.locator("[data-pretest]").fill("10")
    assert take("told").shape[0] > bare.shape[0]  # a line says what moved the numbers
    page.locator("[data-pretest]").fill("50")
    page.click("[data-answer=no]")
    out = take("out")
    strip = (np.abs(out - bare).sum(2) > 60)[:, : round(film_box["width"])]
    assert strip.any()  # the film says that it is out of scope


def test_thirty_films_of_which_one_is_broken(visit, tmp_path):
    page = visit(scheme="dark")
    page.get_by_role("tab").nth(1).click()
    paths = [tmp_path / f"film{number:02}.png" for number in range(29)]
    for number, path in enumerate(paths):
        if number < 6:
            draw_phantom(200, 240, lesions=2 * (number % 2), seed=number).image().save(path)
        else:
            shutil.copy(paths[number % 6], path)
    paths[2].write_text("words")
    page.evaluate(COUNT_CHANGES)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(paths[3], "inside.png")
    page.set_input_files("#films input[type=file]", [*paths, tmp_path / "more.zip"])
    page.wait_for_function("document.querySelectorAll('.batch tbody tr').length === 30")
    page.wait_for_selector("#cancel", state="hidden")
    rows = page.locator(".batch tbody tr")
    assert page.evaluate("window.changes") == {"added": 30, "removed": 0}  # each row once
    assert text(page, "#progress").count("30") == 2
    assert "film02.png" in rows.nth(2).inner_text() and "%" not in rows.nth(2).inner_text()
    assert page.locator(".batch tbody img").count() == 29
    for verdict, at, low, high in page.eval_on_selector_all(".batch .bar", BARS):
        assert verdict == ("NORMAL" if at <= low else "PNEUMONIA" if at >= high else "UNCERTAIN")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    counts = dict(
        zip(
            ("all", "disagreement", "uncertain", "pneumonia", "normal", "problems"),
            map(int, page.locator(".filters .count").all_inner_texts()),
            strict=True,
        )
    )
    assert counts["all"] == 30 and counts["problems"] >= 1
    empty = [not count for count in counts.values()]
    assert [box.is_disabled() for box in page.locator(".filters input").all()] == empty
    assert not page.locator("#progress progress").is_visible()  # nothing goes on
    page.locator(".filters label").last.click()
    assert page.locator(".batch tbody tr:visible").count() == counts["problems"]
    page.locator(".filters label").first.click()
    page.locator("[data-sort=film]").click()
    page.set_viewport_size(WIDTHS["phone"])  # where each has a card
    heights = [row.bounding_box()["height"] for row in rows.all()]
    assert sorted(heights)[:9] == pytest.approx([72] * 9, abs=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    first = [row.split()[0] for row in rows.all_inner_texts()]
    assert first == sorted(first)
    page.locator("[data-sort=cnn]").click()
    chances = page.locator(".batch td:nth-child(3) bdi").all_inner_texts()
    values = [int(re.sub(r"\D", "", chance)) for chance in chances]
    assert values == sorted(values, reverse=True)
    page.locator("[data-sort=agreement]").click()
    apart = page.locator(".batch .agreement small").all_inner_texts()
    apart = [int(re.sub(r"\D", "", gap)) for gap in apart]
    assert apart == sorted(apart, reverse=True) and max(apart) > 0

    with page.expect_download() as download:
        page.click("[data-export='films.csv']")
    download.value.save_as(tmp_path / "films.csv")
    assert (tmp_path / "films.csv").read_text("utf-8-sig").count(
        "\n"
    ) == 1 + 29 * count_models() + 1
    page.locator("[data-open]", has_text="inside.png").click()
    wait_for_result(page, "inside.png")


def test_a_batch_can_be_cancelled(visit, tmp_path):
    page = visit("phone", "light")
    page.get_by_role("tab").nth(1).click()
    draw_phantom(200, 240, lesions=2, seed=2).image().save(drawn := tmp_path / "film0.png")
    for number in range(1, 40):
        shutil.copy(drawn, tmp_path / f"film{number}.png")
    page.set_input_files("#films input[type=file]", sorted(tmp_path.glob("*.png")))
    page.wait_for_selector(".batch tbody tr >> nth=1")
    page.wait_for_selector("#progress .left")
    page.set_input_files("#films input[type=file]", [drawn] * 3)  # waits, and is cancelled too
    page.wait_for_selector("#films .way .words:has-text('Reading')")
    page.click("#cancel")
    page.wait_for_selector("#films .way", state="hidden")
    page.wait_for_selector("#cancel", state="hidden")
    assert not page.locator("#progress .left").is_visible()
    page.wait_for_timeout(500)
    before = page.locator(".batch tbody tr").count()
    page.wait_for_timeout(1200)
    assert page.locator(".batch tbody tr").count() == before < 40
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-open='0']").click()  # and the page lives on
    wait_for_result(page, "film0.png")


def test_quick_batches_and_films_one_after_the_other(visit, tmp_path):
    (words := tmp_path / "words.png").write_text("words")
    draw_phantom(200, 240, lesions=2, seed=2).image().save(small := tmp_path / "small.png")
    page, there = visit(), 0
    for turn in range(4):
        page.get_by_role("tab").nth(1).click()
        page.set_input_files("#films input[type=file]", [small, words][turn % 2 :])
        there += 2 - turn % 2  # after what is there already
        page.wait_for_function(f"document.querySelectorAll('.batch tbody tr').length === {there}")
        page.wait_for_selector("#cancel", state="hidden")
        assert page.locator("#progress progress").get_attribute("value") == f"{there}"
        if turn % 2:
            page.get_by_role("tab").nth(0).click()
            page.set_input_files(INPUT, words)
            page.wait_for_selector(".refusal:has-text('words.png')")
        else:
            page.locator(f"[data-open='{there - 2}']").click()
            wait_for_result(page, "small.png")


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [("desk", "dark", "en"), ("phone", "light", "ar")]
)
def test_nothing_bars_the_way_on_any_view(visit, film, tmp_path, width, scheme, locale):
    """axe-core, with WCAG's contrast among its rules."""

    def check(view: str) -> None:
        report = Axe().run(page).response
        assert len(report["passes"]) > 10, view
        barred = [
            (rule["id"], node["html"])
            for rule in report["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]
        assert not barred, view

    page = visit(width, scheme, accept=False, locale=locale)
    page.wait_for_selector(".notice[open]")
    check("notice")
    page.click(".notice button")
    check("first")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    check("result")
    page.click("[data-answer=no]")
    check("out of scope")
    (tmp_path / "words.png").write_text("words")
    page.set_input_files(INPUT, tmp_path / "words.png")
    page.wait_for_selector(".refusal")
    check("refusal")
    page.get_by_role("tab").nth(1).click()
    page.set_input_files("#films input[type=file]", [film, tmp_path / "words.png"])
    page.wait_for_function("document.querySelectorAll('.batch tbody tr').length === 2")
    page.wait_for_selector("#cancel", state="hidden")
    check("many")
    page.get_by_role("tab").nth(2).click()
    page.wait_for_selector(".about")
    page.eval_on_selector_all("details.about", "all => all.forEach((one) => { one.open = true; })")
    check("about")
    programs = page.locator("details.about:has(#api) .card").inner_text()
    assert f"{served_page()}gradio_api/mcp/" in programs and ":7860" not in programs


def count_models() -> int:
    return len(available_models())


def test_a_dicom_film_without_a_suffix(stayed, tmp_path):
    page = stayed
    pixels = np.asarray(draw_phantom(300, 360, lesions=2, seed=5).image())
    inverted = dicom(
        255 - pixels, PhotometricInterpretation="MONOCHROME1", PatientAge="004Y", ViewPosition="AP"
    )
    (path := tmp_path / "IM000001").write_bytes(saved(inverted))
    page.set_input_files(INPUT, path)
    page.wait_for_selector(".film figcaption:has-text('IM000001')", state="attached")
    assert "360 × 300" in (page.locator(".film figcaption").text_content() or "")
    assert "age 4 y · AP" in (page.locator(".film figcaption").text_content() or "")
    assert "MONOCHROME1 inverted" in (page.locator(".film figcaption").text_content() or "")
    assert "SECRET" not in page.content()


def bad_files(folder: Path, good: Path) -> dict[Path, str]:
    """Files that are no film, and what the page says of each."""
    folder.mkdir()
    (empty := folder / "empty.jpeg").write_bytes(b"")
    (words := folder / "words.png").write_text("these are words")
    Image.open(good).save(torn := folder / "torn.jpeg")
    torn.write_bytes(torn.read_bytes()[:5000])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 0, 0, 0, 0)
    (huge := folder / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999)))
    )

    (ct := folder / "slice").write_bytes(
        saved(dicom(np.zeros((64, 64), np.uint8), SOPClassUID=CTImageStorage, Modality="CT"))
    )
    (large := folder / "large.jpeg").write_bytes(bytes(25 * 2**20 + 1))
    return {
        large: "is larger than 25 MB",
        words: "is not a picture",
        torn: "is damaged or incomplete",
        huge: "megapixels",
        ct: "is not a radiograph (modality CT)",
        empty: "is empty",
    }


def test_bad_files_get_one_sentence_and_the_page_lives_on(stayed, film, tmp_path):
    page = stayed
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    for path, sentence in bad_files(tmp_path / "bad", film).items():
        page.set_input_files(INPUT, path)
        page.wait_for_selector(f".refusal:has-text({path.name!r})")
        words = text(page, ".refusal p")
        assert sentence in words and "Traceback" not in words and "\n" not in words
        assert page.locator(".result").count() == 0
    frames = [Image.open(film), Image.fromarray(np.full((80, 90), 200, np.uint8))]
    frames[0].save(moving := tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    page.set_input_files(INPUT, moving)
    wait_for_result(page, "first of several frames")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "560 × 420")


def test_a_film_of_the_data_set_tells_its_truth_after_the_verdict(visit):
    page = visit()
    buttons = page.locator("#examples button", has_text="Film ")
    assert buttons.count() == 5 and not page.locator(".known").count()
    known = json.loads((ROOT / "examples" / "examples.json").read_text("utf-8"))["films"]
    (number,) = (i for i, film in enumerate(known) if film["kind"] == "wrong")
    buttons.nth(number).click()
    wait_for_result(page, known[number]["file"])
    assert known[number]["truth"] in text(page, ".known")
    assert text(page, ".known a:last-child") == "CC BY 4.0"
    assert known[number]["truth"] in text(page, "#said")
    for width in WIDTHS:
        page.set_viewport_size(WIDTHS[width])
        verdict, said = (page.locator(part).bounding_box() for part in (".call h2", ".known"))
        assert verdict["y"] < said["y"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
