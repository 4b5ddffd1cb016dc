"""Intervals by drawing patients anew, with all their films: those of one patient are alike."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike


def bootstrap_by_patient(patients: np.ndarray, draws: int, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each film counts when its patients are drawn anew, with replacement.

    Args:
        patients: ``(N,)``, whose film it is.
        draws: how many samples.
        seed: of the samples.

    Yields:
        ``(N,)`` float64, per sample.
    """
    names, index = np.unique(patients, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = rng.integers(len(names), size=len(names))
        yield np.bincount(drawn, minlength=len(names))[index].astype(np.float64)


def interval(values: ArrayLike) -> tuple[float, float]:
    """The 95 % interval of a figure from its values in the samples; NaN values do not count."""
    low, high = np.nanpercentile(np.asarray(values, dtype=np.float64), [2.5, 97.5])
    return float(low), float(high)
