"""A part of the film hidden: what the server makes of a box, and a visitor who draws one."""

import json

import pytest
from factories import prediction
from served_page import INPUT, wait_for_result

from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import handlers, hiding, views, visits
from pneumonia.web.texts import load_texts

BOX = [0.25, 0.5, 0.5, 1.0]


@pytest.mark.parametrize(
    "box",
    [
        *(None, "box", {}, [], [0.1] * 3, [0.1] * 5, [["0"]] * 4, ["0", 0, 1, 1]),
        *([0, 0, 1, float("nan")], [0, 0, float("inf"), 1], [-0.1, 0, 1, 1], [0, 0, 1, 1.01]),
        *([0.5, 0, 0.5, 1], [0, 0.6, 1, 0.4], [False, False, True, True], [0, 0, 1, 10**400]),
    ],
)
def test_what_is_no_box_is_told_in_a_sentence(box):
    told = json.loads(hiding.answer(visits.GONE, "all", 3, box))
    assert told == {"turn": 3, "note": {"t": "hide.wrong"}}


def test_a_film_that_is_gone_gets_the_usual_sentence():
    told = json.loads(hiding.answer(visits.GONE, "all", "no number", BOX))
    assert told["turn"] == 0 and told["note"]["t"] == "refusal.gone" and "models" not in told


def test_a_region_is_the_box_on_a_grid_with_its_shares():
    region = hiding.region((0.25, 0.5, 0.5, 1.0))
    assert region.shape == (128, 128) and region.sum() == 32 * 64
    assert region[64:, 32:64].min() == 1
    thin = hiding.region((0.501, 0.0, 0.504, 1.0))
    assert thin.sum() / 128 == pytest.approx(0.003 * 128, rel=1e-4)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        *((0.9, 0.88, "same"), (0.9, 0.7, "falls"), (0.9, 0.2, "falls_lot")),
        *((0.1, 0.3, "rises"), (0.1, 0.9, "rises_lot"), (0.5, 0.5, "same")),
    ],
)
def test_words_for_a_change(before, after, words):
    assert hiding.changed(before, after) == words


def test_both_probabilities_come_from_one_pass_and_a_place_without_lungs_says_so(
    three_models, monkeypatch
):
    monkeypatch.setattr(handlers, "PREDICTORS", {})
    handlers.load_models()
    drawn = draw_phantom(200, 240, lesions=2, seed=5).pixels
    (film,) = [p.radiograph for p in handlers.infer(drawn, ["tiny"])]
    whole = {p.model: p.probability for p in handlers.infer(film, list(handlers.PREDICTORS))}
    told = json.loads(hiding.answer(film, "all", 7, [0.2, 0.2, 0.8, 0.8]))
    assert told["turn"] == 7 and told["note"] is None
    assert {name: before for name, (before, *_) in told["models"].items()} == pytest.approx(
        whole, abs=1e-4
    )
    assert any(abs(before - after) > 1e-4 for before, after, _ in told["models"].values())

    (corner,) = json.loads(hiding.answer(film, "tiny", 8, [0, 0, 0.02, 0.02]))["models"].values()
    assert corner[0] == pytest.approx(corner[1], abs=1e-4) and corner[2] == "hide.same"
    note = json.loads(hiding.answer(film, "tiny", 8, [0, 0, 0.02, 0.02]))["note"]
    assert note == {"t": "hide.unseen"}


def test_it_is_offered_for_films_that_the_models_know():
    assert 'data-toggle="hiding"' in views.result([prediction(0.9)])
    assert 'data-toggle="hiding"' not in views.result([prediction(0.9, gate="unlike")])


def draw(page, box) -> None:
    """Draws a box, given in shares of the film, with the mouse."""
    stage = page.locator(".viewer-stage").first
    stage.scroll_into_view_if_needed()
    place = stage.bounding_box()
    ends = [
        (place["x"] + x * place["width"], place["y"] + y * place["height"])
        for x, y in (box[:2], box[2:])
    ]
    page.mouse.move(*ends[0])
    page.mouse.down()
    page.mouse.move(*ends[1], steps=4)
    page.mouse.up()


@pytest.mark.browser
def test_a_visitor_hides_a_part(visit, film):
    words = load_texts()["ar"]
    page = visit("phone", locale="ar")
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    page.click("[data-toggle=sheet]")
    page.get_by_role("button", name=words["hide.button"]).click()
    assert page.locator(".viewer-hint").inner_text() == words["hide.help"]

    draw(page, (0.15, 0.3, 0.45, 0.8))
    page.wait_for_selector(".without:visible")
    rows = page.locator(".without")
    assert rows.count() == len(available_models())
    says = {words[f"hide.{key}"] for key in ("same", "falls", "falls_lot", "rises", "rises_lot")}
    for row in rows.all():
        assert row.locator("> span").inner_text() in says
        assert row.locator("bdi").inner_text().count("%") == 2
    assert page.locator(".viewer-live").inner_text().count("%") == 2 * len(available_models())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    draw(page, (0.005, 0.005, 0.06, 0.04))
    outside = f"{words['hide.unseen']}|{words['hide.faint']}"
    page.wait_for_function(
        "words => words.split('|').includes(document.querySelector('.viewer-hint').innerText)",
        arg=outside,
    )
    page.locator(".viewer-stage").first.focus()
    before = page.locator(".viewer-stage canvas").first.evaluate("(c) => c.toDataURL()")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".without:visible")
    page.keyboard.press("Escape")
    page.wait_for_selector(".without:visible", state="detached")
    assert page.locator(".viewer-hint").inner_text() == words["hide.help"]
    drawn = "document.querySelector('.viewer-stage canvas').toDataURL()"
    page.wait_for_function(f"before => {drawn} !== before", arg=before)


@pytest.mark.browser
def test_of_a_film_that_the_models_do_not_know_nothing_is_hidden(visit, film):
    page = visit()
    page.set_input_files(INPUT, film)
    wait_for_result(page, "first")
    page.click("#result [data-toggle=hiding]")
    draw(page, (0.15, 0.3, 0.45, 0.8))
    page.wait_for_selector(".without:visible")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("[data-answer=no]")
    page.wait_for_selector(".without:visible", state="detached")
    assert page.locator(".viewer[data-tool=hide]").count() == 0
    page.click("[data-answer=yes]:visible")  # taken back
    page.wait_for_selector("#result [data-toggle=hiding][aria-pressed=false]")
    assert page.locator(".without:visible").count() == 0
