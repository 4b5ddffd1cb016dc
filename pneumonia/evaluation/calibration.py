"""What a trained network still needs: calibration, operating point, uncertain band and gate.

Each choice is made on clean and perturbed films together, so that it holds for films that come
another way than the training films did: the gate on training films, the rest on validation films.
"""

import copy
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve
from sklearn.model_selection import KFold, StratifiedGroupKFold

from pneumonia import __version__
from pneumonia.card import (
    Calibration,
    Card,
    Conformal,
    GateFile,
    OperatingPoint,
    PassRates,
    Preprocessing,
    Training,
    Validation,
)
from pneumonia.checkpoint import save_checkpoint
from pneumonia.evaluation.corruptions import corrupt_in_turn
from pneumonia.evaluation.metrics import metrics
from pneumonia.evaluation.results import Coverage
from pneumonia.explain import Explainer
from pneumonia.gate import Gate
from pneumonia.lungs import lung_finder
from pneumonia.models import MODELS, Network

COVERAGE = 0.9  # of either class, by the plausible classes of a film
HALVES = 25  # random halves of the patients, for what the plausible classes are worth
GATE_PASS_RATE = 0.995  # of training films, by the gate


class Calibrated(NamedTuple):
    """The parts of a card that turn logits into verdicts, and the figures they lead to."""

    calibration: Calibration
    operating_point: OperatingPoint
    conformal: Conformal
    validation: Validation


def calibrate_and_save(
    folder: str | Path,
    network: Network,
    model: str,
    provenance: Training,
    training: torch.Tensor,
    images: torch.Tensor,
    labels: np.ndarray,
    size: int,
    before: Card | None = None,
    command: str | None = None,
) -> Card:
    """Calibrate a trained network, fit its gate and write its checkpoint; returns the card.

    The weight matrices are stored in float16 where that moves no probability by more than 0.001.

    Args:
        folder: the checkpoint's.
        network: trained; computes where it lies.
        model: its name in ``MODELS``.
        provenance: how it was trained.
        training: ``(M, 1, 224, 224)`` uint8 training films; every other one is perturbed.
        images: ``(N, 1, 224, 224)`` uint8 validation films; as many more are made by perturbing.
        labels: ``(N,)`` of 0 and 1.
        size: side of the network's input in px. Trained on enlarged crops, a network is at its best
            on whole films somewhat larger than it was trained with (Touvron et al. 2019, "Fixing
            the train-test resolution discrepancy").
        before: the card of the network if it had been calibrated before.
        command: what calibrates it now, where that is not the training.
    """
    films = torch.cat([images, corrupt_in_turn(images)])
    rounded = copy.deepcopy(network)
    for tensor in rounded.parameters():
        tensor.data = tensor.data.half().float() if tensor.ndim > 1 else tensor.data
    exact = stored = forward_all(network, films, size)
    pairs = zip(network.parameters(), rounded.parameters(), strict=True)
    if not all(torch.equal(one, other) for one, other in pairs):
        stored = forward_all(rounded, films, size)
    platt = fit_platt(np.tile(labels, 2), stored[0])
    as_is, as_stored = (probabilities(logits, *platt) for logits, _ in (exact, stored))
    moved = float(np.abs(as_is - as_stored).max())
    half = moved <= 1e-3
    shipped, (logits, embedding) = (rounded, stored) if half else (network, exact)
    known = torch.cat([training[::2], corrupt_in_turn(training[1::2])])
    gate = fit_gate(forward_all(shipped, known, size)[1])
    clean, changed = np.split(gate.distances(embedding) <= 1, 2)
    if before:  # most weights may have been float16 before
        moved = max(moved, before.float16_moves_probability_by or 0.0)
    card = Card(
        model=model,
        title=MODELS[model].title,
        version=__version__,
        preprocessing=Preprocessing(size, lung_finder(torch.device("cpu")).card.sha256),
        training=provenance,
        gate=GateFile(passes=PassRates(float(clean.mean()), float(changed.mean()))),
        float16_moves_probability_by=(moved or None) if half else None,
        calibrated_by=command,
        **calibrate(logits, labels)._asdict(),
    )
    return save_checkpoint(folder, network, card, gate, half)


