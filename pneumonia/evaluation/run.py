"""One run of ``pneumonia evaluate``: models and labelled films in, an evaluation out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import logit
from sklearn.metrics import balanced_accuracy_score
from tqdm import tqdm

from pneumonia.card import LABELS
from pneumonia.checkpoint import load_checkpoint
from pneumonia.data.dataset import Record, find_records, split_records
from pneumonia.evaluation import medmnist_c, report, saliency, shortcuts
from pneumonia.evaluation.calibration import COVERAGE, held_out_coverage
from pneumonia.evaluation.corruptions import CORRUPTIONS, corrupt
from pneumonia.evaluation.figure import plot
from pneumonia.evaluation.metrics import compare, intervals, metrics
from pneumonia.evaluation.results import (
    Comparison,
    Conflicting,
    Corrupted,
    Coverage,
    Evaluation,
    HeatmapChecks,
    MedmnistC,
    ModelResult,
    Refusals,
    Saliency,
)
from pneumonia.explain import Explainer
from pneumonia.models import pick_device
from pneumonia.predictor import Prediction, Predictor
from pneumonia.preprocess import to_canonical
from pneumonia.reading.archive import find_films
from pneumonia.reading.radiograph import Radiograph, read_radiograph
from pneumonia.reading.refusals import RadiographError
from pneumonia.synthetic.distractors import draw_distractors


@dataclass(frozen=True)
class Films:
    """The films of a split that could be read, N of them.

    Attributes:
        images: ``(N, 1, 224, 224)`` uint8.
        labels: ``(N,)`` of 0 (NORMAL) and 1 (PNEUMONIA).
        patients: ``(N,)``, whose film it is.
    """

    images: torch.Tensor
    labels: np.ndarray
    patients: np.ndarray


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


def evaluate_models(
    names: Sequence[str | Path],
    data: str | Path,
    split: str,
    command: str,
    *,
    device: str = "auto",
    ood: Iterable[Path] = (),
    quick: bool = False,
    medmnistc: bool = False,
    draws: int = 1000,
) -> tuple[Evaluation, Films]:
    """Measure models on the films of a split, read and predicted exactly as an upload is.

    Args:
        names: shipped models, or checkpoint folders.
        data: the data set's folder.
        split: ``"val"`` or ``"test"`` (see ``split_records``).
        command: what was typed, for the report.
        device: where to compute.
        ood: folders of pictures that are no chest films, beside those that are always drawn.
        quick: no corrupted films.
        medmnistc: also MedMNIST-C's corruptions.
        draws: bootstrap samples of the intervals.

    Raises:
        ValueError: a class has no films.
    """
    skipped: list[str] = []
    records = split_records(find_records(data), split)
    predictors = [Predictor.load(name, device) for name in names]
    films, answers = answer(predictors, read(records, skipped))
    if len(set(films.labels)) < 2:
        raise ValueError(f"The split {split!r} of {str(data)!r} lacks films of a class.")
    kinds, models = find_ood_images(ood), {}
    against = shortcuts.conflicting(films.images, films.labels, films.patients)
    for name, predictor, clean in zip(names, predictors, answers, strict=True):
        p, threshold = np.array([a.probability for a in clean]), predictor.threshold
        network, card, _ = load_checkpoint(name, predictor.device)
        asked = Explainer(network), card.preprocessing.size, films.images, films.labels
        held_out = None
        if split == "val":
            held_out = held_out_coverage(films.labels, logit(p), films.patients, COVERAGE)
        models[predictor.name] = ModelResult(
            title=predictor.title,
            weights_sha256=predictor.card.weights.sha256,
            operating_point=threshold,
            figures=metrics(films.labels, p, threshold),
            intervals=intervals(films.labels, p, threshold, films.patients, draws),
            coverage=coverage(clean, films.labels),
            corruptions=corrupted(predictor, films, clean, ["clean"] if quick else CORRUPTIONS),
            probabilities=tuple(p.tolist()),
            ood={kind: refusals(predictor, pictures) for kind, pictures in kinds.items()},
            medmnist_c=balanced_errors(predictor, films) if medmnistc else None,
            covered_auroc=shortcuts.covered_auroc(*asked),
            transplanted_auroc=shortcuts.transplanted_auroc(*asked),
            conflicting=on_conflicting(clean, films.labels, against),
            held_out_coverage=held_out,
        )
    comparisons = compare_models(models, films, draws)
    return Evaluation(command, split, models, comparisons, tuple(skipped)), films


def write_report(
    out: Path, evaluation: Evaluation, labels: np.ndarray, readme: Path | None = None
) -> None:
    """Write ``evaluation.json``, ``evaluation.md`` and ``evaluation.png``.

    Args:
        out: the folder.
        evaluation: what was measured.
        labels: ``(N,)`` of the films.
        readme: a file that gets the table between its markers.
    """
    out.mkdir(parents=True, exist_ok=True)
    evaluation.save(out / "evaluation.json")
    (out / "evaluation.md").write_text(report.markdown(evaluation), encoding="utf-8")
    plot(evaluation, labels, out / "evaluation.png")
    if readme:
        report.put_between_markers(readme, report.summary(evaluation))


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
    batch_size: int = 32,
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
    return Films(whole, labels, patients), answers


def coverage(answers: Sequence[Answer], labels: np.ndarray) -> Coverage:
    """How often the true class is plausible, by class, and how often the verdict is UNCERTAIN."""
    plausible = np.array([a.plausible for a in answers])
    normal, pneumonia = (plausible[labels == i, i].mean() for i in range(len(LABELS)))
    return Coverage(float(normal), float(pneumonia), float((plausible.sum(1) != 1).mean()))


def corrupted(
    predictor: Predictor, films: Films, clean: Sequence[Answer], names: Iterable[str]
) -> dict[str, Corrupted]:
    """Figures under each of the named corruptions, one after the other.

    Of as many films of either class: there are few of one, and more of the other tell little more.
    """
    some = balanced(films.labels)
    labels, images, clean = films.labels[some], films.images[some], [clean[i] for i in some]
    rows = {}
    for name in tqdm(names, predictor.title, unit="corruption", disable=None):
        answers = clean
        if name != "clean":
            changed = (image[0].numpy() for image in corrupt(images, name))
            answers = [Answer.of(p) for p in predictor.predict_iter(changed, heatmap=False)]
        p = np.array([a.probability for a in answers])
        figures = metrics(labels, p, predictor.threshold)
        flips = [a.label != before.label for a, before in zip(answers, clean, strict=True)]
        rows[name] = Corrupted(
            *(figures.auroc, figures.sensitivity, figures.specificity),
            label_flip_rate=float(np.mean(flips)),
            gate_pass_rate=float(np.mean([a.in_scope for a in answers])),
        )
    return rows


def on_conflicting(
    answers: Sequence[Answer], labels: np.ndarray, against: np.ndarray
) -> Conflicting:
    """The calls of the films whose shortcuts tell the wrong class, ``against`` ``(N,)`` bool."""
    right = np.array([answer.label for answer in answers]) == labels
    counts = [int((against & (labels == label)).sum()) for label in (0, 1)]
    shares = [
        float(right[against & (labels == label)].mean()) if n else None
        for label, n in enumerate(counts)
    ]
    return Conflicting(*counts, *shares)


def balanced_errors(predictor: Predictor, films: Films, per_class: int = 100) -> MedmnistC:
    """MedMNIST-C's thirteen corruptions at five severities, on some films of each class."""
    some = balanced(films.labels, per_class)
    labels, images = films.labels[some], films.images[some]

    def error(changed: torch.Tensor) -> float:
        pixels = (image[0].numpy() for image in changed)
        said = [Answer.of(p).label for p in predictor.predict_iter(pixels, heatmap=False)]
        return 1 - float(balanced_accuracy_score(labels, said))

    errors = {
        name: float(np.mean([error(medmnist_c.corrupt(images, name, s)) for s in range(5)]))
        for name in tqdm(medmnist_c.SUITE, f"{predictor.title}, MedMNIST-C", disable=None)
    }
    return MedmnistC(len(labels), error(images), errors)


