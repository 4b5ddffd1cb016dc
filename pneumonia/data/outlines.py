"""Films with lungs outlined by people: what the lung finder learns from and is measured by."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from pneumonia.data.dataset import Record, find_records, load_images, train_and_val
from pneumonia.preprocess import CANONICAL_SIDE


@dataclass(frozen=True)
class OutlinedFilms:
    """Films that have an outline, N of them; a slice picks some.

    Attributes:
        images: ``(N, 1, 224, 224)`` uint8.
        outlines: the same shape, 255 in the lungs and 0 elsewhere.
        labels: ``(N,)`` int64 of 0 (NORMAL) and 1 (PNEUMONIA).
        patients: ``(N,)``, whose film it is.
    """

    images: torch.Tensor
    outlines: torch.Tensor
    labels: np.ndarray
    patients: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, some: slice) -> "OutlinedFilms":
        return OutlinedFilms(*(part[some] for part in vars(self).values()))


def load_outlined(
    data: str | Path, outlines: str | Path, cache: str | Path | None = None
) -> tuple[OutlinedFilms, OutlinedFilms]:
    """The films to train on that have an outline, and those that validate; see ``train_and_val``.

    Args:
        data: the data set's folder.
        outlines: a folder laid out like it: ``train/NORMAL/IM-0115-0001.png``, white in the lungs,
            belongs to ``train/NORMAL/IM-0115-0001.jpeg``. It is squashed as the film is.
        cache: for decoded films, see ``load_images``.

    Raises:
        FileNotFoundError: no film of a part has one.
    """
    train, val = train_and_val(find_records(data))
    return _load("train", train, outlines, cache), _load("val", val, outlines, cache)


def _load(
    split: str, records: Sequence[Record], outlines: str | Path, cache: str | Path | None
) -> OutlinedFilms:
    outlined = [film for film in records if outline_of(film, outlines).is_file()]
    if not outlined:
        raise FileNotFoundError(
            f"{str(outlines)!r} holds no outline of a {split} film: give the folder of outlines, "
            "laid out like the data set, with --outlines."
        )
    images, films, errors = load_images(outlined, cache)
    for error in errors:
        print(f"skipped: {error}", file=sys.stderr)
    print(f"{split}: {len(films)} films with an outline, of {len(records)}", flush=True)
    return OutlinedFilms(
        images,
        torch.stack([_read(outline_of(film, outlines)) for film in films]),
        np.array([film.label for film in films]),
        np.array([film.patient for film in films]),
    )


def outline_of(film: Record, outlines: str | Path) -> Path:
    """Where the outline of a film lies, if it has one."""
    return Path(outlines, *film.path.parts[-3:]).with_suffix(".png")


def at_edge(outlines: torch.Tensor) -> torch.Tensor:
    """``(N,)`` bool: lung at the picture's edge, ``(N, 1, h, w)`` uint8: it may be cut off there.

    The outermost pixels are passed over, as some outlines leave them out.
    """
    on = outlines[:, 0] > 127
    return torch.cat([on[:, 1], on[:, -2], on[:, :, 1], on[:, :, -2]], 1).any(1)


def dice(masks: torch.Tensor, outlines: torch.Tensor) -> torch.Tensor:
    """Dice ``(N,)`` of found and drawn lungs, on the film's 224 × 224 pixels.

    Args:
        masks: ``(N, 1, h, w)`` probabilities that a pixel is lung.
        outlines: ``(N, 1, 224, 224)`` uint8, 255 in the lungs.
    """
    found, drawn = F.interpolate(masks, outlines.shape[2:], mode="bilinear") > 0.5, outlines > 127
    overlap = (found & drawn).sum((1, 2, 3))
    return 2 * overlap / (found.sum((1, 2, 3)) + drawn.sum((1, 2, 3))).clamp_min(1)


def _read(path: Path) -> torch.Tensor:
    with Image.open(path) as picture:
        grey = picture.convert("L").resize((CANONICAL_SIDE, CANONICAL_SIDE))
    return torch.from_numpy(np.array(grey) > 127)[None].to(torch.uint8) * 255
