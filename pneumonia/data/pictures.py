"""Pictures that are no chest films: natural ones, to pretrain on, and others, to be refused."""

import zlib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import v2
from tqdm import tqdm

from pneumonia.reading.archive import find_films
from pneumonia.synthetic.distractors import draw_distractors


def load_pictures(
    root: str | Path, side: int, part: slice = slice(None)
) -> tuple[torch.Tensor, torch.Tensor]:
    """Grey pictures ``(N, 1, side, side)`` uint8 and their classes ``(N,)`` int64.

    Args:
        root: a folder with one sub-folder per class (torchvision's ``ImageFolder``), or with
            ``.npz`` shards: ``data`` (uint8, JPEG streams one after another), ``offsets``
            (``(n + 1,)``) and ``labels`` (``(n,)``).
        side: pictures of another size are resized and cropped to it.
        part: which of the shards, by name; a folder per class is read whole.

    Raises:
        FileNotFoundError: neither is there.
        ValueError: a shard is damaged, or lacks one of the three.
    """
    fit = v2.Compose([v2.Grayscale(), v2.Resize(side, antialias=True), v2.CenterCrop(side)])
    pictures, labels = [], []
    if shards := sorted(Path(root).glob("*.npz"))[part]:
        for shard in tqdm(shards, "Decoding", unit="shard", disable=None):
            try:
                with np.load(shard) as content:
                    data, offsets, told = (content[key] for key in ("data", "offsets", "labels"))
            except (BadZipFile, zlib.error, EOFError, KeyError, ValueError) as error:
                said = f"{str(shard)!r} is damaged, or no shard of pictures: fetch it again."
                raise ValueError(said) from error
            labels += told.tolist()
            streams = (torch.from_numpy(data[a:b]) for a, b in pairwise(offsets))
            pictures += [fit(decode_jpeg(stream, ImageReadMode.GRAY)) for stream in streams]
    else:
        folder = ImageFolder(root, v2.Compose([v2.PILToTensor(), fit]))
        for number in tqdm(range(len(folder)), "Decoding", unit="picture", disable=None):
            picture, label = folder[number]
            pictures.append(picture)
            labels.append(label)
    return torch.stack(pictures), torch.tensor(labels)


def find_ood_images(folders: Iterable[Path]) -> dict[str, list]:
    """kind → pictures: the drawn ones, and the files of each folder under its name.

    Raises:
        FileNotFoundError: a folder has no pictures.
        ValueError: a folder is called like another one, or like a kind of drawn pictures.
    """
    kinds: dict[str, list] = draw_distractors(seed=1)  # which the lung finder learnt nothing of
    for folder in folders:
        files = find_films(folder)
        if not files:
            raise FileNotFoundError(f"There are no pictures in {str(folder)!r}.")
        if folder.name in kinds:
            raise ValueError(f"There are pictures called {folder.name!r} already: rename it.")
        kinds[folder.name] = files
    return kinds
