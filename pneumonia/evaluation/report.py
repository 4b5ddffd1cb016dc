"""Run predictors over labelled films and say how good they are: a dict, Markdown, pictures."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import ConfusionMatrixDisplay, precision_recall_curve, roc_curve
from tqdm import tqdm

from pneumonia.card import LABELS
from pneumonia.evaluation import saliency
from pneumonia.evaluation.corruptions import CORRUPTIONS, corrupt
from pneumonia.evaluation.metrics import compare, intervals, metrics
from pneumonia.predictor import Prediction, Predictor
from pneumonia.preprocess import to_canonical
from pneumonia.reading.radiograph import Radiograph

SHOWN = (
    "auroc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "ece",
    "brier",
)
COLOURS = ("#b5541c", "#2a6f97")


def evaluate(
    predictor: Predictor,
    films: Sequence[Radiograph],
    labels: np.ndarray,
    patients: np.ndarray,
    perturbed: bool = True,
) -> dict:
    """All figures of one model.

    Args:
        predictor: of the model.
        films: N films.
        labels: ``(N,)`` of 0 and 1.
        patients: ``(N,)``, whose film it is.
        perturbed: also under every perturbation, one after the other.

    Returns:
        ``figures`` (see ``metrics``), ``intervals`` (their 95 % intervals by patient),
        ``conformal`` (coverage of each class, share UNCERTAIN), ``perturbations`` (name → AUROC,
        sensitivity, specificity, share of films with another label than when clean, share that
        the gate lets through),
        ``probabilities`` (``(N,)``).
    """
    images = torch.stack([to_canonical(film.pixels) for film in films])
    names = list(CORRUPTIONS) if perturbed else ["clean"]
    rows, clean = {}, None
    for name in tqdm(names, predictor.title, unit="suite", disable=None):
        sources = films if name == "clean" else [grid[0].numpy() for grid in corrupt(images, name)]
        predictions = predictor.predict_batch(sources, heatmap=False)
        clean = clean or predictions
        probabilities = np.array([p.probability for p in predictions])
        figures = metrics(labels, probabilities, predictor.threshold)
        flips = np.mean([p.label != c.label for p, c in zip(predictions, clean, strict=True)])
        rows[name] = {
            **{key: getattr(figures, key) for key in ("auroc", "sensitivity", "specificity")},
            "flips": float(flips),
            "passes": float(np.mean([p.in_scope for p in predictions])),
        }
    probabilities = np.array([p.probability for p in clean])
    return {
        "figures": asdict(metrics(labels, probabilities, predictor.threshold)),
        "intervals": intervals(labels, probabilities, predictor.threshold, patients),
        "conformal": coverage(clean, labels),
        "perturbations": rows,
        "probabilities": probabilities.tolist(),
    }


def coverage(predictions: Sequence[Prediction], labels: np.ndarray) -> dict[str, float]:
    """Share of each class whose true class is plausible, and of all films that are UNCERTAIN."""
    covered = np.array(
        [LABELS[y] in p.prediction_set for p, y in zip(predictions, labels, strict=True)]
    )
    rates = {name: float(covered[labels == i].mean()) for i, name in enumerate(LABELS)}
    uncertain = float(np.mean([p.verdict == "UNCERTAIN" for p in predictions]))
    return {**rates, "uncertain": uncertain}


def refusals(predictor: Predictor, ood_images: dict[str, Sequence]) -> dict[str, dict]:
    """kind → ``pictures`` and the share of them that the gate refuses (``refused``).

    Args:
        predictor: the model's.
        ood_images: kind → pictures that are no chest films, as ``read_radiograph`` takes them.
    """
    rows = {}
    for kind, pictures in ood_images.items():
        predictions = predictor.predict_batch(pictures, heatmap=False)
        refused = float(np.mean([not p.in_scope for p in predictions]))
        rows[kind] = {"pictures": len(predictions), "refused": refused}
    return rows


def check_heat(
    saliency_models: dict[str, saliency.SaliencyModel],
    films: Sequence[Radiograph],
    labels: np.ndarray,
    count: int,
) -> dict:
    """The checks of ``saliency`` on up to ``count`` films.

    Returns:
        ``models`` → name (as in ``saliency_models``) → check → figures; and ``agreement`` where
        there are two models.
    """
    rng = np.random.default_rng(0)
    mixed = rng.permutation(len(films))[:count]
    normal = rng.permutation(np.flatnonzero(labels == 0))[:count]
    images, without = (
        torch.stack([to_canonical(films[i].pixels) for i in chosen]) for chosen in (mixed, normal)
    )
    checks: dict = {"films": len(mixed), "models": {}}
    for name, saliency_model in saliency_models.items():
        checks["models"][name] = {
            "randomisation": saliency.cascading_randomization(saliency_model, images),
            "road": saliency.road(saliency_model, images),
            "pointing": saliency.pointing_game(saliency_model, without),
            "elsewhere": saliency.energy_outside_body(saliency_model, images),
        }
    if len(saliency_models) == 2:
        checks["agreement"] = saliency.agreement([*saliency_models.values()], images)
    return checks


def comparison(reports: dict[str, dict], predictors, labels, patients) -> dict:
    """``compare`` of the first two models."""
    one, two = predictors[:2]
    pair = [(np.array(reports[p.name]["probabilities"]), p.threshold) for p in (one, two)]
    return {"first": one.name, "second": two.name, **compare(labels, *pair, patients)}


def main_table(report: dict) -> str:
    """The models' figures with intervals, as a Markdown table."""
    models = report["models"]
    lines = ["| | " + " | ".join(m["title"] for m in models.values()) + " |"]
    lines.append("|---|" + "---|" * len(models))
    first = next(iter(models.values()))["figures"]
    counts = f"films (normal + pneumonia) | {first['films']} "
    counts += f"({first['normal']} + {first['pneumonia']})"
    lines.append(f"| {counts} |" + " ″ |" * (len(models) - 1))
    for key in SHOWN:
        cells = []
        for model in models.values():
            low, high = model["intervals"][key]
            cells.append(f"{model['figures'][key]:.3f} ({low:.3f}–{high:.3f})")
        lines.append(f"| {NAMES.get(key, key)} | " + " | ".join(cells) + " |")
    uncertain = [f"{100 * m['conformal']['uncertain']:.1f} %" for m in models.values()]
    lines.append("| called UNCERTAIN | " + " | ".join(uncertain) + " |")
    return "\n".join(lines)


