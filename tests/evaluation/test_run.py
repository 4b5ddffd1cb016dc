"""Films and models in, an evaluation out."""

import weakref

import numpy as np
import pytest
from factories import TINY, card_of, open_gate, seeded_network

from pneumonia.data.dataset import Record
from pneumonia.evaluation.answers import Answer, answer, coverage
from pneumonia.models import MODELS
from pneumonia.predictor import Predictor
from pneumonia.preprocess import to_canonical
from pneumonia.reading.radiograph import read_radiograph


@pytest.fixture
def predictor(monkeypatch) -> Predictor:
    monkeypatch.setitem(MODELS, "tiny", TINY)
    return Predictor(seeded_network("tiny"), card_of("tiny"), open_gate("tiny"))


def test_only_two_batches_of_full_size_films_are_in_memory(predictor, films, tmp_path):
    alive, most = weakref.WeakSet(), 0

    def labelled():
        nonlocal most
        for number in range(20):
            film = read_radiograph(films[number % len(films)])
            alive.add(film)
            most = max(most, len(alive))
            yield Record(tmp_path, number % 2, f"patient {number}", "val"), film
            del film

    kept, (answers,) = answer([predictor], labelled(), batch_size=4)
    assert most <= 2 * 4  # a batch is let go when the next has been read
    assert kept.images.shape == (20, 1, 224, 224) and kept.labels.tolist() == [0, 1] * 10
    assert (kept.images[9] == to_canonical(films[1])).all() and kept.patients[9] == "patient 9"
    expected = predictor.predict_batch(films, heatmap=False)
    for said, prediction in zip(answers, expected * 3, strict=False):
        assert said.probability == pytest.approx(prediction.probability, abs=1e-5)
        assert said.in_scope == prediction.in_scope
        assert said.label == int(prediction.label == "PNEUMONIA")


def test_coverage_by_hand():
    sets = [(True, False), (False, True), (True, True), (False, False), (False, True)]
    answers = [Answer(0.5, 0, plausible, True) for plausible in sets]
    shares = coverage(answers, np.array([0, 0, 0, 1, 1]))
    assert (shares.normal, shares.pneumonia, shares.uncertain) == (2 / 3, 1 / 2, 2 / 5)
