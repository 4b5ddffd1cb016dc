"""How good is it: the figures of a set of films, and their intervals."""

from dataclasses import fields

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    roc_auc_score,
)

from pneumonia.card import Figures
from pneumonia.data.bootstrap import bootstrap_by_patient, interval
from pneumonia.evaluation.results import Bin, Difference

BINS = 10  # of probability, of equal width
NAN = float("nan")


def metrics(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    weights: np.ndarray | None = None,
) -> Figures:
    """The usual figures at one operating point.

    Args:
        labels: ``(N,)`` of 0 (NORMAL) and 1 (PNEUMONIA).
        probabilities: ``(N,)`` P(PNEUMONIA) in 0..1.
        threshold: a film is called PNEUMONIA from this probability on.
        weights: ``(N,)`` how often each film counts; once if not given.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    called = probabilities >= threshold
    table = confusion_matrix(labels, called, labels=[0, 1], sample_weight=weights)
    (tn, fp), (fn, tp) = table.tolist()
    sensitivity = tp / (tp + fn) if tp + fn else NAN
    specificity = tn / (tn + fp) if tn + fp else NAN
    both = tp + fn > 0 and tn + fp > 0
    ranked = {"y_true": labels, "y_score": probabilities, "sample_weight": weights}
    return Figures(
        films=round(tn + fp + fn + tp),
        normal=round(tn + fp),
        pneumonia=round(tp + fn),
        auroc=float(roc_auc_score(**ranked)) if both else NAN,
        average_precision=float(average_precision_score(**ranked)) if both else NAN,
        accuracy=(tn + tp) / (tn + fp + fn + tp),
        balanced_accuracy=(sensitivity + specificity) / 2,
        sensitivity=sensitivity,
        specificity=specificity,
        f1=2 * tp / (2 * tp + fp + fn) if tp + fp + fn else NAN,
        ece=calibration_error(labels, probabilities, weights),
        brier=float(brier_score_loss(labels, probabilities, sample_weight=weights, pos_label=1)),
    )


def calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Expected calibration error over ``BINS`` (Guo et al. 2017, equation 5)."""
    weights = np.ones(len(labels)) if weights is None else weights
    where = np.minimum((np.asarray(probabilities) * BINS).astype(int), BINS - 1)
    gaps = np.bincount(where, weights * (np.asarray(labels) - probabilities))
    return float(np.abs(gaps).sum() / weights.sum())


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> tuple[Bin, ...]:
    """The films in ``BINS`` of probability; bins without a film are left out.

    Args:
        labels: ``(N,)`` of 0 (NORMAL) and 1 (PNEUMONIA), both there.
        probabilities: ``(N,)`` P(PNEUMONIA) in 0..1.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    weights = 1 / np.bincount(labels, minlength=2)[labels]
    where = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(
            float(np.average(probabilities[where == i], weights=weights[where == i])),
            *np.bincount(labels[where == i], minlength=2).tolist(),
        )
        for i in np.unique(where)
    )


def intervals(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    patients: np.ndarray,
    draws: int = 1000,
) -> dict[str, tuple[float, float]]:
    """95 % intervals of ``metrics``: percentiles over ``draws`` bootstrap samples of patients."""
    rows = [
        metrics(labels, probabilities, threshold, weights)
        for weights in bootstrap_by_patient(patients, draws)
    ]
    names = [field.name for field in fields(Figures) if field.type is float]
    return {name: interval([getattr(row, name) for row in rows]) for name in names}


def compare(
    labels: np.ndarray,
    first: tuple[np.ndarray, float],
    second: tuple[np.ndarray, float],
    patients: np.ndarray,
    draws: int = 1000,
) -> dict[str, Difference]:
    """By how much the first model is ahead on the same films, with 95 % intervals.

    Both models see the same bootstrap samples of patients, so what makes a sample hard for both
    cancels.

    Args:
        labels: ``(N,)`` of 0 and 1.
        first: its probabilities ``(N,)`` and its operating point; likewise ``second``.
        patients: ``(N,)``, whose film it is.
        draws: bootstrap samples.

    Returns:
        ``auroc``, ``accuracy`` and ``brier`` → first − second.
    """
    names = ("auroc", "accuracy", "brier")

    def ahead(weights: np.ndarray | None) -> list[float]:
        one, two = (metrics(labels, *model, weights) for model in (first, second))
        return [getattr(one, name) - getattr(two, name) for name in names]

    samples = np.array([ahead(weights) for weights in bootstrap_by_patient(patients, draws)])
    return {
        name: Difference(difference, *interval(column))
        for name, difference, column in zip(names, ahead(None), samples.T, strict=True)
    }
