"""What is known of an archive's films: Parquet files, each there whole or not at all."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from fsspec.core import url_to_fs

TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("model", TEXT),
        ("card_sha256", TEXT),
        ("probability", pa.float64()),
        ("verdict", TEXT),
        ("gate", TEXT),
        ("error", TEXT),
    ]
)


class Answers:
    """One row per film: ``path, model, card_sha256, probability, verdict, gate, error``.

    ``error`` is a code of ``reading.refusals.REFUSALS``, or null; the others are null where it is
    not. ``gate`` is ``"ok"`` or a code of ``gate.REASONS``; ``verdict`` is null unless it is
    ``"ok"``. ``probability`` is P(PNEUMONIA), calibrated, 0..1, and means nothing out of scope.

    Args:
        place: a folder, or an address that fsspec knows.
    """

    def __init__(self, place: str) -> None:
        self._files, self._root = url_to_fs(place)

    def write(self, rows: Sequence[dict]) -> None:
        """A file with the answers for some films, whose name follows from theirs.

        So a worker that does again what another one did before it died replaces that file.
        """
        names = "\n".join(row["path"] for row in rows)
        name = hashlib.sha256(names.encode()).hexdigest()[:20]
        out = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), out, compression="zstd")
        self.put(f"part-{name}.parquet", out.getvalue().to_pybytes())

    def put(self, name: str, data: bytes) -> None:
        """A file that a reader meets whole or not at all."""
        self._files.makedirs(self._root, exist_ok=True)
        partial = f"{self._root}/.{name}.{uuid4().hex}.partial"
        self._files.pipe_file(partial, data)
        self._files.mv(partial, f"{self._root}/{name}")

    def column(self, name: str) -> pa.ChunkedArray:
        """A column of all that is written, in no order."""
        names = self._files.find(self._root, maxdepth=1)  # whatever signs the folder's name has
        parts = [name for name in names if PurePosixPath(name).match("part-*.parquet")]
        if not parts:
            return pa.chunked_array([], SCHEMA.field(name).type)
        found = pyarrow.dataset.dataset(parts, SCHEMA, "parquet", self._files)
        return found.to_table(columns=[name])[name]

    def counts(self, name: str) -> dict[str, int]:
        """How many films have which value of a column, the most frequent first."""
        column = self.column(name).cast(pa.string()).drop_null()
        pairs = [(str(p["values"]), p["counts"]) for p in column.value_counts().to_pylist()]
        return dict(sorted(pairs, key=lambda pair: -pair[1]))

    def summarise(self, **more: object) -> dict:
        """The counts of all films; also written as ``summary.json``."""
        summary = {
            "films": len(self.column("path")),
            "verdicts": self.counts("verdict"),
            "gate": self.counts("gate"),
            "errors": self.counts("error"),
            **more,
        }
        self.put("summary.json", json.dumps(summary, indent=2).encode() + b"\n")
        return summary
