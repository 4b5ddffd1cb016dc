"""A worker process of Ray: a predictor, a reader of films, and where the answers go."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from pneumonia.archive.answers import Answers
from pneumonia.archive.films import read_film, storable
from pneumonia.prediction import Prediction
from pneumonia.predictor import Predictor
from pneumonia.reading.cage import Cage
from pneumonia.reading.radiograph import Radiograph
from pneumonia.reading.refusals import RadiographError


class Scorer:
    """Called with parts of an archive; each is read, predicted and written as one Parquet file.

    Args:
        model: as ``Predictor.load`` takes it.
        card: SHA-256 of its ``card.json``.
        device: where to compute.
        place: of the ``Answers``.
        readers: films read at a time.
        batch: films per forward pass.
    """

    def __init__(
        self, model: str, card: str, device: str, place: str, readers: int, batch: int
    ) -> None:
        self._predictor, self._answers = Predictor.load(model, device), Answers(place)
        self._card, self._batch = card, batch
        self._cage, self._pool = Cage(readers), ThreadPoolExecutor(readers)

    def __call__(self, part: dict) -> dict:
        """``{"paths": [...]}``, of bytes as the system has them → ``{"films": how many}``.

        Raises:
            OSError: the films' store, or that of the answers, does not answer.
        """
        rows = list(self._rows([os.fsdecode(path) for path in part["paths"]]))
        self._answers.write(rows)
        return {"films": len(rows)}

    def _rows(self, paths: Sequence[str]) -> Iterator[dict]:
        films = self._read_ahead(paths)
        for start in range(0, len(paths), self._batch):
            batch = {path: next(films) for path in paths[start : start + self._batch]}
            readable = {p: film for p, film in batch.items() if isinstance(film, Radiograph)}
            found = self._predictor.predict_batch(
                readable.values(), heatmap=False, batch_size=self._batch
            )
            predictions = dict(zip(readable, found, strict=True))
            for path, film in batch.items():
                yield {
                    "path": storable(path),
                    "model": self._predictor.name,
                    "card_sha256": self._card,
                    **_answer(film, predictions.get(path)),
                }

    def _read_ahead(self, paths: Sequence[str]) -> Iterator[Radiograph | RadiographError]:
        """Films in their order; the next batch is read while one is predicted."""
        coming = deque()
        for path in paths:
            coming.append(self._pool.submit(read_film, path, self._cage))
            if len(coming) > self._batch:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _answer(film: Radiograph | RadiographError, prediction: Prediction | None) -> dict:
    if isinstance(film, RadiographError) or prediction is None:
        return {"error": getattr(film, "code", None)}
    return {
        "probability": prediction.probability,
        "verdict": prediction.verdict if prediction.in_scope else None,
        "gate": prediction.gate.code,
    }
