"""From logits to verdicts: temperature and operating point, chosen on validation films.

Each choice is made on clean and perturbed validation films together, so that it holds for films
that come another way than the training films did.
"""

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import log_loss, roc_curve
from sklearn.utils.class_weight import compute_sample_weight

from .evaluation import metrics
from .models import Network
from .preprocess import GRID
from .training import logits_of, perturbed


def calibrate(
    network: Network, grids: torch.Tensor, labels: np.ndarray, size: int, device: torch.device
) -> dict:
    """The parts of a card that turn this network's logits into verdicts.

    Args:
        network: trained.
        grids: ``(N, 1, 224, 224)`` uint8 validation films; as many again are made by perturbing them.
        labels: ``(N,)`` of 0 and 1.
        size: side of the network's input in px. Trained on enlarged crops, a network is at its best
            on whole films somewhat larger than it was trained with (Touvron et al. 2019, "Fixing
            the train-test resolution discrepancy").
        device: where to compute.
    """
    clean, changed = (logits_of(network, g, size, device) for g in (grids, perturbed(grids)))
    logits, twice = np.concatenate([clean, changed]), np.tile(labels, 2)
    temperature = fit_temperature(twice, logits)
    threshold = equal_error_threshold(twice, sigmoid(logits / temperature))
    return {
        "preprocessing": {"grid": GRID, "size": size, "standardise": "per film"},
        "calibration": {"temperature": temperature},
        "operating_point": {"threshold": threshold, "rule": "sensitivity = specificity"},
        "validation": {
            "clean": metrics(labels, sigmoid(clean / temperature), threshold),
            "perturbed": metrics(labels, sigmoid(changed / temperature), threshold),
            "split": "patient-grouped sixth of the official train + val folders",
        },
    }


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-logits))`` in float64, without overflow."""
    return expit(np.asarray(logits, dtype=np.float64))


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """The divisor of the logits with the smallest class-balanced log loss (Guo et al. 2017).

    Balanced, because the films a visitor brings need not be three quarters pneumonia as these are.
    """
    weights = compute_sample_weight("balanced", labels)

    def loss(log_temperature: float) -> float:
        return log_loss(labels, sigmoid(logits / np.exp(log_temperature)), sample_weight=weights)

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def equal_error_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The probability at which sensitivity and specificity are (most nearly) equal.

    Unlike the maximum of their sum it moves little from one sample of films to the next.
    """
    false_positive, true_positive, thresholds = roc_curve(labels, probabilities)
    imbalance = np.abs(true_positive - (1 - false_positive))
    return float(thresholds[1:][np.argmin(imbalance[1:])])  # the first threshold is infinite
