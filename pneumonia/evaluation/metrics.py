"""How good is it: the figures of a set of films, their intervals, and the curves of a training."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    roc_auc_score,
)

from pneumonia.card import Figures

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
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None, bins: int = 10
) -> float:
    """Expected calibration error over equal bins (Guo et al. 2017, equation 5)."""
    weights = np.ones(len(labels)) if weights is None else weights
    where = np.minimum((np.asarray(probabilities) * bins).astype(int), bins - 1)
    gaps = np.bincount(where, weights * (np.asarray(labels) - probabilities), bins)
    return float(np.abs(gaps).sum() / weights.sum())


def resampled(patients: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    """How often each film counts when its patients are drawn anew, with replacement (bootstrap)."""
    names, index = np.unique(patients, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = rng.integers(len(names), size=len(names))
        yield np.bincount(drawn, minlength=len(names))[index].astype(np.float64)


def intervals(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    patients: np.ndarray,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """95 % intervals of ``metrics``: percentiles over ``draws`` bootstrap samples of patients."""
    rows = [
        metrics(labels, probabilities, threshold, weights)
        for weights in resampled(patients, draws, seed)
    ]
    names = [field.name for field in fields(Figures) if field.type is float]
    return {name: _interval([getattr(row, name) for row in rows]) for name in names}


def compare(
    labels: np.ndarray,
    first: tuple[np.ndarray, float],
    second: tuple[np.ndarray, float],
    patients: np.ndarray,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """By how much the first model is ahead on the same films, with 95 % intervals.

    Both models see the same bootstrap samples of patients, so what makes a sample hard for both
    cancels.

    Args:
        labels: ``(N,)`` of 0 and 1.
        first: its probabilities ``(N,)`` and its operating point; likewise ``second``.
        patients: ``(N,)``, whose film it is.
        draws: bootstrap samples.
        seed: of the samples.

    Returns:
        ``auroc``, ``accuracy``, ``brier`` → ``difference`` (first − second), ``low``, ``high``.
    """
    names = ("auroc", "accuracy", "brier")

    def ahead(weights: np.ndarray | None) -> list[float]:
        one, two = (metrics(labels, *model, weights) for model in (first, second))
        return [getattr(one, name) - getattr(two, name) for name in names]

    samples = np.array([ahead(weights) for weights in resampled(patients, draws, seed)])
    return {
        name: dict(zip(("difference", "low", "high"), (d, *_interval(column)), strict=True))
        for name, d, column in zip(names, ahead(None), samples.T, strict=True)
    }


def _interval(values: np.ndarray | list[float]) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def plot_curves(history: list[dict], path: str | Path, title: str) -> None:
    """Loss and validation AUROC over the epochs as a PNG."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history], color="#333333")
    left.set(xlabel="epoch", ylabel="training loss")
    for name, style in (("auroc", "-"), ("auroc_perturbed", "--")):
        right.plot(epochs, [row[name] for row in history], style, color="#b5541c", label=name)
    right.set(xlabel="epoch", ylabel="validation AUROC", ylim=(0.9, 1))
    right.legend(frameon=False)
    figure.suptitle(title)
    figure.savefig(path, dpi=130)
