from dataclasses import asdict

import numpy as np
import pytest
import torch
from factories import card_of, seeded_network
from safetensors.torch import load_file

from pneumonia.checkpoint import load_checkpoint
from pneumonia.evaluation.calibration import (
    calibrate,
    calibrate_and_save,
    conformal_limits,
    equal_error_threshold,
    fit_gate,
    fit_platt,
    forward_all,
    held_out_coverage,
    probabilities,
)
from pneumonia.evaluation.corruptions import corrupt_in_turn
from pneumonia.evaluation.metrics import metrics
from pneumonia.models import Network
from pneumonia.preprocess import to_canonical


def simulated(films: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, three quarters pneumonia, and logits that are their log-odds, classes alike."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(films) < 0.75).astype(int)
    return labels, rng.normal(np.where(labels, 2, -2), 2)  # 2·2/2² · x = x


def test_equal_error_threshold_balances_the_two_errors():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 900])
    scores = probabilities(rng.normal(np.where(labels, 1.0, -1.5)), 1, 0)
    figures = metrics(labels, scores, equal_error_threshold(labels, scores))
    assert abs(figures.sensitivity - figures.specificity) < 0.01


def test_equal_errors_are_found_amid_a_run_of_one_class():
    labels = np.array([0, 0, 1, 1, 1, 1, 0, 0])
    scores = np.arange(1, 9) / 10
    figures = metrics(labels, scores, equal_error_threshold(labels, scores))
    assert figures.sensitivity == figures.specificity == 0.5


def test_no_film_lies_on_the_equal_error_threshold():
    labels = np.array([0, 0, 1, 0, 1, 1])
    scores = np.array([0.1, 0.2, 0.5, 0.6, 0.7, 0.9])
    threshold = equal_error_threshold(labels, scores)
    assert np.abs(scores - threshold).min() > 0.04
    found = [metrics(labels, scores * (1 - digit), threshold) for digit in (0, 1e-9)]
    assert found[0].specificity == found[1].specificity == pytest.approx(2 / 3)
    assert found[0].sensitivity == found[1].sensitivity == pytest.approx(2 / 3)


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


@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_conformal_limits_cover_either_class_of_new_films(shape):
    rng = np.random.default_rng(3)
    shares, wanted = [], []
    for _ in range(200):
        labels = rng.permutation(np.repeat([0, 1, 0, 1], [40, 120, 200, 600]))
        odds = np.where(labels, 1.5, -0.5) + (rng.normal if shape == "normal" else rng.gumbel)(
            size=len(labels)
        )
        scores = probabilities(odds, 1, 0)
        fit = np.arange(len(labels)) < 160
        normal_to, pneumonia_from = conformal_limits(labels[fit], scores[fit], 0.9)
        new, truth = scores[~fit], labels[~fit]
        shares.append(
            [(new[truth == 0] <= normal_to).mean(), (new[truth == 1] >= pneumonia_from).mean()]
        )
        count = np.bincount(labels[fit]) + 1  # which the limits part into as many equal shares
        wanted.append((np.ceil(0.9 * count) + 0.5) / count)
    assert np.min(wanted) >= 0.9
    assert np.mean(shares, 0) == pytest.approx(np.mean(wanted, 0), abs=0.01)


def test_conformal_limits_by_hand():
    labels = np.repeat([0, 1], [9, 19])
    scores = np.concatenate([np.arange(1, 10) / 100, 1 - np.arange(1, 20) / 100])
    # the ceil(10 · 0.8) = 8th of nine surprises, the ceil(20 · 0.8) = 16th of nineteen
    # half-way to the next
    assert conformal_limits(labels, scores, 0.8) == pytest.approx((0.085, 1 - 0.165))
    assert conformal_limits(labels, scores, 0.9) == pytest.approx((0.09, 1 - 0.185))


def test_no_conformal_limit_lies_on_a_film():
    rng = np.random.default_rng(0)
    for _ in range(50):
        labels, scores = np.repeat([0, 1], 50), probabilities(rng.normal(size=100), 1, 0)
        normal_to, pneumonia_from = conformal_limits(labels, scores, 0.9)
        assert (scores[labels == 0] < normal_to).sum() == 46  # the rank: ceil(51 · 0.9)
        assert (scores[labels == 1] > pneumonia_from).sum() == 46


def test_a_class_of_too_few_films_is_always_plausible():
    labels, scores = np.repeat([0, 1], [8, 9]), np.linspace(0.1, 0.9, 17)
    normal_to, pneumonia_from = conformal_limits(labels, scores, 0.9)
    assert normal_to == 1 and pneumonia_from == pytest.approx(0.5)