NAMES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "ece": "ECE (calibration error)",
    "brier": "Brier score",
}


def markdown(report: dict) -> str:
    """The whole report as a page."""
    models = report["models"]
    parts = [
        f"# Evaluation on the split “{report['split']}”",
        f"`{report['command']}` wrote this page, [evaluation.json](evaluation.json) and the "
        "picture. In brackets: 95 % intervals, bootstrap by patient.",
        main_table(report),
        "![ROC, precision and recall, reliability, confusion](evaluation.png)",
    ]
    if "comparison" in report:
        c = report["comparison"]
        parts += [
            "## One model against the other",
            f"{models[c['first']]['title']} − {models[c['second']]['title']}, on the same films:",
            "| | difference | 95 % interval |\n|---|---|---|\n"
            + "\n".join(
                f"| {NAMES.get(k, k)} | {c[k]['difference']:+.4f} "
                f"| {c[k]['low']:+.4f} … {c[k]['high']:+.4f} |"
                for k in ("auroc", "accuracy", "brier")
            ),
        ]
    parts.append("## The plausible classes")
    parts.append(
        "Share of films whose true class was among the plausible ones (aim: 90 % of either class):"
    )
    lines = ["| model | NORMAL | PNEUMONIA | UNCERTAIN, of all |", "|---|---|---|---|"]
    for model in models.values():
        for name, row in (
            ("these films", model["conformal"]),
            ("limits set on one half of the patients, measured on the other", model.get("held")),
        ):
            if row:
                cells = " | ".join(f"{100 * row[k]:.1f} %" for k in (*LABELS, "uncertain"))
                lines.append(f"| {model['title']}: {name} | {cells} |")
    parts.append("\n".join(lines))
    for model in models.values():
        if len(model["perturbations"]) > 1:
            lines = [
                f"## {model['title']} on perturbed films",
                "",
                "| change | AUROC | sensitivity | specificity | labels that flip | pass the gate |",
                "|---|---|---|---|---|---|",
            ]
            lines += [
                f"| {name} | {r['auroc']:.4f} | {r['sensitivity']:.3f} | {r['specificity']:.3f} "
                f"| {100 * r['flips']:.1f} % | {100 * r['passes']:.1f} % |"
                for name, r in model["perturbations"].items()
            ]
            parts.append("\n".join(lines))
    kinds = next(iter(models.values()))["ood"]
    lines = ["| pictures | " + " | ".join(m["title"] for m in models.values()) + " |"]
    lines.append("|---|" + "---|" * len(models))
    for kind, row in kinds.items():
        cells = [f"{100 * m['ood'][kind]['refused']:.0f} %" for m in models.values()]
        lines.append(f"| {kind} ({row['pictures']}) | " + " | ".join(cells) + " |")
    parts += ["## What the gate refuses", "Pictures that are no chest films:", "\n".join(lines)]
    if "heat" in report:
        parts.append(_heat_section(report["heat"], models))
    return "\n\n".join(parts) + "\n"