def balanced(labels: np.ndarray, most: int | None = None) -> np.ndarray:
    """Indices of as many films of either class, ``most`` or all of the rarer, evenly spread."""
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    least = min(*map(len, classes), most or len(labels))
    return np.concatenate([c[np.linspace(0, len(c) - 1, least).astype(int)] for c in classes])


def refusals(predictor: Predictor, pictures: Sequence) -> Refusals:
    """What the gate does with pictures (see ``read_radiograph``) that are no chest films."""
    refused = [not p.in_scope for p in predictor.predict_iter(pictures, heatmap=False)]
    return Refusals(len(pictures), float(np.mean(refused)))


def compare_models(
    models: dict[str, ModelResult], films: Films, draws: int
) -> tuple[Comparison, ...]:
    """The model with the highest AUROC against each of the others."""
    pairs = {n: (np.array(m.probabilities), m.operating_point) for n, m in models.items()}
    best = max(models, key=lambda name: models[name].figures.auroc)
    return tuple(
        Comparison(
            best, name, **compare(films.labels, pairs[best], pairs[name], films.patients, draws)
        )
        for name in models
        if name != best
    )


def check_heatmaps(
    names: Sequence[str | Path], films: Films, count: int, device: str = "auto"
) -> Saliency:
    """The checks of ``saliency`` on up to ``count`` of the films; see ``evaluate_models``."""
    rng = np.random.default_rng(0)
    images = films.images[rng.permutation(len(films.labels))[:count]]
    normal = films.images[rng.permutation(np.flatnonzero(films.labels == 0))[:count]]
    models, checks = [], {}
    for name in names:
        network, card, _ = load_checkpoint(name, pick_device(device))
        models.append(model := saliency.SaliencyModel(network, card.preprocessing.size))
        checks[card.model] = HeatmapChecks(
            cascading_randomization=saliency.cascading_randomization(model, images),
            road=saliency.road(model, images),
            pointing_game=saliency.pointing_game(model, normal),
            energy_outside_body=saliency.energy_outside_body(model, images),
        )
    agreement = saliency.agreement(models, images) if len(models) > 1 else None
    return Saliency(len(images), checks, agreement)


def find_ood_images(folders: Iterable[Path]) -> dict[str, list]:
    """kind → pictures: the drawn ones, and those of each folder under its name."""
    kinds: dict[str, list] = draw_distractors()
    for folder in folders:
        files = find_films(folder)
        if not files:
            raise FileNotFoundError(f"There are no pictures in {str(folder)!r}.")
        kinds[folder.name] = [read_radiograph(file) for file in files]
    return kinds
