"""From logits to verdicts: calibration and operating point, chosen on validation films.

Each choice is made on clean and perturbed validation films together, so that it holds for films
that come another way than the training films did.
"""

import numpy as np
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from .evaluation import metrics
from .models import Network
from .perturb import perturb_in_turn
from .preprocess import GRID
from .training import logits_of


def calibrate(
    network: Network, grids: torch.Tensor, labels: np.ndarray, size: int, device: torch.device
) -> dict:
    """The parts of a card that turn this network's logits into verdicts.

    Args:
        network: trained.
        grids: ``(N, 1, 224, 224)`` uint8 validation films; as many more are made by perturbing.
        labels: ``(N,)`` of 0 and 1.
        size: side of the network's input in px. Trained on enlarged crops, a network is at its best
            on whole films somewhat larger than it was trained with (Touvron et al. 2019, "Fixing
            the train-test resolution discrepancy").
        device: where to compute.
    """
    clean, changed = (logits_of(network, g, size, device) for g in (grids, perturb_in_turn(grids)))
    logits, twice = np.concatenate([clean, changed]), np.tile(labels, 2)
    temperature, bias = fit_platt(twice, logits)
    threshold = equal_error_threshold(twice, probabilities(logits, temperature, bias))
    return {
        "preprocessing": {"grid": GRID, "size": size, "standardise": "per film"},
        "calibration": {"temperature": temperature, "bias": bias},
        "operating_point": {"threshold": threshold, "rule": "sensitivity = specificity"},
        "validation": {
            "clean": metrics(labels, probabilities(clean, temperature, bias), threshold),
            "perturbed": metrics(labels, probabilities(changed, temperature, bias), threshold),
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
    return float(1 / regression.coef_[0, 0]), float(regression.intercept_[0])


def equal_error_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The probability at which sensitivity and specificity are (most nearly) equal.

    Unlike the maximum of their sum it moves little from one sample of films to the next.
    """
    false_positive, true_positive, thresholds = roc_curve(labels, probabilities)
    imbalance = np.abs(true_positive - (1 - false_positive))
    return float(thresholds[1:][np.argmin(imbalance[1:])])  # the first threshold is infinite
