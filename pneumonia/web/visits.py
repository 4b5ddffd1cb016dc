"""What films and tables are called in the page's addresses, for as long as they are kept."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from pneumonia.reading.archive import FilmRef
from pneumonia.reading.radiograph import Radiograph
from pneumonia.web.batch_tab import Batch
from pneumonia.web.examples import Example
from pneumonia.web.limits import MAX_ROWS
from pneumonia.web.retention import MAX_AGE, sweeps

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things by names that nobody guesses, each found for ``MAX_AGE`` seconds.

    What is older goes with the next sweep of the uploads at the latest.

    Args:
        most: how much there may be; then the oldest go.
        size: how much a thing is, by default 1.
    """

    def __init__(self, most: int, size: Callable[[T], int] | None = None) -> None:
        self._most, self._size = most, size
        self._things: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._lock = threading.Lock()
        sweeps.append(self.sweep)

    def keep(self, thing: T, copied: str = "") -> str:
        """The thing's name; what was copied from another is as old as that."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            since, _ = self._things.get(copied, (time.monotonic(), None))
            self._things[name] = since, thing
            while self._amount() > self._most:
                self._things.popitem(last=False)
        return name

    def _amount(self) -> int:
        if not self._size:
            return len(self._things)
        return sum(self._size(thing) for _, thing in self._things.values())

    def find(self, name: str) -> T | None:
        """The thing of that name, if it is still there."""
        with self._lock:
            since, thing = self._things.get(name, (0.0, None))
        return thing if since >= time.monotonic() - MAX_AGE else None

    def sweep(self) -> None:
        """Drop what is too old."""
        before = time.monotonic() - MAX_AGE
        with self._lock:
            for name in [name for name, (since, _) in self._things.items() if since < before]:
                del self._things[name]


FILMS: Shelf[FilmRef] = Shelf(20_000)
BATCHES: Shelf[Batch] = Shelf(2 * MAX_ROWS, lambda batch: 10 + len(batch.rows))
GONE = FilmRef(Path())


def film(name: str, examples: Sequence[Example]) -> FilmRef | Radiograph:
    """The film of that name: an upload, a row of a table (``TABLE.3``), or an example.

    A film that is no longer kept is ``GONE``, which is refused like any other that was deleted.
    """
    table, _, row = name.partition(".")
    if not row:
        return FILMS.find(name) or GONE
    films = [e.film for e in examples] if table == "example" else _films_of(table)
    return films[int(row)] if row.isdecimal() and int(row) < len(films) else GONE


def example(name: str, examples: Sequence[Example]) -> Example | None:
    """The example of that name, ``example.3``; None of any other."""
    table, _, row = name.partition(".")
    known = table == "example" and row.isdecimal() and int(row) < len(examples)
    return examples[int(row)] if known else None


def _films_of(table: str) -> Sequence[FilmRef]:
    batch = BATCHES.find(table)
    return batch.films if batch else []