def forward_all(network: Network, images: torch.Tensor, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``(N,)`` and embeddings ``(N, channels)`` of ``(N, 1, 224, 224)`` uint8 films."""
    explainer = Explainer(network)
    explained = explainer.explain_images(images, size, attribution=False, progress=True)
    return explained.logits, explained.embedding


def fit_gate(embedding: np.ndarray, admitted: float = GATE_PASS_RATE) -> Gate:
    """The gate that lets this share of films like the given ones through.

    The covariance is shrunk (Ledoit and Wolf 2004, "A well-conditioned estimator for
    large-dimensional covariance matrices"). The limit is set on distances of films that did not
    take part in the fit: each twentieth's from the rest, as a fit on much fewer films would be
    shrunk more and its distances be shorter.

    Args:
        embedding: ``(M, channels)`` embedding features of training films.
        admitted: share, 0..1.
    """
    embedding = embedding.astype(np.float64)
    distances, folds = [], KFold(min(20, len(embedding)), shuffle=True, random_state=0)
    for fit, rest in folds.split(embedding):
        fitted = LedoitWolf().fit(embedding[fit])
        distances.append(np.sqrt(fitted.mahalanobis(embedding[rest])))
    limit = np.quantile(np.concatenate(distances), admitted)
    whole = LedoitWolf().fit(embedding)
    return Gate(
        whole.location_.astype(np.float32), (whole.precision_ / limit**2).astype(np.float32)
    )


def calibrate(logits: np.ndarray, labels: np.ndarray) -> Calibrated:
    """Calibration, operating point and uncertain band of a network, and its figures.

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
    return Calibrated(
        Calibration(temperature, bias),
        OperatingPoint(threshold, "sensitivity = specificity"),
        Conformal(COVERAGE, normal_to, pneumonia_from),
        Validation(
            clean=metrics(labels, clean, threshold),
            perturbed=metrics(labels, changed, threshold),
            split="patient-grouped sixth of the official train + val folders",
        ),
    )


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
    slope, bias = (float(np.ravel(part)[0]) for part in (regression.coef_, regression.intercept_))
    return 1 / max(slope, 1e-3), bias  # a network that knows nothing is no oracle reversed


def conformal_limits(
    labels: np.ndarray, probabilities: np.ndarray, coverage: float
) -> tuple[float, float]:
    """Up to which probability NORMAL is plausible, and from which PNEUMONIA is.

    Class-conditional split conformal prediction (Vovk 2012, "Conditional validity of inductive
    conformal predictors"): of new films of either class, drawn like these, about ``coverage``
    keep their true class among the plausible ones, whatever the model is worth. A class of too few
    films to say so is always plausible.

    Args:
        labels: ``(N,)`` of 0 and 1, both there.
        probabilities: ``(N,)`` P(PNEUMONIA).
        coverage: share of either class, 0..1.
    """
    limits = []
    for label, always in ((0, 1.0), (1, 0.0)):
        scores = np.sort(probabilities[labels == label])
        scores = scores[::-1] if label else scores  # the most surprising ones last
        n = len(scores)
        rank = math.ceil((n + 1) * coverage)  # with the correction for a finite sample
        # half-way to the next, if any: a film on the limit would be called by the last digit
        limits.append(float(scores[rank - 1 : rank + 1].mean()) if rank <= n else always)
    return limits[0], limits[1]


def held_out_coverage(
    labels: np.ndarray,
    logits: np.ndarray,
    patients: np.ndarray,
    coverage: float,
) -> Coverage:
    """What the limits are worth on patients they were not set on.

    Calibration and limits are set on a random half of the patients and measured on the other half,
    again and again; the mean of the shares.

    Args:
        labels: ``(N,)`` of 0 and 1, both there on either half.
        logits: ``(N,)``, or log-odds.
        patients: ``(N,)``, whose film it is.
        coverage: share of either class, 0..1.
    """
    rows = []
    for seed in range(HALVES):
        halves = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
        for fit, rest in halves.split(logits, labels, patients):
            fitted = fit_platt(labels[fit], logits[fit])
            normal_to, pneumonia_from = conformal_limits(
                labels[fit], probabilities(logits[fit], *fitted), coverage
            )
            p, truth = probabilities(logits[rest], *fitted), labels[rest]
            normal, pneumonia = p <= normal_to, p >= pneumonia_from
            unsure = normal == pneumonia
            rows.append([normal[truth == 0].mean(), pneumonia[truth == 1].mean(), unsure.mean()])
    return Coverage(*np.mean(rows, 0).tolist())


def equal_error_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The probability at which sensitivity and specificity are (most nearly) equal.

    Unlike the maximum of their sum it moves little from one sample of films to the next. It lies
    between two films: one that lay on it would be called by the last digit, in which machines
    differ.
    """
    false_positive, true_positive, thresholds = roc_curve(
        labels, probabilities, drop_intermediate=False
    )
    imbalance = np.abs(true_positive - (1 - false_positive))
    at = thresholds[1:][np.argmin(imbalance[1:])]  # the first threshold is infinite
    below = probabilities[probabilities < at]
    return float((at + below.max()) / 2 if below.size else at)
