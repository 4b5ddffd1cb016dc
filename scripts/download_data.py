"""Fetch the data set chest-xray-pneumonia from Kaggle and check that it is whole.

    pip install kagglehub
    python scripts/download_data.py
    python scripts/download_data.py --check DIR      # only count the films of a folder

kagglehub asks for no account for public data sets; where it does, see its documentation on
credentials. The data: Kermany, Zhang, Goldbaum, "Labeled Optical Coherence Tomography and Chest
X-Ray Images for Classification", Mendeley Data, CC BY 4.0.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.dataset import find_films

HANDLE = "paultimothymooney/chest-xray-pneumonia"
EXPECTED = {"train": 5216, "val": 16, "test": 624}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", metavar="DIR", help="count the films of a folder, fetch nothing")
    args = parser.parse_args()
    folder = args.check or download()
    counts = Counter(film.split for film in find_films(folder))
    wrong = []
    for split, expected in EXPECTED.items():
        print(f"{split}: {counts[split]} films (expected {expected})")
        if counts[split] != expected:
            wrong.append(split)
    if wrong:
        sys.exit(f"download_data.py: {folder} is not whole ({', '.join(wrong)}): fetch it again.")
    print(f"The data set is whole. Train with:\n  python scripts/train.py --data {folder}")


def download() -> str:
    try:
        import kagglehub
    except ImportError:
        sys.exit("download_data.py: it needs kagglehub: pip install kagglehub")
    try:
        return kagglehub.dataset_download(HANDLE)
    except Exception as error:  # its errors are many and of no common type
        sys.exit(f"download_data.py: the download failed ({type(error).__name__}: {error}).")


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as error:
        sys.exit(f"download_data.py: {error}")
