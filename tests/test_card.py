"""The card's schema: what comes back, and what is refused in one sentence."""

import json
import math

import pytest
from factories import card_of

from pneumonia.card import Card
from pneumonia.storage.typed_json import FormatError


def test_a_card_comes_back_as_it_was_saved(tmp_path):
    card = card_of("cnn", calibrated_by="pneumonia calibrate")
    card.save(tmp_path / "card.json")
    assert Card.load(tmp_path / "card.json") == card


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("calibration.temperature", -1.0, "calibration makes no sense"),
        ("calibration.bias", math.inf, "calibration makes no sense"),
        ("operating_point.threshold", math.nan, "operating_point makes no sense"),
        ("conformal.normal_to", 2, "conformal makes no sense"),
        ("preprocessing.size", 0, "preprocessing makes no sense"),
        ("preprocessing.size", "64", "preprocessing.size should be of type int, not '64'"),
        ("weights.file", "../model.safetensors", "weights makes no sense"),
        ("labels", ["PNEUMONIA", "NORMAL"], "labels makes no sense"),
        ("training.data", 3, "training.data should be a group of fields, not 3"),
        ("validation.clean.auroc", None, "validation.clean.auroc should be of type float"),
        ("calibration.bias", ..., "lacks the field calibration.bias"),
        ("training", ..., "lacks the field training"),
    ],
)
def test_a_field_that_is_missing_or_makes_no_sense_is_named(tmp_path, path, value, words):
    card_of("cnn").save(tmp_path / "card.json")
    content = json.loads((tmp_path / "card.json").read_text())
    *groups, name = path.split(".")
    group = content
    for part in groups:
        group = group[part]
    if value is ...:
        del group[name]
    else:
        group[name] = value
    (tmp_path / "card.json").write_text(json.dumps(content))
    with pytest.raises(FormatError) as refusal:
        Card.load(tmp_path / "card.json")
    assert words in str(refusal.value)


@pytest.mark.parametrize("text", ["{", "[]", "3", ""])
def test_what_is_no_card_is_refused(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(FormatError):
        Card.load(tmp_path / "card.json")
