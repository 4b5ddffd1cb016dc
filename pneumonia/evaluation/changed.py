"""Figures of films that were changed, and of those whose shortcuts tell the wrong class."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score
from tqdm import tqdm

from pneumonia.evaluation import medmnist_c
from pneumonia.evaluation.answers import Answer, Films
from pneumonia.evaluation.corruptions import corrupt
from pneumonia.evaluation.metrics import metrics
from pneumonia.evaluation.results import Conflicting, Corrupted, MedmnistC
from pneumonia.predictor import Predictor

PER_CLASS = 100  # films that MedMNIST-C's corruptions are tried on, which takes long


def corrupted(
    predictor: Predictor, films: Films, clean: Sequence[Answer], names: Iterable[str]
) -> dict[str, Corrupted]:
    """Figures under each of the named corruptions, one after the other.

    Of as many films of either class: there are few of one, and more of the other tell little more.
    """
    some = balanced(films.labels)
    labels, images, clean = films.labels[some], films.images[some], [clean[i] for i in some]
    rows = {}
    for name in tqdm(names, predictor.title, unit="corruption"):  # takes long: in a log, too
        answers = clean
        if name != "clean":
            changed = (image[0].numpy() for image in corrupt(images, name))
            answers = [Answer.of(p) for p in predictor.predict_iter(changed, heatmap=False)]
        p = np.array([a.probability for a in answers])
        figures = metrics(labels, p, predictor.threshold)
        flips = [a.label != before.label for a, before in zip(answers, clean, strict=True)]
        rows[name] = Corrupted(
            *(figures.auroc, figures.sensitivity, figures.specificity),
            label_flip_rate=float(np.mean(flips)),
            gate_pass_rate=float(np.mean([a.in_scope for a in answers])),
        )
    return rows


def on_conflicting(
    answers: Sequence[Answer], labels: np.ndarray, against: np.ndarray
) -> Conflicting:
    """The calls of the films whose shortcuts tell the wrong class, ``against`` ``(N,)`` bool."""
    right = np.array([answer.label for answer in answers]) == labels
    counts = [int((against & (labels == label)).sum()) for label in (0, 1)]
    shares = [
        float(right[against & (labels == label)].mean()) if n else None
        for label, n in enumerate(counts)
    ]
    return Conflicting(*counts, *shares)


def balanced_errors(predictor: Predictor, films: Films) -> MedmnistC:
    """MedMNIST-C's thirteen corruptions at five severities, on ``PER_CLASS`` films of either."""
    some = balanced(films.labels, PER_CLASS)
    labels, images = films.labels[some], films.images[some]

    def error(changed: torch.Tensor) -> float:
        pixels = (image[0].numpy() for image in changed)
        said = [Answer.of(p).label for p in predictor.predict_iter(pixels, heatmap=False)]
        return 1 - float(balanced_accuracy_score(labels, said))

    errors = {
        name: float(np.mean([error(medmnist_c.corrupt(images, name, s)) for s in range(5)]))
        for name in tqdm(medmnist_c.SUITE, f"{predictor.title}, MedMNIST-C", unit="corruption")
    }
    return MedmnistC(len(labels), error(images), errors)


def balanced(labels: np.ndarray, most: int | None = None) -> np.ndarray:
    """Indices of as many films of either class, ``most`` or all of the rarer, evenly spread."""
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    least = min(*map(len, classes), most or len(labels))
    return np.concatenate([c[np.linspace(0, len(c) - 1, least).astype(int)] for c in classes])
