"""The Kaggle folder → films with labels and patients, a patient-grouped fold, decoded images."""

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold
from tqdm import tqdm

from pneumonia.card import LABELS
from pneumonia.preprocess import CANONICAL_SIDE, to_canonical
from pneumonia.reading.archive import find_films
from pneumonia.reading.radiograph import RadiographError, read_radiograph

SPLITS = ("train", "val", "test")
FOLDS = 6  # one of them validates: about 870 films of 490 patients


@dataclass(frozen=True)
class Record:
    """One file of the data set. ``label`` is 0 (NORMAL) or 1 (PNEUMONIA)."""

    path: Path
    label: int
    patient: str
    split: str


def find_records(root: str | Path) -> list[Record]:
    """All films under ``root``, in a stable order.

    Args:
        root: the folder holding ``train`` (and ``val``, ``test``), or one above it, as Kaggle's
            archive unpacks. The copies the archive nests (``chest_xray/chest_xray``, ``__MACOSX``)
            are not counted twice.

    Raises:
        FileNotFoundError: no such folder, or none laid out like the data set.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(root)!r}: give the data set's with --data."
        )
    for base in (root, root / "chest_xray", root / "chest_xray" / "chest_xray"):
        if any((base / split / LABELS[0]).is_dir() for split in SPLITS):
            break
    else:
        raise FileNotFoundError(
            f"{str(root)!r} does not look like chest-xray-pneumonia: it should hold the folders "
            "train/NORMAL and train/PNEUMONIA. `pneumonia download` fetches the data set."
        )
    films = []
    for split in SPLITS:
        for label, name in enumerate(LABELS):
            for path in find_films(base / split / name):
                films.append(Record(path, label, patient_of(path.name), split))
    return films


def patient_of(name: str) -> str:
    """The patient (PNEUMONIA) or examination (NORMAL) a file name states, else the name itself.

    >>> patient_of("person1234_bacteria_5678.jpeg"), patient_of("NORMAL2-IM-0569-0001.jpeg")
    ('person1234', 'NORMAL2-IM-0569')
    """
    match = re.match(r"(person\d+)_|((?:NORMAL2-)?IM-\d+)-", name)
    return (match[1] or match[2]) if match else Path(name).stem


def split_records(films: Sequence[Record], split: str) -> list[Record]:
    """The films of one part: ``train``, ``val`` or ``test``.

    ``test`` is the official folder. ``train`` and ``val`` are cut from the official train and val
    folders together (the official val has 16 films), stratified by label and grouped by patient;
    files with identical bytes count as one patient's. The cut is the same for every seed and model.

    Raises:
        FileNotFoundError: there are no such films.
    """
    if split == "test":
        chosen = [film for film in films if film.split == "test"]
    else:
        pool = [film for film in films if film.split != "test"]
        if len({film.label for film in pool}) < 2:
            raise FileNotFoundError("The train folder needs films of both NORMAL and PNEUMONIA.")
        groups = merge_identical(pool)
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
        labels = [film.label for film in pool]
        rest, held = next(folds.split(np.zeros(len(pool)), labels, groups))
        chosen = [pool[i] for i in (rest if split == "train" else held)]
    if not chosen:
        raise FileNotFoundError(f"The data set has no {split!r} films here.")
    return chosen


def merge_identical(films: Sequence[Record]) -> list[str]:
    """A group name a film: its patient, patients that share a byte-identical file merged."""
    parent: dict[str, str] = {}

    def root(patient: str) -> str:
        while patient in parent:
            patient = parent[patient]
        return patient

    owner: dict[bytes, str] = {}
    for film in films:
        digest = hashlib.sha256(film.path.read_bytes()).digest()
        mine, theirs = root(film.patient), root(owner.setdefault(digest, film.patient))
        if mine != theirs:
            parent[mine] = theirs
    return [root(film.patient) for film in films]


def load_images(
    films: Sequence[Record], cache: str | Path | None = None
) -> tuple[torch.Tensor, list[Record], list[str]]:
    """Decode every film once, or take the decoded copy from the cache.

    Args:
        films: what to decode.
        cache: folder for decoded copies; default ``~/.cache/pneumonia`` (or $XDG_CACHE_HOME).

    Returns:
        ``(N, 1, 224, 224)`` uint8, the films that could be read in the same order, and a sentence
        for each that could not.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache or Path(home) / "pneumonia")
    stats = [(str(film.path), film.path.stat()) for film in films]
    key = "\n".join(f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)
    file = folder / f"images{CANONICAL_SIDE}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.pt"
    if file.is_file():
        stored = torch.load(file, weights_only=True, mmap=True)
    else:
        stored = decode(films)
        folder.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}.partial")
        torch.save(stored, partial)
        partial.replace(file)
    kept = [films[i] for i in stored["index"].tolist()]
    return stored["images"], kept, stored["errors"]


def decode(films: Sequence[Record]) -> dict:
    def one(film: Record) -> torch.Tensor | str:
        try:
            return to_canonical(read_radiograph(film.path).pixels)
        except RadiographError as error:
            return str(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(tqdm(pool.map(one, films), "Decoding", len(films), unit="film"))
    index = [i for i, result in enumerate(results) if not isinstance(result, str)]
    return {
        "images": torch.stack([results[i] for i in index])
        if index
        else torch.empty(0, 1, CANONICAL_SIDE, CANONICAL_SIDE),
        "index": torch.tensor(index, dtype=torch.long),
        "errors": [result for result in results if isinstance(result, str)],
    }