def test_coverage_is_measured_on_other_patients():
    labels, logits = simulated(2000)
    shares = held_out_coverage(labels, logits, np.arange(2000) // 4, 0.9)
    assert shares.normal == pytest.approx(0.9, abs=0.02)
    assert shares.pneumonia == pytest.approx(0.9, abs=0.02)
    assert 0 < shares.uncertain < 0.3


def test_a_card_s_parts_belong_together():
    labels, logits = simulated(600, seed=2)
    parts = calibrate(np.concatenate([logits, logits - 0.5]), labels)
    threshold, conformal = parts.operating_point.threshold, parts.conformal
    assert 0 < threshold < 1
    scores = probabilities(logits, **asdict(parts.calibration))
    clean = parts.validation.clean
    assert clean == metrics(labels, scores, threshold)
    assert parts.validation.perturbed.sensitivity < clean.sensitivity
    both = np.tile(labels, 2)
    scores = probabilities(np.concatenate([logits, logits - 0.5]), **asdict(parts.calibration))
    assert (scores[both == 0] <= conformal.normal_to).mean() == pytest.approx(0.9, abs=0.01)
    assert (scores[both == 1] >= conformal.pneumonia_from).mean() == pytest.approx(0.9, abs=0.01)


def test_the_gate_admits_the_share_it_should_and_refuses_what_lies_elsewhere():
    rng = np.random.default_rng(5)
    mixing = rng.normal(size=(40, 40))
    known, new = rng.normal(size=(2, 1500, 40)) @ mixing + 3
    gate = fit_gate(known, 0.95)
    assert gate.mean.dtype == gate.precision.dtype == np.float32
    assert (gate.distances(new) <= 1).mean() == pytest.approx(0.95, abs=0.02)
    assert (gate.distances(new + 12 * mixing[0]) > 1).mean() > 0.99


@pytest.fixture(scope="module")
def images(films):
    return torch.stack([to_canonical(film) for film in films])


def test_a_useless_model_is_not_turned_round():
    labels, logits = simulated(500)
    temperature, _ = fit_platt(labels, -logits)
    assert temperature == pytest.approx(1000)


def unsure(images: torch.Tensor) -> Network:
    """A network whose logits of these films spread about 0."""
    network = seeded_network("cnn")
    mean, spread = (f(forward_all(network, images, 64)[0]) for f in (np.mean, np.std))
    network.classifier.weight.data /= spread
    network.classifier.bias.data = (network.classifier.bias.data - mean) / spread
    return network


def test_float16_is_used_only_where_nobody_sees_it(images, tmp_path):
    labels, folder = np.arange(8) % 2, tmp_path / "checkpoint"
    network = unsure(images)
    films, provenance = (images, images, labels, 64), card_of("cnn").training
    card = calibrate_and_save(folder, network, "cnn", provenance, *films)
    loaded, _, _ = load_checkpoint(folder)
    moved = card.float16_moves_probability_by
    stored = load_file(folder / "model.safetensors")["features.0.weight"].dtype
    half = stored == torch.float16
    assert moved > 0 and half == (moved <= 1e-3)
    assert 0 <= card.gate.passes.clean <= 1
    exact = torch.equal(loaded.features[0].weight, network.features[0].weight)
    assert exact != half
    again = calibrate_and_save(folder, loaded, "cnn", provenance, *films, before=card)
    assert again.float16_moves_probability_by == moved  # known from the first time


def test_the_gate_is_that_of_the_weights_that_ship(images, tmp_path):
    network = unsure(images)
    tiny = 1e-7 / network.classifier.weight.data.abs().max()  # which float16 hardly has
    network.classifier.weight.data *= tiny
    for scaled in (network.features[-1].weight, network.features[-1].bias):
        scaled.data /= tiny
    films = (images, images, np.arange(8) % 2, 64)
    card = calibrate_and_save(tmp_path, network, "cnn", card_of("cnn").training, *films)
    assert card.float16_moves_probability_by is None
    _, _, gate = load_checkpoint(tmp_path)
    known = torch.cat([images[::2], corrupt_in_turn(images[1::2])])
    expected = fit_gate(forward_all(network, known, 64)[1])
    np.testing.assert_array_equal(gate.mean, expected.mean)


def test_probabilities_do_not_overflow():
    np.testing.assert_array_equal(probabilities(np.array([-1e4, 0, 1e4]), 1, 0), [0, 0.5, 1])
    assert probabilities(np.array([2.0]), 2, -1)[0] == 0.5
