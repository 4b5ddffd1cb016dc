"""The Kaggle folder → films with labels and patients, a patient-grouped fold, decoded images."""

import hashlib
import inspect
import os
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold
from tqdm import tqdm

from pneumonia import reading
from pneumonia.card import LABELS
from pneumonia.preprocess import CANONICAL_SIDE, to_canonical
from pneumonia.reading.archive import find_films
from pneumonia.reading.radiograph import RadiographError, read_radiograph
from pneumonia.storage.atomic import replacing

SPLITS = ("train", "val", "test")
CAUSES = ("bacteria", "virus")
PASSING = {"missing", "cannot_open", "out_of_memory"}  # which another run may not meet
UNUSED = 30 * 24 * 3600  # seconds
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


def cause_of(name: str) -> str | None:
    """Which of ``CAUSES`` a file name of PNEUMONIA states.

    >>> cause_of("person1234_bacteria_5678.jpeg")
    'bacteria'
    """
    match = re.search(f"_({'|'.join(CAUSES)})_", name)
    return match[1] if match else None


def split_records(films: Sequence[Record], split: str) -> list[Record]:
    """The films of one part: ``train``, ``val`` (see ``train_and_val``) or the official ``test``.

    Raises:
        FileNotFoundError: there are no such films.
    """
    if split != "test":
        train, val = train_and_val(films)
        return train if split == "train" else val
    if chosen := [film for film in films if film.split == "test"]:
        return chosen
    raise FileNotFoundError("The data set has no 'test' films here.")


def train_and_val(films: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """The films to train on and those that validate; each file is read whole.

    They are cut from the official train and val folders together (the official val has 16 films),
    stratified by label and grouped by patient; files with identical bytes count as one patient's.
    The cut is the same for every seed and model.

    Raises:
        FileNotFoundError: there are no films of a class.
    """
    pool = [film for film in films if film.split != "test"]
    if len({film.label for film in pool}) < 2:
        raise FileNotFoundError("The train folder needs films of both NORMAL and PNEUMONIA.")
    groups = merge_identical(pool)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    labels = [film.label for film in pool]
    train, val = next(folds.split(np.zeros(len(pool)), labels, groups))
    return [pool[i] for i in train], [pool[i] for i in val]


def merge_identical(films: Sequence[Record]) -> list[str]:
    """A group name per film: its patient; patients that share a byte-identical file are one."""
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
    """Decode every film once, or take the decoded copies from the cache.

    They are decoded anew when a file or the code that decodes it changes, or if one of them could
    not be read for a passing reason. Copies that nobody used for a month are deleted.

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
    lines = [f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats]
    key = hashlib.sha256("\n".join([decoder_version(), *lines]).encode(errors="surrogateescape"))
    file = folder / f"images-{key.hexdigest()[:16]}.pt"
    if file.is_file():
        stored = torch.load(file, weights_only=True, mmap=True)
        os.utime(file)
    else:
        stored = decode(films)
        if not stored["passing"]:
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(file) as partial:
                torch.save(stored, partial)
    for other in folder.glob("images*-*.pt"):
        if time.time() - other.stat().st_mtime > UNUSED:
            other.unlink(missing_ok=True)
    kept = [films[i] for i in stored["index"].tolist()]
    return stored["images"], kept, stored["errors"]


def decoder_version() -> str:
    """A hash of the code that makes images of files: other pixels have another version."""
    source = [path.read_bytes() for path in sorted(Path(reading.__file__).parent.glob("*.py"))]
    source.append(inspect.getsource(to_canonical).encode())
    source += [version(name).encode() for name in ("pillow", "pydicom", "torch")]
    return hashlib.sha256(b"\0".join(source)).hexdigest()


def decode(films: Sequence[Record]) -> dict:
    """``images`` ``(N, 1, 224, 224)`` uint8, ``index`` of the films they are of, ``errors``.

    ``passing`` says whether one of the errors may pass.
    """

    def one(film: Record) -> torch.Tensor | RadiographError:
        try:
            return to_canonical(read_radiograph(film.path).pixels)
        except RadiographError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(tqdm(pool.map(one, films), "Decoding", len(films), unit="film"))
    images = {i: result for i, result in enumerate(results) if isinstance(result, torch.Tensor)}
    errors = [result for result in results if isinstance(result, RadiographError)]
    none = torch.empty(0, 1, CANONICAL_SIDE, CANONICAL_SIDE, dtype=torch.uint8)
    return {
        "images": torch.stack([*images.values()]) if images else none,
        "index": torch.tensor([*images], dtype=torch.long),
        "errors": list(map(str, errors)),
        "passing": any(error.code in PASSING for error in errors),
    }
