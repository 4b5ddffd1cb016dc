"""About the models: limits before figures, plots that say what was measured, or nothing."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from factories import card_of, evaluation_of, figures, model_result

from pneumonia.card import Card
from pneumonia.evaluation.corruptions import CORRUPTIONS
from pneumonia.evaluation.results import Bin, Corrupted, Evaluation, HeatmapChecks, Saliency
from pneumonia.evaluation.wording import SHOWN
from pneumonia.predictor import Predictor
from pneumonia.web import about, dot_plot, heat_tests, reliability, results, who
from pneumonia.web.texts import load_texts
from tools.overlaps import overlaps

CARDS = [card_of(model) for model in ("densenet169", "cnn")]
CHECKS = HeatmapChecks(
    cascading_randomization={"nothing": 1.0, "classifier": 0.12},
    road={"heat": 0.5, "random": 0.1, "better": 0.83},
    pointing_game={"rise": 0.61, "heat": 0.27, "chance": 0.11, "logit": 1.0},
    exchange={"rise": 0.91, "heat": 0.84, "chance": 0.25},
    energy_outside_body={"outside": 0.0, "outside_area": 0.2, "marker": 0.01, "marker_area": 0.02},
)
BINS = (Bin(0.05, 90, 10), Bin(0.5, 10, 40), Bin(0.95, 0, 150))


def full(**changes) -> Evaluation:
    """Everything that can be measured, of two models; each change costs a little more."""
    costs = {
        name: Corrupted(0.9, 0.95 - i / 100, 0.95 - i / 100, 0.0, 1.0)
        for i, name in enumerate(CORRUPTIONS)
    }
    model = {
        "figures": figures(films=300, normal=100, pneumonia=200, auroc=0.975),
        "corruptions": costs,
        "intervals": dict.fromkeys(SHOWN, (0.88, 0.985)),
        "covered_auroc": 0.75,
        "reliability": BINS,
    }
    models = {card.model: model_result(card, **model | changes) for card in CARDS}
    saliency = Saliency(64, 96, {card.model: CHECKS for card in CARDS}, agreement=0.4)
    return evaluation_of(models, saliency=saliency)


def style(html: str) -> list[dict[str, float]]:
    """The places of every dot of the plot."""
    found = re.findall(r'style="(--at[^"]*)"', html)
    return [{k: float(v) for k, v in re.findall(r"--(\w+): ([\d.]+)", text)} for text in found]


def test_the_plot_has_a_dot_and_its_interval_for_each_model_and_figure():
    html = dot_plot.plot(CARDS, full())
    dots = style(html)
    assert dots[:2] == [{"at": 0.95, "low": 0.76, "high": 0.97}] * 2  # from one half to one
    assert [list(dot) for dot in dots[6:8]] == [["at"], ["at"]] and dots[6]["at"] == 0.5
    rows = re.findall(r'data-t="suite\.(\w+)"', html)
    assert len(rows) == 1 + dot_plot.WORST and rows[0] == "clean"
    worst = 0.95 - (len(CORRUPTIONS) - 1) / 100
    shown = [dot["at"] for dot in dots[10::2]]
    assert shown == sorted(shown) and shown[0] == pytest.approx(2 * worst - 1)
    assert all(0 <= dot["low"] < dot["at"] < dot["high"] <= 1 for dot in dots[8:])
    assert "On 300 films" in html and "plot.flattered" in html
    assert "plot.flattered" not in dot_plot.plot(CARDS, replace(full(), split="test"))


def test_what_lies_below_one_half_is_told_by_its_number():
    assert 'class="below"' not in dot_plot.plot(CARDS, full())
    html = dot_plot.plot(CARDS, full(covered_auroc=0.44))
    assert re.findall(r'class="below" dir="ltr"><\w+ data-n="([\d.]+)"', html) == ["0.44"] * 2


def with_forgotten(by: str | None) -> list[Card]:
    """The cards, the second one's classifier changed by films with covered lungs."""
    training = replace(CARDS[1].training, outline_forgotten_by=by)
    return [CARDS[0], replace(CARDS[1], training=training)]


def test_a_figure_that_was_aimed_at_says_so():
    cards = with_forgotten("pneumonia calibrate --forget-outline")
    html = dot_plot.plot(cards, full())
    assert "Small CNN was changed so that" in re.sub(r"<[^>]+>", "", html)
    assert html.count("plot.aimed") == 1
    assert "plot.aimed" not in dot_plot.plot(with_forgotten(None), full())
    for evaluation in (full(covered_auroc=None), None):  # and where there is no such figure
        assert "plot.aimed" not in dot_plot.plot(cards, evaluation)


def test_every_change_has_its_numbers():
    html = dot_plot.changes(CARDS, full())
    rows = html.partition("<tbody>")[2].split("</tr>")[: len(CORRUPTIONS)]
    for i, row in enumerate(rows):
        cells = [float(cell) for cell in re.findall(r'data-n="([\d.]+)"', row)]
        assert cells == [0.95 - i / 100] * 2 * len(CARDS)
    assert "200 of the validation films" in html  # as many of either class


