import math

import numpy as np
import pytest

from pneumonia.calibration import equal_error_threshold, fit_platt, probabilities
from pneumonia.evaluation import metrics, plot_curves

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9, 0.95])


def test_metrics_by_hand():
    figures = metrics(LABELS, PROBABILITIES, threshold=0.6)
    assert (figures["films"], figures["normal"], figures["pneumonia"]) == (9, 4, 5)
    assert figures["sensitivity"] == 4 / 5 and figures["specificity"] == 3 / 4
    assert figures["accuracy"] == pytest.approx(7 / 9)
    assert figures["auroc"] == pytest.approx(18 / 20)  # two of the twenty pairs are in wrong order
    assert figures["brier"] == pytest.approx(np.mean((PROBABILITIES - LABELS) ** 2))


def test_a_missing_class_gives_nan_not_an_error():
    figures = metrics(np.ones(3), np.array([0.2, 0.8, 0.9]), 0.5)
    assert math.isnan(figures["auroc"]) and math.isnan(figures["specificity"])
    assert figures["sensitivity"] == pytest.approx(2 / 3)


def test_equal_error_threshold_balances_the_two_errors():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 900])
    scores = probabilities(rng.normal(np.where(labels, 1.0, -1.5)), 1, 0)
    figures = metrics(labels, scores, equal_error_threshold(labels, scores))
    assert abs(figures["sensitivity"] - figures["specificity"]) < 0.01


def test_equal_error_threshold_is_a_probability_even_for_a_useless_model():
    assert equal_error_threshold(np.array([0, 1, 0, 1]), np.full(4, 0.3)) == 0.3
    assert equal_error_threshold(np.array([1, 1, 0, 0]), np.array([0.1, 0.2, 0.8, 0.9])) < 1


@pytest.mark.parametrize(("temperature", "bias"), [(0.5, 0), (1, -1), (3, 2)])
def test_calibration_is_recovered(temperature, bias):
    """Logits that are off by a factor and a shift, of classes as unequal as in the data set."""
    rng = np.random.default_rng(1)
    labels = rng.random(40_000) < 0.75
    log_odds = rng.normal(np.where(labels, 2, -2), 2)  # log-odds 2·2/2² · x = x, classes alike
    fitted = fit_platt(labels, temperature * (log_odds - bias))
    assert fitted == pytest.approx((temperature, bias), rel=0.05, abs=0.05)


def test_curves_are_drawn(tmp_path):
    history = [{"epoch": e, "loss": 1 / e, "auroc": 0.9, "auroc_perturbed": 0.91} for e in (1, 2)]
    plot_curves(history, tmp_path / "curves.png", "A model")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_probabilities_do_not_overflow():
    np.testing.assert_array_equal(probabilities(np.array([-1e4, 0, 1e4]), 1, 0), [0, 0.5, 1])
    assert probabilities(np.array([2.0]), 2, -1)[0] == 0.5
