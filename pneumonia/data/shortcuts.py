"""Can the two classes be predicted without looking at the lungs?

A classifier that sees only what a doctor would ignore (a file's size and compression, grey levels
without their place, the film's outer rim) is cross-validated over patients. What it reaches, a
network can reach too without having learned any medicine.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits
from torch import Tensor

from pneumonia.card import LABELS
from pneumonia.data.bootstrap import bootstrap_by_patient, interval
from pneumonia.data.dataset import Record, merge_identical, patient_of

COLUMNS = ("width", "height", "bytes", "jpeg_luma_quantization_sum", "mode")
METADATA = {
    "all file metadata": ("width", "height", "aspect", "bytes", "quantisation", "mode"),
    "JPEG quantisation table": ("quantisation",),
    "width, height, aspect ratio": ("width", "height", "aspect"),
    "bytes per file": ("bytes",),
    "colour mode": ("mode",),
}
FOLDS = 5
DRAWS = 200  # bootstrap samples of an interval
RIM = 12  # pixels of 224: about 5 % of the film's side, outside of the lungs in nearly all films
STRETCHES = 8  # of the rim, per side


@dataclass(frozen=True)
class FileTraits:
    """Films as their files describe them, N of them.

    Attributes:
        labels: ``(N,)`` int, 0 NORMAL and 1 PNEUMONIA.
        groups: ``(N,)`` str, the patient.
        test: ``(N,)`` bool, whether of the official test split.
        metadata: name → ``(N,)`` float, NaN where a file does not say; ``mode`` is a code,
            ``quantisation`` the sum of the JPEG luma table (larger is coarser).
    """

    labels: np.ndarray
    groups: np.ndarray
    test: np.ndarray
    metadata: dict[str, np.ndarray]


def traits_from_csv(path: str | Path) -> FileTraits:
    """The films a metadata CSV lists: ``file``, ``label`` and the columns of ``COLUMNS``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column is missing, or a row is not a film.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no metadata CSV {str(path)!r}: give one to --metadata.")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [c for c in ("file", "label", *COLUMNS) if c not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path.name} lacks the column(s) {', '.join(missing)}.")
        rows = list(reader)
    try:
        labels = [LABELS.index(row["label"]) for row in rows]
        raw = [(*(float(row[c] or "nan") for c in COLUMNS[:-1]), row["mode"]) for row in rows]
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path.name} has a row that is not a film: label is NORMAL or PNEUMONIA, sizes are "
            "numbers."
        ) from error
    groups = [patient_of(row["file"]) for row in rows]
    return _traits(labels, groups, [False] * len(rows), raw)


def traits_from_records(films: Sequence[Record]) -> FileTraits:
    """The same of the files themselves; only their headers are read."""
    raw = []
    for film in films:
        size, nan = film.path.stat().st_size, float("nan")
        try:
            with Image.open(film.path) as picture:
                table = getattr(picture, "quantization", None)  # JPEGs alone have one
                coarse = float(sum(table[0])) if table else nan
                raw.append((*picture.size, size, coarse, picture.mode))
        except OSError:  # DICOM, which Pillow does not read
            raw.append((nan, nan, size, nan, ""))
    labels, test = [film.label for film in films], [film.split == "test" for film in films]
    return _traits(labels, merge_identical(films), test, raw)


def _traits(labels: list, groups: list, test: list, raw: list[tuple]) -> FileTraits:
    if len(set(labels)) < 2:
        raise ValueError("The audit needs films of both NORMAL and PNEUMONIA.")
    width, height, size, coarse, mode = (np.array(column) for column in zip(*raw, strict=True))
    metadata = {"width": width, "height": height, "aspect": width / height, "bytes": size}
    metadata |= {"quantisation": coarse, "mode": np.unique(mode, return_inverse=True)[1]}
    return FileTraits(np.array(labels), np.array(groups), np.array(test), metadata)


def pixel_statistics(images: Tensor) -> np.ndarray:
    """Grey levels without their place, ``(N, 13)``, of ``(N, 1, 224, 224)`` uint8 films.

    Mean, deviation, seven percentiles, entropy (bits), the shares of black (0) and white (255)
    pixels, and sharpness: the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000). The
    histogram includes the lungs, where opacities whiten: not everything it tells is a shortcut.
    """
    grey, rows = np.arange(256), []
    for film in images[:, 0].numpy():
        share = np.bincount(film.ravel(), minlength=256) / film.size
        mean = share @ grey
        levels = np.searchsorted(share.cumsum(), (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99))
        entropy = -share @ np.log2(np.where(share, share, 1))
        f = film.astype(np.int16)
        edges = f[:-2, 1:-1] + f[2:, 1:-1] + f[1:-1, :-2] + f[1:-1, 2:] - 4 * f[1:-1, 1:-1]
        deviation = np.sqrt(share @ (grey - mean) ** 2)
        rows.append([mean, deviation, *levels, entropy, share[0], share[-1], edges.var()])
    return np.array(rows)


