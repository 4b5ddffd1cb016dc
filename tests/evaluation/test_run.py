"""Films and models in, an evaluation out."""

import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import TINY, card_of, evaluation_of, model_result, open_gate, seeded_network

from pneumonia.data.dataset import Record
from pneumonia.evaluation.answers import Answer, Films, answer, by_cause, calls, coverage
from pneumonia.evaluation.results import Calls, CauseSensitivity
from pneumonia.evaluation.run import write_report
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
    assert [record.patient for record in kept.records] == kept.patients.tolist()
    assert (kept.images[9] == to_canonical(films[1])).all() and kept.patients[9] == "patient 9"
    expected = predictor.predict_batch(films, heatmap=False)
    for said, prediction in zip(answers, expected * 3, strict=False):
        assert said.probability == pytest.approx(prediction.probability, abs=1e-5)
        assert said.in_scope == prediction.in_scope
        assert said.label == int(prediction.label == "PNEUMONIA")


def test_calls_by_hand():
    sets = [(True, False), (False, True), (True, True), (False, True), (False, True)]
    gate = (True, True, True, True, False)
    answers = [
        Answer(0.5, 0, plausible, known) for plausible, known in zip(sets, gate, strict=True)
    ]
    assert calls(answers, np.array([0, 0, 0, 1, 0])) == Calls(films=3, wrong=1)


def test_sensitivity_by_cause_by_hand():
    names = ("person1_bacteria_1", "person1_bacteria_2", "person2_virus_1", "IM-1-1", "person3")
    truth, called = np.array([1, 1, 1, 0, 1]), (0, 1, 1, 1, 1)
    records = [Record(Path(f"{name}.jpeg"), 1, name, "val") for name in names]
    answers = [Answer(0.5, label, (True, True), True) for label in called]
    some = Films(torch.empty(5, 1), truth, np.arange(5), records)
    assert by_cause(answers, some) == {
        "bacteria": CauseSensitivity(2, 0.5),
        "virus": CauseSensitivity(1, 1.0),
    }


def test_a_film_whose_name_is_no_utf_8_has_its_row(tmp_path):
    records = [Record(Path(f"val/NORMAL/\udcff{i}.png"), i // 2, "\udcff", "val") for i in range(4)]
    measured = Films(torch.empty(0), np.array([0, 0, 1, 1]), np.arange(4), records)
    write_report(tmp_path, evaluation_of({"cnn": model_result(card_of("cnn"))}), measured)
    _, first, *_ = (tmp_path / "films.csv").read_text(encoding="utf-8").splitlines()
    assert first == r"val/NORMAL/\udcff0.png,NORMAL,\udcff,0.100000"


def test_coverage_by_hand():
    sets = [(True, False), (False, True), (True, True), (False, False), (False, True)]
    answers = [Answer(0.5, 0, plausible, True) for plausible in sets]
    shares = coverage(answers, np.array([0, 0, 0, 1, 1]))
    assert (shares.normal, shares.pneumonia, shares.uncertain) == (2 / 3, 1 / 2, 2 / 5)
