import math
from dataclasses import astuple, replace

import numpy as np
import pytest
from factories import card_of, model_result

from pneumonia.evaluation.metrics import (
    calibration_error,
    compare,
    intervals,
    metrics,
    reliability,
)
from pneumonia.evaluation.results import Difference

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9, 0.95])


def test_metrics_by_hand():
    figures = metrics(LABELS, PROBABILITIES, threshold=0.6)
    assert (figures.films, figures.normal, figures.pneumonia) == (9, 4, 5)
    assert figures.sensitivity == 4 / 5 and figures.specificity == 3 / 4
    assert figures.accuracy == pytest.approx(7 / 9)
    assert figures.auroc == pytest.approx(18 / 20)  # two of the twenty pairs are in wrong order
    assert figures.brier == pytest.approx(np.mean((PROBABILITIES - LABELS) ** 2))
    assert figures.balanced_accuracy == pytest.approx((4 / 5 + 3 / 4) / 2)
    assert figures.f1 == pytest.approx(2 * 4 / (2 * 4 + 1 + 1))


def test_weights_count_films_as_often_as_they_say():
    weights = np.array([1, 2, 0, 1, 3, 1, 1, 0, 2.0])
    index = np.repeat(np.arange(9), weights.astype(int))
    once = metrics(LABELS[index], PROBABILITIES[index], 0.6)
    counted = metrics(LABELS, PROBABILITIES, 0.6, weights)
    assert astuple(counted) == pytest.approx(astuple(once))


def test_calibration_error_by_hand():
    labels = np.array([0, 1, 1, 1])
    scores = np.array([0.25, 0.25, 0.9, 0.95])  # bins: 0.5 true at 0.25, all true at 0.925
    assert calibration_error(labels, scores) == pytest.approx((0.25 + 0.075) / 2)
    assert calibration_error(np.array([0, 1]), np.array([0.0, 1.0])) == 0


def simulated(patients: int, films: int, shift: float, seed: int = 0):
    """Films of one patient are alike, so that intervals by film would be too narrow."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(patients) % 2, films)
    logits = shift * (2 * labels - 1) + np.repeat(rng.normal(0, 1.5, patients), films)
    return labels, 1 / (1 + np.exp(-logits)), np.repeat(np.arange(patients), films)


def test_intervals_hold_the_figure_and_know_that_films_of_a_patient_are_alike():
    labels, scores, patients = simulated(80, 6, 1.0)
    figures = metrics(labels, scores, 0.5)
    by_patient = intervals(labels, scores, 0.5, patients, draws=150)
    by_film = intervals(labels, scores, 0.5, np.arange(len(labels)), draws=150)
    for name, (low, high) in by_patient.items():
        assert low <= getattr(figures, name) <= high or name == "ece", (
            name
        )  # resampling adds to the ECE
        assert high - low < 0.5
    width = [high - low for low, high in (by_patient["accuracy"], by_film["accuracy"])]
    assert width[0] > 1.6 * width[1]  # six films a patient: sqrt(6) if they were all the same


def test_the_better_of_two_models_is_seen_as_such():
    labels, good, patients = simulated(80, 3, 2.0, seed=1)
    _, poor, _ = simulated(80, 3, 0.5, seed=2)
    ahead = compare(labels, (good, 0.5), (poor, 0.5), patients, draws=100)
    assert ahead["auroc"].low > 0 and ahead["accuracy"].low > 0
    assert ahead["brier"].high < 0
    same = compare(labels, (good, 0.5), (good, 0.5), patients, draws=20)
    assert same["auroc"] == Difference(0, 0, 0)


def test_a_missing_class_gives_nan_not_an_error():
    figures = metrics(np.ones(3), np.array([0.2, 0.8, 0.9]), 0.5)
    assert math.isnan(figures.auroc) and math.isnan(figures.specificity)
    assert figures.sensitivity == pytest.approx(2 / 3)


def test_bins_of_a_reliability_curve_hold_every_film_and_weigh_the_classes_alike():
    labels = np.array([0, 0, 0, 1])
    one, two = reliability(labels, np.array([0.02, 0.04, 0.93, 1.0]))  # none lies between
    assert (one.normal, one.pneumonia, two.normal, two.pneumonia) == (2, 0, 1, 1)
    assert one.probability == pytest.approx(0.03)
    assert two.probability == pytest.approx((0.93 / 3 + 1.0) / (1 / 3 + 1))


def test_the_calibration_error_of_classes_that_weigh_the_same():
    random = np.random.default_rng(0)
    labels = (random.random(300) < 0.8).astype(int)
    p = random.random(300)
    model = model_result(card_of("cnn"), figures=metrics(labels, p, 0.5))
    model = replace(model, reliability=reliability(labels, p))
    weights = 1 / np.bincount(labels)[labels]
    assert model.even_ece == pytest.approx(calibration_error(labels, p, weights))
    assert model.even_ece != pytest.approx(calibration_error(labels, p), abs=0.05)
    assert sum(films for *_, films in model.even_curve) == pytest.approx(1)
    assert replace(model, reliability=()).even_ece is None
