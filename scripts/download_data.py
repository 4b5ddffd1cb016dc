"""Fetch the data set chest-xray-pneumonia from Kaggle and check that it is whole.

    pip install kagglehub
    python scripts/download_data.py
    python scripts/download_data.py --check DIR      # only count the films of a folder
    python scripts/download_data.py --examples       # also put a film of each kind on the page

kagglehub asks for no account for public data sets; where it does, see its documentation on
credentials. The data: Kermany, Zhang, Goldbaum, "Labeled Optical Coherence Tomography and Chest
X-Ray Images for Classification", Mendeley Data, CC BY 4.0.
"""

import argparse
import shutil
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.data.dataset import Record, find_records, split_records

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
KINDS = (("Normal", "IM-"), ("Bacterial pneumonia", "_bacteria_"), ("Viral pneumonia", "_virus_"))
CREDIT = "Kermany et al., CC BY 4.0"
HANDLE = "paultimothymooney/chest-xray-pneumonia"
EXPECTED = {"train": 5216, "val": 16, "test": 624}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", metavar="DIR", help="count the films of a folder, fetch nothing")
    parser.add_argument(
        "--examples",
        nargs="?",
        const=EXAMPLES,
        metavar="DIR",
        help="copy a film of each kind that no shipped model was trained on into DIR (examples/)",
    )
    args = parser.parse_args()
    folder = args.check or download()
    films = find_records(folder)
    if args.examples:
        copy_examples(films, Path(args.examples))
    counts = Counter(film.split for film in films)
    wrong = []
    for split, expected in EXPECTED.items():
        print(f"{split}: {counts[split]} films (expected {expected})")
        if counts[split] != expected:
            wrong.append(split)
    if wrong:
        sys.exit(f"download_data.py: {folder} is not whole ({', '.join(wrong)}): fetch it again.")
    print(f"The data set is whole. Train with:\n  python scripts/train.py --data {folder}")


def copy_examples(films: list[Record], folder: Path) -> None:
    """A film of each kind from the validation patients, under a name that the page shows."""
    held = split_records(films, "val")
    for title, mark in KINDS:
        film = next((film for film in held if mark in film.path.name), None)
        if film is None:
            print(f"There is no film of the kind {title!r} in the data set.", file=sys.stderr)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{title} ({CREDIT}){film.path.suffix.lower()}"
        shutil.copyfile(film.path, target)
        print(f"example: {target}")


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
