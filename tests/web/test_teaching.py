"""Films whose truth is known, in a real Chromium."""

import csv
import json
import zipfile

import numpy as np
import pytest
from scipy.stats import binomtest
from served_page import MANY, WIDTHS
from sklearn.metrics import confusion_matrix, roc_auc_score

from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import modules

pytestmark = pytest.mark.browser


def test_the_figures_are_those_of_scikit_learn_and_scipy(new_page):
    page = new_page()
    source = (modules.FOLDER / "figures.js").read_text("utf-8")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    chance = (0.4 * truth + 0.6 * rng.random(60)).round(1)  # with ties
    names = ["NORMAL", "PNEUMONIA"]
    films = [
        {"truth": names[t], "probability": p}
        for t, p in zip(truth.tolist(), chance.tolist(), strict=True)
    ]
    found = page.evaluate(
        """async ([source, films]) => {
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          const { area, callAt, confusion, histogram, roc, wilson } = await import(url);
          return { auroc: area(roc(films)), counts: confusion(films, callAt(0.5)),
            bins: histogram(films, 10), wilson: [[9, 10], [0, 7], [7, 7]].map((a) => wilson(...a)),
            one: roc(films.filter((film) => film.truth === "NORMAL")) };
        }""",
        [source, films],
    )
    assert found["auroc"] == pytest.approx(roc_auc_score(truth, chance))
    table = confusion_matrix(truth, chance >= 0.5)
    counts = [[found["counts"].get(f"{t}.{c}", 0) for c in names] for t in names]
    assert counts == table.tolist() and found["one"] == []
    assert [sum(found["bins"][name]) for name in names] == np.bincount(truth).tolist()
    for (right, total), interval in zip(((9, 10), (0, 7), (7, 7)), found["wilson"], strict=True):
        wilson = binomtest(right, total).proportion_ci(method="wilson")
        assert interval == pytest.approx([wilson.low, wilson.high])


def test_folders_and_a_table_give_figures(visit, tmp_path):
    with zipfile.ZipFile(archive := tmp_path / "set.zip", "w") as file:
        for number in range(4):
            label = ("Normal", "PNEUMONIA")[number % 2]
            draw_phantom(200, 240, lesions=3 * (number % 2), seed=number).image().save(
                film := tmp_path / f"film{number}.png"
            )
            file.write(film, f"set/{label}/{film.name}")
    page = visit("phone", "light", locale="ar")
    page.get_by_role("tab").nth(1).click()
    page.set_input_files(MANY, archive)
    page.wait_for_selector(".teaching-model")
    known = "document.querySelector('.teaching-known')?.dataset.args"
    page.wait_for_function(f"JSON.parse({known} ?? '{{}}').known === 4")
    args = json.loads(page.get_attribute(".teaching-known", "data-args"))
    assert args == {"known": 4, "films": 4, "normal": 2, "pneumonia": 2}
    assert page.locator(".teaching-few").is_visible()
    page.wait_for_selector("#cancel", state="hidden")

    requests = []
    page.on("request", lambda request: requests.append(request.url))
    model = page.locator(".teaching-model").first
    cells = model.locator("[data-kind=cut] [data-cell$='.PNEUMONIA']")
    model.locator("input").press("Home")  # from 1 % on everything is pneumonia, or nearly
    low = sum(map(int, cells.all_inner_texts()))
    model.locator("input").press("End")
    assert low >= sum(map(int, cells.all_inner_texts()))
    assert model.locator("output").inner_text() == "99.0\u00a0%" and not requests
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.emulate_media(media="print")  # the handout
    assert page.locator(".teaching-paper").is_visible() and model.locator("svg").first.is_visible()
    assert "pneumonia " in page.inner_text(".teaching-paper p:last-child")
    assert not model.locator("input").is_visible()
    assert not page.locator(".teaching-press").is_visible()
    page.emulate_media(media="screen")
    assert not page.locator(".teaching-paper").is_visible()
    assert page.locator(".teaching-press").is_visible()

    with (tmp_path / "truth.csv").open("w", newline="") as file:
        rows = [("film", "truth"), *((f"film{n}.png", "NORMAL") for n in range(3)), ("z", "NORMAL")]
        csv.writer(file).writerows(rows)
    page.set_input_files(MANY, tmp_path / "truth.csv")
    page.wait_for_selector(".teaching-told")
    told = json.loads(page.get_attribute(".teaching-told", "data-args"))
    assert told == {"rows": 4, "found": 3, "unmatched": 1, "unclear": 0}
    page.wait_for_function(f"JSON.parse({known}).normal === 3")
    page.set_viewport_size(WIDTHS["desk"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
