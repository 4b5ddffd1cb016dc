"""From logits to verdicts: calibration and operating point, chosen on validation films.

Each choice is made on clean and perturbed validation films together, so that it holds for films
that come another way than the training films did.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from .checkpoint import save_checkpoint
from .evaluation import metrics
from .models import Network
from .perturb import perturb_in_turn
from .preprocess import GRID
from .training import logits_of


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
    exact, logits = (logits_of(n, films, size, device) for n in (network, rounded))
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
    clean, changed = np.split(calibrated, 2)
    return {
        "calibration": {"temperature": temperature, "bias": bias},
        "operating_point": {"threshold": threshold, "rule": "sensitivity = specificity"},
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
    return float(1 / regression.coef_[0, 0]), float(regression.intercept_[0])


def equal_error_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The probability at which sensitivity and specificity are (most nearly) equal.

    Unlike the maximum of their sum it moves little from one sample of films to the next.
    """
    false_positive, true_positive, thresholds = roc_curve(labels, probabilities)
    imbalance = np.abs(true_positive - (1 - false_positive))
    return float(thresholds[1:][np.argmin(imbalance[1:])])  # the first threshold is infinite
