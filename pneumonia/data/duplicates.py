"""Films that are in a data set twice: the same bytes, nearly the same picture, the same patient."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from pneumonia.data.dataset import SPLITS, Record

HASH = 16  # side of the difference hash; at 8 most chest films are within the noise of each other
# Of 256 bits. JPEG at quality 30, a gamma of 0.8 or halving and doubling the size each moved the
# hash of 400 films by 8 bits or fewer in 99 % of cases; films of two patients start at 11.
NEAR = 8


def identical_pairs(films: Sequence[Record]) -> list[tuple[int, int]]:
    """Pairs of indices of files with the same bytes."""
    same: dict[bytes, list[int]] = {}
    for i, film in enumerate(films):
        same.setdefault(hashlib.sha256(film.path.read_bytes()).digest(), []).append(i)
    return [pair for copies in same.values() for pair in combinations(copies, 2)]


def near_identical_pairs(
    images: Tensor, bits: int = NEAR, block: int = 1024
) -> list[tuple[int, int]]:
    """Pairs of indices of films that look nearly the same.

    Their difference hashes (Krawetz 2013: is each cell of a small copy brighter than its left
    neighbour?) differ in at most ``bits`` of 256.

    Args:
        images: ``(N, 1, H, W)`` uint8.
        bits: the largest Hamming distance that counts.
        block: rows compared at a time; a block takes 4 * block * N bytes.
    """
    parts = [
        F.interpolate(part.float(), (HASH, HASH + 1), mode="area") for part in images.split(block)
    ]
    small = np.concatenate([part.numpy() for part in parts])[:, 0]
    sign = np.where(small[:, :, 1:] > small[:, :, :-1], 1, -1).reshape(len(small), -1)
    sign, pairs = sign.astype(np.float32), []
    for start in range(0, len(sign), block):  # a product of signs counts equal less unequal bits
        distance = (HASH**2 - sign[start : start + block] @ sign[start:].T) / 2
        one, other = np.nonzero(np.triu(distance <= bits, 1))
        pairs += zip((one + start).tolist(), (other + start).tolist(), strict=True)
    return pairs


def overlaps(
    films: Sequence[Record], pairs: dict[str, list[tuple[int, int]]], splits: Sequence[str]
) -> dict[str, dict]:
    """What the splits share.

    Args:
        films: N films.
        pairs: kind → pairs of indices of films.
        splits: N names of splits.

    Returns:
        ``patients``: two splits (``"train–val"``) → the names of patients in both. And each kind
        of pairs: a split or two → ``pairs``, how many there are, and of those ``two_patients``
        and ``two_labels``, how many have different ones.
    """
    members = {s: {f.patient for f, t in zip(films, splits, strict=True) if t == s} for s in SPLITS}
    present = [split for split in SPLITS if members[split]]
    shared = {f"{a}–{b}": sorted(members[a] & members[b]) for a, b in combinations(present, 2)}
    result: dict[str, dict] = {"patients": shared}
    for kind, found in pairs.items():
        empty = {"pairs": 0, "two_patients": 0, "two_labels": 0}
        counts = {where: Counter(empty) for where in (*present, *shared)}
        for i, j in found:
            where = "–".join(split for split in SPLITS if split in (splits[i], splits[j]))
            one, other = films[i], films[j]
            counts[where]["pairs"] += 1
            counts[where]["two_patients"] += one.patient != other.patient
            counts[where]["two_labels"] += one.label != other.label
        result[kind] = {where: dict(count) for where, count in counts.items()}
    return result
