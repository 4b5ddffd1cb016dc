"""The measured figures on the page: read from files, of these weights or not at all."""

import json
import re

from factories import card_of, evaluation_of, model_result

from pneumonia.card import WeightsFile
from pneumonia.evaluation.results import Evaluation
from pneumonia.web import results

MODELS = ("densenet169", "cnn")


def report(**hashes: str) -> Evaluation:
    """Of models with these weights."""
    return evaluation_of(
        {
            name: model_result(card_of(name, weights=WeightsFile(sha256=sha256)))
            for name, sha256 in hashes.items()
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
