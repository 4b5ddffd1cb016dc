"""The picture of an evaluation."""

from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, precision_recall_curve, roc_curve

from pneumonia.card import LABELS
from pneumonia.evaluation.results import Evaluation

# told apart by colour-blind eyes: the page's two, then those of Okabe and Ito (2008)
COLOURS = ("#b5541c", "#2a6f97", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")


def draw_evaluation(evaluation: Evaluation, labels: np.ndarray) -> Figure:
    """ROC, precision–recall and reliability of all models, and a confusion matrix per model.

    Args:
        evaluation: of any number of models.
        labels: ``(N,)`` of the films, 0 and 1.
    """
    models = list(evaluation.models.values())
    figure = Figure(figsize=(4 * (3 + len(models)), 4), layout="constrained")
    roc, recalls, reliability, *matrices = figure.subplots(1, 3 + len(models))
    reliability.plot([0, 1], [0, 1], ":", color="#888888")
    for colour, model in zip(cycle(COLOURS), models, strict=False):
        p = np.array(model.probabilities)
        false_positive, true_positive, _ = roc_curve(labels, p)
        precision, recall, _ = precision_recall_curve(labels, p)
        curve = np.array(model.even_curve).reshape(-1, 3)
        ece = np.nan if model.even_ece is None else model.even_ece
        for axis, x, y, name, value, style in (
            (roc, false_positive, true_positive, "AUROC", model.figures.auroc, "-"),
            (recalls, recall, precision, "AP", model.figures.average_precision, "-"),
            (reliability, curve[:, 0], curve[:, 1], "ECE", ece, "o-"),
        ):
            axis.plot(x, y, style, color=colour, label=f"{model.title}, {name} {value:.3f}")
    for axis in (roc, recalls, reliability):
        axis.legend(frameon=False, loc="lower center")
    roc.set(title="ROC", xlabel="1 − specificity", ylabel="sensitivity")
    recalls.set(title="Precision and recall", xlabel="recall", ylabel="precision")
    labels_of = {"xlabel": "predicted probability", "ylabel": "share with pneumonia"}
    reliability.set(title="Reliability, classes weighted equally", **labels_of)
    for axis, model in zip(matrices, models, strict=True):
        predicted = np.array(model.probabilities) >= model.operating_point
        ConfusionMatrixDisplay.from_predictions(
            labels, predicted, display_labels=LABELS, ax=axis, cmap="Greys", colorbar=False
        )
        axis.set(title=model.title, xlabel="predicted", ylabel="true")
    return figure
