"""From logits to verdicts: calibration and operating point, chosen on validation films.

Each choice is made on clean and perturbed validation films together, so that it holds for films
that come another way than the training films did.
"""

import copy
import math
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve
from sklearn.model_selection import StratifiedGroupKFold

from .checkpoint import save_checkpoint
from .dataset import LABELS
from .evaluation import metrics
from .models import Network
from .perturb import perturb_in_turn
from .preprocess import GRID
from .training import logits_of

COVERAGE = 0.9  # of either class, by the plausible classes of a film


def store(
    folder: str | Path,
    network: Network,
    card: dict,
    grids: torch.Tensor,
    labels: np.ndarray,
    size: int,
    device: torch.device,
) -> dict:
    """Calibrate a trained network and write its checkpoint; returns the card.

    The weight matrices are stored in float16 where that moves no probability by more than 0.001.

    Args:
        folder: the checkpoint's.
        network: trained.
        card: what else the card says.
        grids: ``(N, 1, 224, 224)`` uint8 validation films; as many more are made by perturbing.
        labels: ``(N,)`` of 0 and 1.
        size: side of the network's input in px. Trained on enlarged crops, a network is at its best
            on whole films somewhat larger than it was trained with (Touvron et al. 2019, "Fixing
            the train-test resolution discrepancy").
        device: where to compute.
    """
    films = torch.cat([grids, perturb_in_turn(grids)])
    rounded = copy.deepcopy(network)
    for tensor in rounded.parameters():
        tensor.data = tensor.data.half().float() if tensor.ndim > 1 else tensor.data
    exact = logits = logits_of(network, films, size, device)
    pairs = zip(network.parameters(), rounded.parameters(), strict=True)
    if not all(torch.equal(one, other) for one, other in pairs):
        logits = logits_of(rounded, films, size, device)
    parts = calibrate(logits, labels)
    before, after = (probabilities(z, **parts["calibration"]) for z in (exact, logits))
    moved = float(np.abs(before - after).max())
    half = moved <= 1e-3
    card = {
        **card,
        "preprocessing": {"grid": GRID, "size": size, "standardise": "per film"},
        **(parts if half else calibrate(exact, labels)),
    }
    if moved:  # else the weights had been float16 before
        card["float16_moves_probability_by"] = moved
    return save_checkpoint(folder, network, card, half)


def calibrate(logits: np.ndarray, labels: np.ndarray) -> dict:
    """The parts of a card that turn logits into verdicts, and the figures they lead to.

    Args:
        logits: ``(2 N,)`` of N validation films, first clean, then perturbed.
        labels: ``(N,)`` of 0 and 1.
    """
    twice = np.tile(labels, 2)
    temperature, bias = fit_platt(twice, logits)
    calibrated = probabilities(logits, temperature, bias)
    threshold = equal_error_threshold(twice, calibrated)
    normal_to, pneumonia_from = conformal_limits(twice, calibrated, COVERAGE)
    clean, changed = np.split(calibrated, 2)
    return {
        "calibration": {"temperature": temperature, "bias": bias},
        "operating_point": {"threshold": threshold, "rule": "sensitivity = specificity"},
        "conformal": {
            "coverage": COVERAGE,
            "normal_to": normal_to,
            "pneumonia_from": pneumonia_from,
        },
        "validation": {
            "clean": metrics(labels, clean, threshold),
            "perturbed": metrics(labels, changed, threshold),
            "split": "patient-grouped sixth of the official train + val folders",
        },
    }


def probabilities(logits: np.ndarray, temperature: float, bias: float) -> np.ndarray:
    """Calibrated P(PNEUMONIA), float64, of a network's logits."""
    return expit(np.asarray(logits, dtype=np.float64) / temperature + bias)


def fit_platt(labels: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """``(temperature, bias)`` that make ``sigmoid(logits / temperature + bias)`` calibrated.

    Platt scaling (Platt 1999), with the classes weighing the same: the films a visitor brings need
    not be three quarters pneumonia as these are.
    """
    regression = LogisticRegression(C=1e6, class_weight="balanced")
    regression.fit(np.asarray(logits, dtype=np.float64)[:, None], labels)
    slope = max(regression.coef_[0, 0], 1e-3)  # a network that knows nothing is no oracle reversed
    return float(1 / slope), float(regression.intercept_[0])


def conformal_limits(
    labels: np.ndarray, probabilities: np.ndarray, coverage: float
) -> tuple[float, float]:
    """Up to which probability NORMAL is plausible, and from which PNEUMONIA is.

    Class-conditional split conformal prediction (Vovk 2012, "Conditional validity of inductive
    conformal predictors"): of new films of either class, drawn like these, at least ``coverage``
    keep their true class among the plausible ones, whatever the model is worth.

    Args:
        labels: ``(N,)`` of 0 and 1, both there.
        probabilities: ``(N,)`` P(PNEUMONIA).
        coverage: share of either class, 0..1.
    """
    limits = []
    for surprise in (probabilities[labels == 0], 1 - probabilities[labels == 1]):
        n = len(surprise)
        rank = min(math.ceil((n + 1) * coverage), n)  # with the correction for a finite sample
        limits.append(float(np.sort(surprise)[rank - 1]))
    return limits[0], 1 - limits[1]


def held_coverage(
    labels: np.ndarray,
    logits: np.ndarray,
    patients: np.ndarray,
    coverage: float,
    repeats: int = 25,
) -> dict[str, float]:
    """What the limits are worth on patients they were not set on.

    Calibration and limits are set on a random half of the patients and measured on the other half,
    again and again: mean share of each class that keeps its true class among the plausible ones,
    and of all films that are UNCERTAIN (``uncertain``).
    """
    rows = []
    for seed in range(repeats):
        halves = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
        for fit, held in halves.split(logits, labels, patients):
            fitted = fit_platt(labels[fit], logits[fit])
            normal_to, pneumonia_from = conformal_limits(
                labels[fit], probabilities(logits[fit], *fitted), coverage
            )
            p, truth = probabilities(logits[held], *fitted), labels[held]
            normal, pneumonia = p <= normal_to, p >= pneumonia_from
            unsure = normal == pneumonia
            rows.append([normal[truth == 0].mean(), pneumonia[truth == 1].mean(), unsure.mean()])
    return dict(zip((*LABELS, "uncertain"), np.mean(rows, 0).tolist(), strict=True))


def equal_error_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The probability at which sensitivity and specificity are (most nearly) equal.

    Unlike the maximum of their sum it moves little from one sample of films to the next.
    """
    false_positive, true_positive, thresholds = roc_curve(labels, probabilities)
    imbalance = np.abs(true_positive - (1 - false_positive))
    return float(thresholds[1:][np.argmin(imbalance[1:])])  # the first threshold is infinite
