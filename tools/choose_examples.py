"""Choose the films that ship in examples/, by what the shipped models make of validation films.

    python -m tools.choose_examples --data data

A clear normal, a clear pneumonia, one that is not called, one that all models get wrong and one
that is refused. The choice is the same for the same models and data: films at full size before
smaller copies, then the surest. DIR holds the data set (chest_xray/), and may hold films of it at
full size under the same names (originals/). Where no film of the data set is refused, a drawn hand
is. The bytes are copied as they are.
"""

import argparse
import hashlib
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from pneumonia.card import LABELS
from pneumonia.data.dataset import Record, find_records, split_records
from pneumonia.evaluation.answers import read
from pneumonia.prediction import Prediction
from pneumonia.predictor import Predictor
from pneumonia.reading.archive import find_films
from pneumonia.storage import typed_json
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.distractors import draw_distractors
from pneumonia.web.examples import AUTHORS, FOLDER, LICENCE, LIST, SOURCE, Known, Shipped
from pneumonia.web.known import outcome

PASSED_OVER = {  # by people who looked
    "person564_bacteria_2345.jpeg": "a tube and wires over the lungs",
    "person1717_bacteria_4534.jpeg": "a wire over the lungs",
}
MOST = 300_000  # bytes of a film, so that five are at most 1.5 MB
# kind → truth (None: either), and what became of it, the best first
KINDS = {
    "normal": ("NORMAL", ("right",)),
    "pneumonia": ("PNEUMONIA", ("right",)),
    "not_called": (None, ("not_called", "partly")),
    "wrong": (None, ("wrong", "mixed")),
    "refused": (None, ("refused",)),
}


@dataclass(frozen=True)
class Candidate:
    """A film, and what the models made of it.

    Attributes:
        record: the film.
        full: whether it is at full size.
        outcome: see ``known.outcome``.
        vague: whether it is refused for no reason that one could see in it.
        sure: how far from 0.5 the probability is of which the models are least sure.
    """

    record: Record
    full: bool
    outcome: str
    vague: bool
    sure: float

    @property
    def truth(self) -> str:
        """The data set's label."""
        return LABELS[self.record.label]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (default: examples)")
    options = parser.parse_args()
    try:
        candidates = list(look(options.data))
        chosen = {kind: choose(kind, candidates) for kind in KINDS}
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"choose_examples: {error}")
    for line in write(chosen, options.out, options.data):
        print(line)


def look(data: Path, batch_size: int = 32) -> Iterator[Candidate]:
    """What the shipped models make of each validation film that is small enough to ship."""
    full = {path.name: path for path in find_films(data / "originals")}
    records = [
        replace(record, path=full.get(record.path.name, record.path))
        for record in split_records(find_records(data), "val")
    ]
    small = [
        record
        for record in records
        if record.path.name not in PASSED_OVER and record.path.stat().st_size <= MOST
    ]
    predictors = [Predictor.load(name, engine="torch") for name in available_models()]
    films = read(small, [])
    while batch := list(islice(films, batch_size)):
        answers = [
            predictor.predict_batch([film for _, film in batch], heatmap=False)
            for predictor in predictors
        ]
        for (record, _), *predictions in zip(batch, *answers, strict=True):
            yield candidate(record, record.path.name in full, predictions)


def candidate(record: Record, full: bool, predictions: Sequence[Prediction]) -> Candidate:
    """The film with what is needed to choose it."""
    called = outcome(predictions, LABELS[record.label])
    vague = any(p.gate.code == "unlike" for p in predictions)
    sure = min(abs(p.probability - 0.5) for p in predictions)
    return Candidate(record, full, called, vague, sure)


def choose(kind: str, candidates: Iterable[Candidate]) -> Candidate | None:
    """The best example of a kind; None of films that are refused, where there are none.

    Raises:
        ValueError: there is no film of another kind.
    """
    truth, outcomes = KINDS[kind]
    found = [c for c in candidates if c.outcome in outcomes and truth in (None, c.truth)]
    if not found and kind != "refused":
        raise ValueError(f"no validation film is an example of {kind!r}.")
    return min(
        found,
        key=lambda c: (
            *(outcomes.index(c.outcome), c.vague, not c.full),
            *(-c.sure, c.record.path.name),
        ),
        default=None,
    )


def write(chosen: dict[str, Candidate | None], out: Path, data: Path) -> Iterator[str]:
    """Copy the films under names that give nothing away, in an order that does not either.

    Yields:
        A line for each.
    """
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("film-?.*"):
        old.unlink()
    contents = {}
    for kind, film in chosen.items():
        contents[kind] = film.record.path.read_bytes() if film else _hand()
    order = sorted(contents, key=lambda kind: hashlib.sha256(contents[kind]).digest())
    films = []
    for letter, kind in zip("abcde", order, strict=True):
        film = chosen[kind]
        suffix = film.record.path.suffix.lower() if film else ".png"
        source = film.record.path.relative_to(data).as_posix() if film else "drawing"
        known = Known(f"film-{letter}{suffix}", kind, source, film.truth if film else None)
        (out / known.file).write_bytes(contents[kind])
        films.append(known)
        yield f"{known.file}: {kind}, {source}, {len(contents[kind]):,} bytes"
    credit = f"{AUTHORS}, Labeled OCT and Chest X-Ray Images for Classification, {SOURCE}"
    typed_json.save(out / LIST, Shipped(credit, LICENCE, tuple(films)))


def _hand() -> bytes:
    """A drawn radiograph of a hand, as a PNG."""
    picture = (255 * draw_distractors()["hands"][0]).astype(np.uint8)
    Image.fromarray(picture).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


if __name__ == "__main__":
    main()