def _heat_section(heat: dict, models: dict) -> str:
    names = list(heat["models"])
    rows = []

    def row(text: str, *path: str, per_cent: bool = True) -> None:
        cells = []
        for name in names:
            value = heat["models"][name][path[0]][path[1]]
            cells.append(f"{100 * value:.0f} %" if per_cent else f"{value:.2f}")
        rows.append(f"| {text} | " + " | ".join(cells) + " |")

    for depth in ("classifier", "last half", "everything"):
        row(
            f"rank correlation with the trained maps, {depth} forgotten (mean of "
            f"{saliency.DRAWS} draws)",
            "randomisation",
            depth,
            per_cent=False,
        )
    row("ROAD score of the heat", "road", "heat", per_cent=False)
    row("ROAD score of random maps", "road", "random", per_cent=False)
    row("films where the heat beats random maps", "road", "better")
    row("a drawn opacity: the evidence rises most there", "pointing", "rise")
    row("a drawn opacity: the evidence is then highest there", "pointing", "heat")
    row("… by chance", "pointing", "chance")
    row("a drawn opacity: the logit rises by", "pointing", "logit", per_cent=False)
    row("heat in the air around the child", "elsewhere", "outside")
    row("… its share of the film", "elsewhere", "outside_area")
    row("heat on a pasted corner marker", "elsewhere", "marker")
    row("… its share of the film", "elsewhere", "marker_area")
    titles = " | ".join(models[name]["title"] for name in names)
    table = f"| | {titles} |\n|---|" + "---|" * len(names) + "\n" + "\n".join(rows)
    text = f"## Do the heatmaps tell the truth?\n\nOn {heat['films']} films.\n\n{table}"
    if "agreement" in heat:
        text += (
            "\n\nMean rank correlation of both models' maps of the same films: "
            f"{heat['agreement']:.2f}."
        )
    return text


def plot(report: dict, labels: np.ndarray, path: str | Path) -> None:
    """ROC, precision–recall, reliability and a confusion matrix a model, as a PNG."""
    models = report["models"]
    figure = Figure(figsize=(4 * (3 + len(models)), 4), layout="constrained")
    axes = figure.subplots(1, 3 + len(models))
    axes[2].plot([0, 1], [0, 1], ":", color="#888888")
    for colour, model in zip(COLOURS, models.values(), strict=False):
        p, figures = np.array(model["probabilities"]), model["figures"]
        false_positive, true_positive, _ = roc_curve(labels, p)
        precision, recall, _ = precision_recall_curve(labels, p)
        share, mean = calibration_curve(labels, p, n_bins=10)
        label = f"{model['title']}, {{}} {{:.3f}}"
        for axis, x, y, name, key, style in (
            (axes[0], false_positive, true_positive, "AUROC", "auroc", "-"),
            (axes[1], recall, precision, "AP", "average_precision", "-"),
            (axes[2], mean, share, "ECE", "ece", "o-"),
        ):
            axis.plot(x, y, style, color=colour, label=label.format(name, figures[key]))
            axis.legend(frameon=False, loc="lower center")
    axes[0].set(title="ROC", xlabel="1 − specificity", ylabel="sensitivity")
    axes[1].set(title="Precision and recall", xlabel="recall", ylabel="precision")
    axes[2].set(title="Reliability", xlabel="predicted probability", ylabel="share with pneumonia")
    for axis, model in zip(axes[3:], models.values(), strict=True):
        called = np.array(model["probabilities"]) >= model["operating_point"]
        ConfusionMatrixDisplay.from_predictions(
            labels, called, display_labels=LABELS, ax=axis, cmap="Greys", colorbar=False
        )
        axis.set(title=model["title"], xlabel="called", ylabel="is")
    figure.savefig(path, dpi=110)