def test_what_was_not_measured_is_not_shown():
    quick = full(corruptions={"clean": Corrupted(0.9, 0.9, 0.9, 0, 1)}, reliability=())
    quick = replace(quick, saliency=None)
    assert len(style(dot_plot.plot(CARDS, quick))) == 8  # three figures, and with lungs covered
    assert dot_plot.changes(CARDS, quick) == reliability.curves(CARDS, quick) == ""
    assert heat_tests.sentences(CARDS, quick) == heat_tests.sentences(CARDS, None) == ""
    assert reliability.curves(CARDS, None) == ""
    cards_alone = dot_plot.plot(CARDS, None)  # which know how many films, and no interval of AUROC
    assert [len(dot) for dot in style(cards_alone)] == [1, 1, 3, 3, 3, 3]
    assert "On 100 films" in cards_alone


def test_a_reliability_curve_counts_both_classes_as_equally_frequent():
    """Half of all films NORMAL: of 100 and 200 films, each of the former weighs twice as much."""
    found = reliability.points(BINS)
    shares = [share for _, share, _, _ in found]
    assert shares == pytest.approx([5 / 95, 20 / 30, 1.0])
    assert all(low <= share <= high for _, share, low, high in found)
    assert reliability.points(BINS[2:]) == []
    html = reliability.curves(CARDS, full())
    assert html.count("<svg") == 2 and html.count("<circle") == 6


def trained_with(opacities: float | None) -> list[Card]:
    """The first card, with that share of drawn opacities in its recipe."""
    training = CARDS[0].training
    recipe = {**training.recipe, "opacities": opacities}
    return [replace(CARDS[0], training=replace(training, recipe=recipe))]


def test_who_trained_with_drawn_opacities_says_so():
    for opacities, said in ((0.25, True), (0.0, False), (None, False)):
        html = heat_tests.sentences(trained_with(opacities), full())
        assert ("heat.practised" in html) is said


def test_the_maps_tests_are_sentences_with_what_was_measured():
    html = heat_tests.sentences(CARDS, full())
    words = re.sub(r"<[^>]+>", " ", html)
    for text in (
        "On 64 films",
        "into 96 films",
        "61 %",
        "11 %",
        "91 %",
        "84 %",
        "83 %",
        "50 %",
        "0.12",
        "0.40",
    ):
        assert text in re.sub(r"\s+", " ", words), text
    assert html.count("Small CNN") == 8
    assert not re.search(r'data-n="\d+\.\d+">', html)  # of a few films no tenth of a per cent
    assert "heat.agreement" not in heat_tests.sentences(CARDS[:1], full())


def test_limits_stand_without_a_number_and_facts_name_the_versions():
    assert not re.search(r"\d", re.sub(r"<[^>]+>", "", results.limits()))
    html = results.facts(CARDS)
    assert "When to stop".lower() in html.lower() and "Small CNN 7.8.9" in html


def test_whoever_runs_the_page_is_named_where_it_says_so(monkeypatch):
    for name in who.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    assert who.runs_it() == ""
    monkeypatch.setenv("PNEUMONIA_OPERATOR", "<b>Ward 3</b>")
    monkeypatch.setenv("PNEUMONIA_LOCATION", " ")
    html = who.runs_it()
    assert "&lt;b&gt;Ward 3" in html and "who.location" not in html and "who.contact" not in html


def test_every_text_of_the_page_is_used():
    shown = dot_plot.plot(with_forgotten("a command"), full())
    shown += dot_plot.changes(CARDS, full()) + results.audit()
    shown += heat_tests.sentences(CARDS, full()) + reliability.curves(CARDS, full())
    shown += heat_tests.practised(trained_with(0.25))
    groups = ("suite.", "audit.", "heat.", "plot.", "reliability.")
    keys = {key for key in load_texts()["en"] if key.startswith(groups)} - {"plot.numbers"}
    assert len([key for key in keys if key.startswith("suite.")]) == len(CORRUPTIONS)
    assert not [key for key in keys if f'data-t="{key}"' not in shown]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [("desk", "dark", "en"), ("phone", "light", "ar")]
)
def test_everything_fits_and_bars_nobody_s_way(visit, monkeypatch, width, scheme, locale):
    """The page of models whose evaluation is the one above, run by somebody."""
    for name in who.VARIABLES.values():
        monkeypatch.setenv(name, f"<i>{name}</i>")
    monkeypatch.setattr(results, "load_evaluation", lambda cards: full())
    html = about.models([cast(Predictor, SimpleNamespace(card=card)) for card in CARDS])
    page = visit(width, scheme, locale=locale)
    page.get_by_role("tab").nth(2).click()
    place = page.locator("#models :has(> .abreast)").last
    place.evaluate("(models, html) => { models.innerHTML = html; }", html)
    page.click("#models .about summary")
    assert page.locator("html").get_attribute("lang") == locale
    said = load_texts()[locale]["plot.title"]
    page.wait_for_selector(f"#models h3:has-text({said!r})")
    limits, plot = (page.locator(f"#models {part}").bounding_box() for part in (".first", ".dots"))
    assert limits["y"] + limits["height"] <= plot["y"]  # before any figure
    # a dot lies where its number says, from one half to one
    lane = page.locator("#models .dots td > div").first
    box, dot = lane.bounding_box(), lane.locator("i").bounding_box()
    middle = (dot["x"] + dot["width"] / 2 - box["x"]) / box["width"]
    assert middle == pytest.approx(2 * 0.975 - 1, abs=0.01)
    line = lane.locator("s").bounding_box()
    assert line["x"] - box["x"] == pytest.approx((2 * 0.88 - 1) * box["width"], abs=1)
    assert overlaps(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    barred = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in barred if rule["impact"] in ("serious", "critical")] == []
