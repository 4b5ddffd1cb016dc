"""How good the lung finder is, on films that people outlined and on pictures without lungs."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from pneumonia.data.outlines import OutlinedFilms, at_edge, dice
from pneumonia.data.pictures import find_ood_images, load_pictures
from pneumonia.evaluation.corruptions import CORRUPTIONS, corrupt, corrupt_outlines
from pneumonia.evaluation.metrics import intervals, metrics
from pneumonia.evaluation.shortcuts import outline_traits
from pneumonia.lungs import LungFinder, Lungs
from pneumonia.preprocess import to_canonical
from pneumonia.reading.radiograph import Source, read_radiograph
from pneumonia.reading.refusals import RadiographError

NATURAL = 1000  # pictures tried


def measure(
    finder: LungFinder,
    training: OutlinedFilms,
    films: OutlinedFilms,
    lungless: dict[str, torch.Tensor],
) -> dict[str, Any]:
    """All figures of a finder, for its card.

    Args:
        finder: what is measured.
        training: the films it learned from; the outlines of these teach the classifiers.
        films: of other patients: everything is measured on these.
        lungless: kind → pictures without lungs ``(N, 1, 224, 224)`` uint8.
    """
    images = films.images
    others = {"inverted": 255 - images}
    others |= {f"turned by {90 * k}°": torch.rot90(images, k, (2, 3)) for k in (1, 2, 3)}
    return {
        "films": len(films),
        "changes": {
            name: on_films(finder(corrupt(images, name)), corrupt_outlines(films.outlines, name))
            for name in tqdm(CORRUPTIONS, "Changed films", unit="change", disable=None)
        },
        "orientation": {name: shares(finder(changed)) for name, changed in others.items()},
        "lungless": {
            kind: {"pictures": len(pictures), **shares(finder(pictures))}
            for kind, pictures in lungless.items()
        },
        "outline_auroc": outline_auroc(finder, training, films),
    }


def on_films(found: Sequence[Lungs], outlines: torch.Tensor) -> dict[str, float]:
    """Dice and its 5th percentile, refusals, and the share of outlines at the picture's edge."""
    overlaps = dice(_masks(found), outlines)
    figures = {"dice": float(overlaps.mean()), "p05": float(overlaps.quantile(0.05))}
    return figures | shares(found) | {"at_edge": float(at_edge(outlines).float().mean())}


def shares(found: Sequence[Lungs]) -> dict[str, float]:
    """Share of the pictures that are refused, and for which reason."""
    codes = [lungs.code for lungs in found]
    reasons = ("no_lungs", "inverted", "turned", "cut_off")
    counts = {reason: codes.count(reason) / len(codes) for reason in reasons}
    return {"refused": sum(code != "ok" for code in codes) / len(codes), **counts}


def outline_auroc(
    finder: LungFinder, training: OutlinedFilms, films: OutlinedFilms
) -> dict[str, dict[str, Any]]:
    """How well the place and shape of the lungs alone tell the classes apart.

    What a model can reach that sees the outline and nothing inside it: logistic regression on the
    box (edges, width, height), on the mask in its box at 16 × 16, and on both.
    """
    learn, judge = (outline_traits(finder(part.images)) for part in (training, films))
    figures = {}
    for name in (*learn, "both"):
        x, y = (np.hstack([*t.values()]) if name == "both" else t[name] for t in (learn, judge))
        classifier = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.05, class_weight="balanced", max_iter=3000)
        )
        p = classifier.fit(x, training.labels).predict_proba(y)[:, 1]
        figures[name] = {
            "auroc": metrics(films.labels, p, 0.5).auroc,
            "interval": list(intervals(films.labels, p, 0.5, films.patients, 200)["auroc"]),
        }
    return figures


def lungless_pictures(
    not_chest: str | Path | None = None, natural: str | Path | None = None
) -> dict[str, torch.Tensor]:
    """kind → pictures without lungs ``(N, 1, 224, 224)`` uint8: drawn ones, and others if given.

    Args:
        not_chest: a folder of pictures or films; those that cannot be read are named on stderr.
        natural: a folder of natural pictures in shards (see ``load_pictures``): the last one.

    Raises:
        ValueError: there are so few shards that the finder may have learned from all of them.
    """
    if natural and len(list(Path(natural).glob("*.npz"))) < 3:
        raise ValueError(
            f"{str(natural)!r} needs three .npz shards or more: a finder learns from the first "
            "two, or from all of a folder per class."
        )
    kinds = find_ood_images([Path(not_chest)] if not_chest else [])
    if natural:
        some = load_pictures(natural, 64, slice(-1, None))[0][:NATURAL, 0]
        kinds["natural pictures"] = list(some.numpy())
    found = {kind: [*_readable(some)] for kind, some in kinds.items()}
    return {kind: torch.stack(some) for kind, some in found.items() if some}


def _readable(pictures: Iterable[Source]) -> Iterator[torch.Tensor]:
    """``(1, 224, 224)`` uint8 of each picture; one that cannot be read is named on stderr."""
    for picture in pictures:
        try:
            yield to_canonical(read_radiograph(picture).pixels)
        except RadiographError as error:
            print(f"skipped: {error}", file=sys.stderr)


def _masks(found: Sequence[Lungs]) -> torch.Tensor:
    return torch.from_numpy(np.stack([lungs.mask for lungs in found]))[:, None]
