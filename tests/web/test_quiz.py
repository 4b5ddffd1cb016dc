"""Your call first, then the models': what the server sends of a film, and a visitor who answers."""

import base64
import io
import json
import zipfile

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from served_page import JOIN, MANY, broken

from pneumonia.reading.archive import FilmRef
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import quiz, visits
from tools.overlaps import overlaps


def test_a_film_comes_small_enough_and_without_its_name(tmp_path):
    film = draw_phantom(240, 300, seed=3).image().resize((1500, 1200))
    film.save(path := tmp_path / "person1_virus.png")
    told = quiz.picture(FilmRef(path), 4)
    assert "person1" not in told and json.loads(told)["turn"] == 4
    content = json.loads(told)["picture"].partition(",")[2]
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert picture.size == (1024, 819)


def test_a_film_that_is_gone_gets_the_usual_sentence():
    told = json.loads(quiz.picture(visits.GONE, "no number"))
    assert told["turn"] == 0 and told["note"]["t"] == "refusal.gone" and "picture" not in told


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [("desk", "dark", "en"), ("phone", "light", "ar")]
)
def test_a_visitor_calls_first_and_is_scored_beside_the_models(
    visit, tmp_path, width, scheme, locale
):
    labels = ("NORMAL", "PNEUMONIA", "PNEUMONIA", "loose")
    truths = {f"film{number}.png": label for number, label in enumerate(labels)}
    with zipfile.ZipFile(archive := tmp_path / "set.zip", "w") as file:
        for film, label in truths.items():
            draw_phantom(200, 240, lesions=3, seed=int(film[4])).image().save(tmp_path / film)
            file.write(tmp_path / film, f"{label}/{film}")
        (tmp_path / "words.png").write_text("words")
        file.write(tmp_path / "words.png", "NORMAL/words.png")
    page = visit(width, scheme, locale=locale)
    page.get_by_role("tab").nth(1).click()
    page.set_input_files(MANY, archive)
    page.wait_for_function("document.querySelectorAll('.batch tbody tr').length === 5")
    page.wait_for_selector("#cancel", state="hidden")
    known = page.locator(".batch tbody tr:not(:has(.out, .problem)) .film").all_inner_texts()
    asked = sorted(truths[film] for film in known if truths[film] != "loose")

    page.route(JOIN, broken)
    page.click(".quiz-start")
    page.wait_for_selector(".quiz-next:visible")  # what cannot be seen need not be called
    assert page.locator(".quiz [data-call]:disabled").count() == 2
    page.keyboard.press("p")
    page.click(".quiz-close")
    page.unroute(JOIN)
    page.click(".quiz-start")
    called = []
    for place in range(len(asked)):  # no film out of scope, without a truth or that cannot be read
        page.wait_for_selector(".quiz img:not([hidden])")
        assert json.loads(page.get_attribute(".quiz-place", "data-args"))["total"] == len(asked)
        assert not page.locator(".quiz-truth").is_visible()
        assert not page.locator(".quiz [data-called]").first.is_visible()
        assert "film" not in page.locator(".quiz img").get_attribute("src")[:30]
        if place == 0:
            check(page)
        if place == 1:
            page.click(".quiz [data-call=NORMAL]")
        else:
            page.keyboard.press("p")
        assert page.locator(".quiz-truth").is_visible()
        answer = json.loads(page.get_attribute(".quiz-truth", "data-args"))
        called.append((answer["truth"]["t"], answer["call"]["t"]))
        assert all(page.locator(".quiz [data-called] strong").all_inner_texts())
        page.keyboard.press("n")  # a call is made once
        assert json.loads(page.get_attribute(".quiz-truth", "data-args")) == answer
        if place == 0:
            check(page)
        page.keyboard.press("Enter")  # what goes on is focused

    assert sorted(truth for truth, _ in called) == [f"verdict.{label}" for label in asked]
    right = sum(truth == call for truth, call in called)
    scores = {
        row.get_attribute("data-score"): [int(n) for n in row.locator("td").all_inner_texts()]
        for row in page.locator(".quiz [data-score]").all()
    }
    assert scores["you"] == [right, len(asked) - right, 0]
    assert scores.keys() == {"you", *available_models()}
    assert all(sum(counts) == len(asked) for counts in scores.values())
    assert page.locator(".quiz-few").is_visible()
    interval = json.loads(page.get_attribute(".quiz-interval", "data-args"))
    assert (interval["right"], interval["films"]) == (right, len(asked))
    check(page)

    page.keyboard.press("Enter")  # once more
    page.wait_for_selector(".quiz img:not([hidden])")
    assert not page.locator(".quiz-truth").is_visible()
    assert page.locator(".quiz [data-call][aria-pressed]").count() == 0
    page.keyboard.press("Escape")
    assert not page.locator("dialog.quiz").is_visible() and page.locator(".teaching").is_visible()


def check(page) -> None:
    """Nothing lies over anything, and nothing bars anybody's way."""
    assert overlaps(page) == []
    barred = Axe().run(page, context="dialog.quiz").response["violations"]
    assert [rule["id"] for rule in barred if rule["impact"] in ("serious", "critical")] == []
