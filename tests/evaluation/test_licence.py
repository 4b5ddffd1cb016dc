"""The terms of weights follow from what their card says they were trained on."""

from dataclasses import replace

import pytest
from factories import card_of

from pneumonia.evaluation.licence import CC_BY, NON_COMMERCIAL, UNKNOWN, licence_of
from pneumonia.evaluation.model_card import model_card

FILMS = "films of Kermany et al.; CC BY 4.0"


@pytest.mark.parametrize(
    ("films", "first_weights", "source", "licence"),
    [
        (FILMS, "none", None, CC_BY),
        (FILMS, "imagenet", None, NON_COMMERCIAL),
        (FILMS, "first.safetensors", "pictures for non-commercial research", NON_COMMERCIAL),
        (FILMS, "first.safetensors", "drawings, CC BY 4.0", CC_BY),
        (FILMS, "first.safetensors", "", UNKNOWN),
        (FILMS, "first.safetensors", None, UNKNOWN),
        ("films of this hospital", "none", None, UNKNOWN),
    ],
)
def test_the_strictest_terms_count(films, first_weights, source, licence):
    card = card_of("cnn")
    training = replace(
        card.training,
        data=replace(card.training.data, name=films),
        initialisation=first_weights,
        pretraining=None if source is None else {"source": source},
    )
    assert licence_of(training) == licence
    assert licence_of(replace(training, recipe={"teachers": ["Another 1234"]})) == UNKNOWN


def test_a_model_card_of_unknown_terms_says_so():
    text = model_card(card_of("cnn"))  # trained on drawn films, whose terms nobody gave
    assert "license: other\nlicense_name: unknown\nlibrary_name" in text
    assert "trained on: unknown terms: ask before use." in " ".join(text.split())
