"""One run of ``pneumonia evaluate``: models and labelled films in, an evaluation out."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy.special import logit

from pneumonia.checkpoint import load_checkpoint
from pneumonia.data.dataset import find_records, split_records
from pneumonia.data.pictures import find_ood_images
from pneumonia.evaluation import report, shortcuts
from pneumonia.evaluation.answers import Films, answer, coverage, read, refusals
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
        ValueError: a class has no films, or two models or two kinds of pictures have one name.
    """
    skipped: list[str] = []
    kinds, models = find_ood_images(ood), {}
    records = split_records(find_records(data), split)
    predictors = [Predictor.load(name, device, "torch") for name in names]
    if len({predictor.name for predictor in predictors}) < len(predictors):
        raise ValueError("Two of the checkpoints are of one model: evaluate them one by one.")
    films, answers = answer(predictors, read(records, skipped))
    if len(set(films.labels)) < 2:
        raise ValueError(f"The split {split!r} of {str(data)!r} lacks films of a class.")
    against = shortcuts.conflicting(films.images, films.labels, films.patients)
    for predictor, clean in zip(predictors, answers, strict=True):
        p, threshold = np.array([a.probability for a in clean]), predictor.threshold
        size = predictor.card.preprocessing.size
        asked = predictor.explainer, size, films.images, films.labels
        held_out = None
        if split == "val":
            log_odds = logit(p.clip(1e-15, 1 - 1e-15))  # a float of 1 stands for a little less
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
            covered_auroc=shortcuts.covered_auroc(*asked),
            transplanted_auroc=shortcuts.transplanted_auroc(*asked),
            conflicting=on_conflicting(clean, films.labels, against),
            held_out_coverage=held_out,
            reliability=reliability(films.labels, p),
        )
    comparisons = compare_models(models, films, draws)
    return Evaluation(command, split, models, comparisons, tuple(dict.fromkeys(skipped))), films


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
    draw_evaluation(evaluation, labels).savefig(out / "evaluation.png", dpi=110)
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
