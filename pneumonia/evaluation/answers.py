"""What models say of labelled films, read and predicted exactly as an upload is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from pneumonia.card import LABELS
from pneumonia.data.dataset import CAUSES, Record, cause_of
from pneumonia.evaluation.results import Calls, CauseSensitivity, Coverage, Refusals
from pneumonia.lungs import BATCH
from pneumonia.prediction import Prediction
from pneumonia.predictor import Predictor
from pneumonia.preprocess import to_canonical
from pneumonia.reading.radiograph import Radiograph, Source, read_radiograph
from pneumonia.reading.refusals import RadiographError


@dataclass(frozen=True)
class Films:
    """The films of a split that could be read, N of them.

    Attributes:
        images: ``(N, 1, 224, 224)`` uint8.
        labels: ``(N,)`` of 0 (NORMAL) and 1 (PNEUMONIA).
        patients: ``(N,)``, whose film it is.
        records: where each lies.
    """

    images: torch.Tensor
    labels: np.ndarray
    patients: np.ndarray
    records: Sequence[Record]


class Answer(NamedTuple):
    """What figures are made of: a prediction without its film.

    Attributes:
        probability: of PNEUMONIA.
        label: 0 (NORMAL) or 1 (PNEUMONIA).
        plausible: whether each class is.
        in_scope: whether the gate lets the film through.
    """

    probability: float
    label: int
    plausible: tuple[bool, ...]
    in_scope: bool

    @classmethod
    def of(cls, prediction: Prediction) -> "Answer":
        """The answer that a prediction holds."""
        plausible = tuple(name in prediction.prediction_set for name in LABELS)
        label = LABELS.index(prediction.label)
        return cls(prediction.probability, label, plausible, prediction.in_scope)


def read(records: Iterable[Record], skipped: list[str]) -> Iterator[tuple[Record, Radiograph]]:
    """The films that can be read, one by one; ``skipped`` gets a sentence for each other one."""
    for record in tqdm(records, "Films", unit="film", disable=None):
        try:
            yield record, read_radiograph(record.path)
        except RadiographError as error:
            skipped.append(str(error))


def answer(
    predictors: Sequence[Predictor],
    labelled: Iterable[tuple[Record, Radiograph]],
    batch_size: int = BATCH,
) -> tuple[Films, list[list[Answer]]]:
    """What each model says of the films; of those at full size, two batches are in memory."""
    answers: list[list[Answer]] = [[] for _ in predictors]
    images, records, coming = [], [], iter(labelled)
    while batch := list(islice(coming, batch_size)):
        for said, predictor in zip(answers, predictors, strict=True):
            predictions = predictor.predict_iter([film for _, film in batch], heatmap=False)
            said.extend(map(Answer.of, predictions))
        records += [record for record, _ in batch]
        images += [to_canonical(film.pixels) for _, film in batch]
    labels = np.array([record.label for record in records])
    patients = np.array([record.patient for record in records])
    whole = torch.stack(images) if images else torch.empty(0)
    return Films(whole, labels, patients, records), answers


def coverage(answers: Sequence[Answer], labels: np.ndarray) -> Coverage:
    """How often the true class is plausible, by class, and how often the verdict is UNCERTAIN."""
    plausible = np.array([a.plausible for a in answers])
    normal, pneumonia = (plausible[labels == i, i].mean() for i in range(len(LABELS)))
    return Coverage(float(normal), float(pneumonia), float((plausible.sum(1) != 1).mean()))


def calls(answers: Sequence[Answer], labels: np.ndarray) -> Calls:
    """How many films get a verdict that is a class, and how many of these another than theirs."""
    called = np.array([a.in_scope and sum(a.plausible) == 1 for a in answers])
    wrong = np.array([not a.plausible[label] for a, label in zip(answers, labels, strict=True)])
    return Calls(int(called.sum()), int((called & wrong).sum()))


def by_cause(answers: Sequence[Answer], films: Films) -> dict[str, CauseSensitivity]:
    """The sensitivity to bacterial and to viral pneumonia, where the files' names tell which."""
    causes = np.array([cause_of(record.path.name) for record in films.records])
    called = np.array([a.label for a in answers])
    return {
        cause: CauseSensitivity(int(some.sum()), float(called[some].mean()))
        for cause in CAUSES
        if (some := (causes == cause) & (films.labels == 1)).any()
    }


def refusals(predictor: Predictor, pictures: Sequence[Source], skipped: list[str]) -> Refusals:
    """What the gate does with pictures that are no chest films.

    Args:
        predictor: the model.
        pictures: of the kinds that ``read_radiograph`` takes; one batch at a time is in memory.
        skipped: gets a sentence for each that cannot be read.
    """

    def readable() -> Iterator[Radiograph]:
        for picture in pictures:
            try:
                yield read_radiograph(picture)
            except RadiographError as error:
                skipped.append(str(error))

    refused = [not p.in_scope for p in predictor.predict_iter(readable(), heatmap=False)]
    return Refusals(len(refused), float(np.mean(refused)) if refused else 0.0)
