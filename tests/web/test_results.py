"""The measured figures on the page: read from files, of these weights or not at all."""

import json
import re

import pytest
from factories import card_of, evaluation_of, figures, model_result

from pneumonia.card import WeightsFile
from pneumonia.evaluation.corruptions import CORRUPTIONS
from pneumonia.evaluation.results import Corrupted, Evaluation
from pneumonia.storage.shipped import available_models
from pneumonia.web import results
from pneumonia.web.texts import load_texts

MODELS = ("densenet169", "cnn")
CARDS = [card_of(model) for model in MODELS]


def report(**hashes: str) -> Evaluation:
    """With other figures for each perturbation and model."""
    return evaluation_of(
        {
            name: model_result(
                card_of(name, weights=WeightsFile(sha256=sha256)),
                figures=figures(films=1234),
                corruptions={
                    change: Corrupted(0.125, (number + i) / 1000, 0.25, 0.0, 1.0)
                    for i, change in enumerate(CORRUPTIONS)
                },
            )
            for number, (name, sha256) in enumerate(hashes.items(), start=500)
        }
    )


def test_an_evaluation_counts_for_the_weights_it_measured(tmp_path):
    file = tmp_path / "evaluation" / "evaluation.json"
    file.parent.mkdir()
    cards = [card_of(name, weights=WeightsFile(sha256=name[:2])) for name in MODELS]
    assert results.load_evaluation(cards, tmp_path) is None
    report(densenet169="de", cnn="cn").save(file)
    assert results.load_evaluation(cards, tmp_path) == report(densenet169="de", cnn="cn")
    report(densenet169="de", cnn="other").save(file)
    assert results.load_evaluation(cards, tmp_path) is None
    assert results.load_evaluation(cards[:1], tmp_path) is not None
    file.write_text('{"models": {}}')  # of another version
    assert results.load_evaluation(cards, tmp_path) is None


def test_every_perturbation_has_its_row():
    html = results.perturbations(report(densenet169="", cnn=""), CARDS)
    rows = html.partition("<tbody>")[2].split("</tr>")[: len(CORRUPTIONS)]
    for i, row in enumerate(rows):
        cells = re.findall(r'data-n="([\d.]+)"', row)
        sensitivity = (500 + i) / 1000
        assert [float(cell) for cell in cells] == [sensitivity, 0.25, sensitivity + 0.001, 0.25]
        dots = [float(place) for place in re.findall(r"--at: ([\d.]+)", row)]
        assert dots == pytest.approx([2 * max(float(cell), 0.5) - 1 for cell in cells])
    assert "1,234 validation films" in html and html.count("<tr") == html.count("</tr>")


def test_an_evaluation_without_perturbations_has_no_table():
    quick = evaluation_of({"cnn": model_result(card_of("cnn"))})
    assert results.perturbations(quick, [card_of("cnn")]) == ""


def test_the_audit_s_bars_are_as_long_as_better_than_guessing(tmp_path):
    assert results.audit(tmp_path) == ""
    found = {"all file metadata": {"auroc": 0.9}, "bytes per file": {"auroc": 0.45}}
    (tmp_path / "audit").mkdir()
    content = {"sources": {"original files": {"shortcut_auroc": found}}}
    (tmp_path / "audit" / "audit.json").write_text(json.dumps(content))
    html = results.audit(tmp_path)
    assert re.findall(r"--share: ([\d.]+)", html) == ["0.800", "0.000"]
    assert "0.9000" in html and "one quality" not in html


def test_the_audit_that_ships_is_on_the_page():
    assert results.audit().count("<dt") == 7


@pytest.mark.parametrize("model", available_models())
def test_a_model_card_is_on_the_page_without_what_only_the_hub_reads(model):
    card = results.model_card(model)
    assert card.startswith("# ") and "## Limits" in card
    assert "license:" not in card and "<!--" not in card and "![" not in card


def test_a_model_without_a_card_says_how_to_write_one():
    assert "`pneumonia cards`" in results.model_card("no-such-model")


def test_every_text_of_the_figures_is_used():
    shown = (
        results.perturbations(report(cnn=""), [card_of("cnn")]) + results.audit() + results.limits()
    )
    keys = [key for key in load_texts()["en"] if key.startswith(("suite.", "audit."))]
    assert len(keys) == len(CORRUPTIONS) + 8
    assert not [key for key in keys if f'data-t="{key}"' not in shown]
