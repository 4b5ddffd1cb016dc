"""The data set chest-xray-pneumonia: fetched from Kaggle, and counted.

Kermany, Zhang, Goldbaum, "Labeled Optical Coherence Tomography and Chest X-Ray Images for
Classification", Mendeley Data, CC BY 4.0.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pneumonia.data.dataset import Record

HANDLE = "paultimothymooney/chest-xray-pneumonia"
EXPECTED = {"train": 5216, "val": 16, "test": 624}


def fetch() -> Path:
    """The folder of the data set, fetched where it is not in kagglehub's cache.

    Raises:
        OSError: the download failed.
    """
    import kagglehub  # pyright: ignore[reportMissingImports]  (the one command that needs it)

    try:
        return Path(kagglehub.dataset_download(HANDLE))
    except Exception as error:  # its errors are many and of no common type
        raise OSError(f"The download failed ({type(error).__name__}: {error}).") from error


def count(films: Sequence[Record]) -> None:
    """Print how many films each official folder has.

    Raises:
        ValueError: a folder has too few or too many.
    """
    counts = Counter(film.split for film in films)
    for split, expected in EXPECTED.items():
        print(f"{split}: {counts[split]} films (expected {expected})")
    if wrong := [split for split, expected in EXPECTED.items() if counts[split] != expected]:
        raise ValueError(f"The data set is not whole ({', '.join(wrong)}): fetch it again.")