def border_profile(images: Tensor) -> np.ndarray:
    """Mean grey along the film's outer ``RIM`` pixels.

    Args:
        images: ``(N, 1, 224, 224)`` uint8.

    Returns:
        ``(N, 4 * STRETCHES)``: top, bottom, left, right.
    """
    films = images[:, 0].numpy()
    count, _, side = films.shape
    strips = (films[:, :RIM], films[:, -RIM:])
    strips += tuple(films[:, :, part].swapaxes(1, 2) for part in (slice(RIM), slice(-RIM, None)))
    stretches = [s.reshape(count, RIM, STRETCHES, side // STRETCHES).mean((1, 3)) for s in strips]
    return np.concatenate(stretches, axis=1)


def shortcut_auroc(features: np.ndarray, traits: FileTraits) -> dict[str, Any]:
    """AUROC of a classifier that sees ``features`` ``(N, k)`` and nothing else.

    Gradient-boosted trees: they take raw units, codes and missing values as they are, need no
    scaling and find rules such as "this table or that one", which a linear model cannot.
    Out-of-fold over the films outside of the test split, folds grouped by patient; the pairs
    compared are those scored by the same fold's classifier. Where there are test films of both
    classes, a classifier of all the others is also measured on them.

    Returns:
        ``films``, ``patients``, ``constant`` (the features are all the same: nothing to see),
        ``auroc``, ``interval`` (95 %, bootstrap over patients) and ``test``: the last two of the
        test split, or None.

    Raises:
        ValueError: a class has fewer than two patients.
    """
    pool, test = np.flatnonzero(~traits.test), np.flatnonzero(traits.test)
    labels, groups = traits.labels, traits.groups
    fold_count(labels[pool], groups[pool])
    result: dict[str, Any] = {"films": len(pool), "patients": len(set(groups[pool]))}
    result["constant"] = all(len(np.unique(column)) == 1 for column in features.T)
    if result["constant"]:
        return result | {"auroc": 0.5, "interval": [0.5, 0.5], "test": None}
    scores, fold = np.zeros(len(labels)), np.zeros(len(labels), dtype=int)
    scores[pool], fold[pool] = out_of_fold(features[pool], labels[pool], groups[pool])
    result |= _with_interval(labels[pool], scores[pool], fold[pool], groups[pool])
    result["test"] = None
    if len(set(labels[test])) == 2:
        scores[test] = _scores(features, labels, pool, test)
        at = labels[test], scores[test], fold[test], groups[test]
        result["test"] = {"films": len(test), **_with_interval(*at)}
    return result


def fold_count(labels: np.ndarray, groups: np.ndarray) -> int:
    """Folds that can be made with patients of both classes in each.

    Raises:
        ValueError: a class has fewer than two patients.
    """
    folds = min([FOLDS, *(len(set(groups[labels == c])) for c in (0, 1))])
    if folds < 2:
        raise ValueError("This needs at least two patients of each class outside of test.")
    return folds


def out_of_fold(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores ``(N,)`` 0..1 by classifiers that never saw the film's patient, and folds ``(N,)``.

    Raises:
        ValueError: a class has fewer than two patients.
    """
    folds = fold_count(labels, groups)
    scores, fold = np.zeros(len(labels)), np.zeros(len(labels), dtype=int)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    for number, (fit, rest) in enumerate(splitter.split(features, labels, groups)):
        fold[rest], scores[rest] = number, _scores(features, labels, fit, rest)
    return scores, fold


def _scores(
    features: np.ndarray, labels: np.ndarray, fit: np.ndarray, rest: np.ndarray
) -> np.ndarray:
    """Scores of the films ``rest`` by trees grown on the films ``fit``."""
    trees = HistGradientBoostingClassifier(
        max_leaf_nodes=15,
        min_samples_leaf=10,
        early_stopping=False,  # pyright: ignore[reportArgumentType]
        random_state=0,
    )
    with threadpool_limits(1):  # work this small only makes threads wait for each other
        return trees.fit(features[fit], labels[fit]).predict_proba(features[rest])[:, 1]


def within_folds(labels: np.ndarray, scores: np.ndarray, fold: np.ndarray) -> float:
    """The AUROC of what ``out_of_fold`` returns, over the pairs that one classifier scored."""
    return float(_auroc(labels, scores, fold, np.ones((1, len(labels))))[0])


def _with_interval(
    labels: np.ndarray, scores: np.ndarray, fold: np.ndarray, groups: np.ndarray
) -> dict[str, Any]:
    weights = np.stack([np.ones(len(labels)), *bootstrap_by_patient(groups, DRAWS)])
    whole, *drawn = _auroc(labels, scores, fold, weights)
    return {"auroc": float(whole), "interval": list(interval(drawn))}


def _auroc(
    labels: np.ndarray, scores: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """AUROC over the pairs within folds, since scores of two folds' classifiers do not compare.

    ``(D,)`` for D weightings of the films ``(D, N)`` at once, by Mann and Whitney's count of pairs
    in the right order, ties half; scikit-learn's takes one weighting, and a thousand calls take
    long.
    """
    right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for number in np.unique(fold):
        part = np.flatnonzero(fold == number)
        part = part[np.argsort(scores[part])]
        ties = np.flatnonzero(np.diff(scores[part], prepend=-np.inf))
        weight, label = weights[:, part], labels[part]
        well = np.add.reduceat(weight * (label == 0), ties, axis=1)
        ill = np.add.reduceat(weight * (label == 1), ties, axis=1)
        right += (ill * (well.cumsum(axis=1) - well / 2)).sum(axis=1)
        pairs += ill.sum(axis=1) * well.sum(axis=1)
    return np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
