"""One run of ``pneumonia evaluate``: models and labelled films in, an evaluation out."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy.special import logit
from sklearn.metrics import roc_auc_score

from pneumonia.card import LABELS
from pneumonia.checkpoint import load_checkpoint
from pneumonia.data.dataset import find_records, split_records
from pneumonia.data.pictures import find_ood_images
from pneumonia.data.shortcuts import within_folds
from pneumonia.evaluation import report, shortcuts
from pneumonia.evaluation.answers import Films, answer, by_cause, calls, coverage, read, refusals
from pneumonia.evaluation.calibration import COVERAGE, held_out_coverage
from pneumonia.evaluation.changed import balanced_errors, corrupted, on_conflicting
from pneumonia.evaluation.corruptions import CORRUPTIONS
from pneumonia.evaluation.figure import draw_evaluation
from pneumonia.evaluation.metrics import compare, intervals, metrics, reliability
from pneumonia.evaluation.results import (
    Comparison,
    Evaluation,
    HeatmapChecks,
    ModelResult,
    Saliency,
)
from pneumonia.models import pick_device
from pneumonia.predictor import Predictor


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
        FileNotFoundError: a folder of ``ood`` has no pictures.
        CheckpointError: a model cannot be used, or two are of one model.
        ValueError: a class has no films, or two kinds of pictures have one name.
    """
    skipped: list[str] = []
    kinds, models = find_ood_images(ood), {}
    records = split_records(find_records(data), split)
    predictors = Predictor.load_all(names, device, "torch")
    films, answers = answer(predictors, read(records, skipped))
    if len(set(films.labels)) < 2:
        raise ValueError(f"The split {split!r} of {str(data)!r} lacks films of a class.")
    told, fold = shortcuts.surroundings(films.images, films.labels, films.patients)
    against = shortcuts.conflicting(told, films.labels)
    for predictor, clean in zip(predictors, answers, strict=True):
        p, threshold = np.array([a.probability for a in clean]), predictor.threshold
        size = predictor.card.preprocessing.size
        explainer, temperature = predictor.explainer, predictor.card.calibration.temperature
        log_odds = logit(p.clip(1e-15, 1 - 1e-15))  # a float of 1 stands for a little less
        covered = shortcuts.covered_logits(explainer, size, films.images) / temperature
        held_out = None
        if split == "val":
            held_out = held_out_coverage(films.labels, log_odds, films.patients, COVERAGE)
        models[predictor.name] = ModelResult(
            title=predictor.title,
            weights_sha256=predictor.card.weights.sha256,
            operating_point=threshold,
            figures=metrics(films.labels, p, threshold),
            intervals=intervals(films.labels, p, threshold, films.patients, draws),
            coverage=coverage(clean, films.labels),
            corruptions=corrupted(predictor, films, clean, ["clean"] if quick else CORRUPTIONS),
            probabilities=tuple(p.tolist()),
            ood={kind: refusals(predictor, some, skipped) for kind, some in kinds.items()},
            medmnist_c=balanced_errors(predictor, films) if medmnistc else None,
            covered_auroc=float(roc_auc_score(films.labels, covered)),
            covered_spread=float(covered.std() / max(log_odds.std(), 1e-15)),
            transplanted_auroc=shortcuts.transplanted_auroc(
                explainer, size, films.images, films.labels
            ),
            conflicting=on_conflicting(clean, films.labels, against),
            held_out_coverage=held_out,
            reliability=reliability(films.labels, p),
            calls=calls(clean, films.labels),
            causes=by_cause(clean, films),
        )
    comparisons = compare_models(models, films, draws)
    evaluation = Evaluation(
        *(command, split, models, comparisons, tuple(dict.fromkeys(skipped))),
        surroundings={n: within_folds(films.labels, p, fold) for n, p in told.items()},
    )
    return evaluation, films


def write_report(
    out: Path, evaluation: Evaluation, films: Films, readme: Path | None = None
) -> None:
    """Write ``evaluation.json``, ``evaluation.md``, ``evaluation.png`` and ``films.csv``.

    Args:
        out: the folder.
        evaluation: what was measured.
        films: those that were measured.
        readme: a file that gets the table between its markers.
    """
    out.mkdir(parents=True, exist_ok=True)
    evaluation.save(out / "evaluation.json")
    (out / "evaluation.md").write_text(report.markdown(evaluation), encoding="utf-8")
    draw_evaluation(evaluation, films.labels).savefig(out / "evaluation.png", dpi=110)
    table = out / "films.csv"  # the name of a film may be any bytes
    with table.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "truth", "patient or examination", *evaluation.models])
        each = zip(*(model.probabilities for model in evaluation.models.values()), strict=True)
        for record, said in zip(films.records, each, strict=True):
            name = "/".join(record.path.parts[-3:])
            rows.writerow([name, LABELS[record.label], record.patient, *(f"{p:.6f}" for p in said)])
    if readme:
        report.put_between_markers(readme, report.summary(evaluation))


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
    """The checks of ``saliency`` on up to ``count`` of the films; see ``evaluate_models``.

    Those that change normal films, and have to count hits, on up to eight times as many.
    """
    from pneumonia.evaluation import saliency  # which needs the package grad-cam

    rng = np.random.default_rng(0)
    images = films.images[rng.permutation(len(films.labels))[:count]]
    normal, ill = (
        films.images[rng.permutation(np.flatnonzero(films.labels == label))[: 8 * count]]
        for label in (0, 1)
    )
    models, checks = [], {}
    for name in names:
        network, card, _ = load_checkpoint(name, pick_device(device))
        *_, bias = network.classifier.parameters()
        bias.data += card.calibration.temperature * card.calibration.bias  # logit 0: even odds
        models.append(model := saliency.SaliencyModel(network, card.preprocessing.size))
        checks[card.model] = HeatmapChecks(
            cascading_randomization=saliency.cascading_randomization(model, images),
            road=saliency.road(model, images),
            pointing_game=saliency.pointing_game(model, normal),
            exchange=saliency.exchange(model, normal, ill),
            energy_outside_body=saliency.energy_outside_body(model, images),
        )
    agreement = saliency.agreement(models, images) if len(models) > 1 else None
    return Saliency(len(images), len(normal), checks, agreement)
