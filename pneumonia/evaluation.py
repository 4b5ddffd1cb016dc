"""How good is it: the figures of a set of films, and the curves of a training."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score


def metrics(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, float]:
    """The usual figures at one operating point.

    Args:
        labels: ``(N,)`` of 0 (NORMAL) and 1 (PNEUMONIA).
        probabilities: ``(N,)`` P(PNEUMONIA) in 0..1.
        threshold: a film is called PNEUMONIA from this probability on.

    Returns:
        ``films``, ``normal``, ``pneumonia`` (counts); ``auroc``, ``accuracy``, ``sensitivity``,
        ``specificity``, ``brier``, each in 0..1, NaN where a class it needs is missing.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    called = probabilities >= threshold
    (tn, fp), (fn, tp) = confusion_matrix(labels, called, labels=[0, 1]).tolist()
    nan = float("nan")
    return {
        "films": len(labels),
        "normal": tn + fp,
        "pneumonia": fn + tp,
        "auroc": float(roc_auc_score(labels, probabilities)) if 0 < labels.mean() < 1 else nan,
        "accuracy": (tn + tp) / len(labels),
        "sensitivity": tp / (tp + fn) if tp + fn else nan,
        "specificity": tn / (tn + fp) if tn + fp else nan,
        "brier": float(brier_score_loss(labels, probabilities, pos_label=1)),
    }


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
