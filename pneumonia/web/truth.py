"""What a batch's films are in truth: by the folders they lie in, or by a table given with them.

A table is a CSV with a film's name in the column "film", "file" or "name" and NORMAL or PNEUMONIA
in the column "truth" or "label". It counts before folders. What it says is never trusted further
than that: its size is bounded, and a sentence says how many of its rows meant nothing.
"""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pneumonia.card import LABELS
from pneumonia.web.limits import MAX_ROWS
from pneumonia.web.texts import Reference, ref

MAX_BYTES = 2**20  # of a table

_FILM, _TRUTH = ("film", "file", "name"), ("truth", "label")
_DELIMITERS = ",;\t|"


class TruthError(ValueError):
    """A table that says nothing; ``sentence`` tells a visitor why."""

    def __init__(self, code: str, **arguments: str | int) -> None:
        self.sentence = ref(f"truth.{code}", **arguments)
        super().__init__(code)


@dataclass
class Table:
    """A table of truths, by films' names without folders, case or suffix, and with them.

    Attributes:
        rows: how many lines it has below its head.
        unclear: how many of them have neither NORMAL nor PNEUMONIA, or contradict another row.
        films: a film as rows call it → its label, once for each of these rows.
        names: every other way to call these films → their labels, more than one if they differ.
    """

    rows: int = 0
    unclear: int = 0
    films: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)

    def label(self, path: str) -> str:
        """The label of the film at that path, "" where the table does not tell."""
        for name in _ways(path):
            if name in self.films:
                return self.films[name][0]
            if len(labels := self.names.get(name, set())) == 1:
                return next(iter(labels))
        return ""

    def sentence(self, paths: Iterable[str]) -> Reference:
        """How much of the table found a film among these paths, in one sentence."""
        there = {name for path in paths for name in _ways(path)}
        matched = (rows for film, rows in self.films.items() if not there.isdisjoint(_ways(film)))
        found = sum(map(len, matched))
        unmatched = self.rows - self.unclear - found
        return ref(
            "truth.table", rows=self.rows, found=found, unmatched=unmatched, unclear=self.unclear
        )


def folder_label(path: str) -> str:
    """The label that the innermost folder called NORMAL or PNEUMONIA gives a film, or ""."""
    for part in reversed(re.split(r"[/\\]", path)[:-1]):
        if part.strip().upper() in LABELS:
            return part.strip().upper()
    return ""


def read_table(path: Path) -> Table:
    """A CSV of truths, with any usual delimiter and in any usual encoding.

    Raises:
        TruthError: it is too large, is no table, lacks a column, or holds predictions.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TruthError("too_large", limit=MAX_BYTES // 2**20)
    text = _decode(data)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        film = next(columns.index(name) for name in _FILM if name in columns)
        truth = next(columns.index(name) for name in _TRUTH if name in columns)
        if {"model", "probability"} <= set(columns) and "truth" not in columns:
            raise TruthError("predictions")  # such as this page's own export
        return _collect(rows, film, truth)
    except (csv.Error, StopIteration):
        raise TruthError("no_columns") from None


def _collect(rows: Iterable[list[str]], film: int, truth: int) -> Table:
    table, said = Table(), defaultdict(list)
    for row in filter(any, rows):
        table.rows += 1
        if table.rows > MAX_ROWS:
            raise TruthError("too_many_rows", limit=MAX_ROWS)
        name = _plain(row[film]) if len(row) > film else ""
        label = row[truth].strip().upper() if len(row) > truth else ""
        if name and label in LABELS:
            said[name].append(label)
    table.films = {name: labels for name, labels in said.items() if len(set(labels)) == 1}
    table.unclear = table.rows - sum(map(len, table.films.values()))
    for name, labels in table.films.items():
        for other in _ways(name):
            table.names.setdefault(other, set()).add(labels[0])
    return table


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _plain(path: str) -> str:
    """A path as it is compared: uploads lose other signs than these on their way."""
    path = unicodedata.normalize("NFC", path[:500]).casefold().replace("\\", "/")
    return re.sub(r"[^\w./-]", "", path).strip("/")


def _ways(path: str) -> list[str]:
    """What a film may be called, the most exact first: its path's ends, then without suffix."""
    parts = _plain(path).split("/")[-4:]
    ends = ["/".join(parts[first:]) for first in range(len(parts))]
    name = PurePosixPath(parts[-1])
    return [_plain(path), *ends, *([name.stem] if name.suffix else [])]
