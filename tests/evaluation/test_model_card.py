"""What people read about the models follows from the JSON beside the weights."""

import subprocess
import sys
from dataclasses import replace

import pytest
from factories import ROOT, card_of, evaluation_of, model_result

from pneumonia.card import Card
from pneumonia.evaluation.model_card import model_card
from pneumonia.evaluation.results import Corrupted, Evaluation
from pneumonia.evaluation.wording import SHOWN
from pneumonia.storage.shipped import available_models, checkpoints_root

needs_models = pytest.mark.skipif(not available_models(), reason="no checkpoint to describe")


def shipped(name: str) -> Card:
    return Card.load(checkpoints_root() / name / "card.json")


def evaluation_for(card: Card) -> Evaluation:
    changes = {
        "clean": Corrupted(0.98765, 0.9, 0.95, 0.0, gate_pass_rate=1.0),
        "noise": Corrupted(0.91111, 0.92, 0.61, 0.1, gate_pass_rate=0.875),
    }
    model = model_result(
        card,
        figures=replace(card.validation.clean, auroc=0.98765),
        intervals=dict.fromkeys(SHOWN, (0.12345, 0.99345)),
        corruptions=changes,
    )
    return evaluation_of({card.model: model})


@needs_models
def test_every_figure_of_the_evaluation_is_said():
    card = shipped("cnn")
    text = model_card(card, evaluation_for(card))
    words = " ".join(text.split())
    assert "| AUROC | 0.988 | 0.123–0.993 |" in words
    assert "0.911 (noise), sensitivity at least 0.900, specificity at least 0.610" in words
    assert "87.5 % through (noise)" in words
    assert card.weights.sha256 in text and (card.training.git_commit or "") in text
    assert "from scratch" in text and "not a medical device" in words


@needs_models
def test_a_card_says_plainly_where_the_first_weights_come_from():
    card = shipped("cnn")
    assert "trained from scratch (random first weights)" in " ".join(model_card(card).split())
    training = replace(card.training, initialisation="first.safetensors")
    words = " ".join(model_card(replace(card, training=training)).split())
    assert "by transfer from `first.safetensors`" in words
    before = {
        "command": "pneumonia pretrain --x",
        "source": "Tiny things, for research",
        "pictures": 98765,
        "classes": 43,
        "epochs": 7,
        "size": 64,
        "accuracy": 0.24567,
    }
    training = replace(training, pretraining=before)
    words = " ".join(model_card(replace(card, training=training)).split())
    for part in (
        "98,765 natural pictures of 43 classes (Tiny things, for research; 64 px",
        "0.246",
    ):
        assert part in words


@needs_models
def test_an_evaluation_of_other_weights_is_refused():
    card = shipped("cnn")
    other = evaluation_for(replace(card, weights=replace(card.weights, sha256="0" * 64)))
    for evaluation in (other, evaluation_of({})):
        with pytest.raises(ValueError, match="not of these weights"):
            model_card(card, evaluation)


@needs_models
@pytest.mark.parametrize("name", available_models())
def test_the_shipped_model_cards_are_those_of_the_shipped_weights(name):
    text = (checkpoints_root() / name / "README.md").read_text(encoding="utf-8")
    file = ROOT / "docs" / "evaluation" / "evaluation.json"
    evaluation = Evaluation.load(file) if file.is_file() else None
    assert text == model_card(shipped(name), evaluation)


def test_cards_and_runs_are_written_without_torch():
    code = """
import sys
import pneumonia.evaluation.model_card, pneumonia.evaluation.report, pneumonia.training.comparison
print([name for name in ("torch", "sklearn", "scipy", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_model_card_names_the_teachers_once():
    card = card_of("cnn")
    recipe = {"seed": 0, "taught": 0.5, "teachers": ["Another 1234", "A third 5678"]}
    taught = replace(card, training=replace(card.training, recipe=recipe))
    text = " ".join(model_card(taught).split())
    assert "taught by Another 1234 and A third 5678" in text and "seed 0, taught 0.5 |" in text
    assert text.count("1234") == 1
