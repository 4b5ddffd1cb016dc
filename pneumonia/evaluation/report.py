"""An evaluation for people: Markdown tables, the page ``evaluation.md``, the README's table."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean

from pneumonia.evaluation.results import Corrupted, Evaluation, HeatmapChecks, ModelResult
from pneumonia.evaluation.wilson import wilson
from pneumonia.evaluation.wording import CAVEATS, DRAWN, NAMES, SHOWN

_HONESTY = {
    "covered_auroc": "AUROC, lungs covered",
    "covered_spread": "spread of the log-odds then, of that of the films as they are",
    "transplanted_auroc": "AUROC, lungs set into films of the other class",
    "even_ece": "ECE, both classes weighted equally, as in calibration",
}
_ALL = (*SHOWN, *_HONESTY)
_README = (
    *("auroc", "accuracy", "sensitivity", "specificity", "brier"),
    *("covered_auroc", "transplanted_auroc", "even_ece"),
)
_BETWEEN = re.compile(r"(<!-- figures[^>]*-->\n).*?(<!-- /figures -->)", re.DOTALL)
_RANDOMISED = "rank correlation with the trained maps, classifier randomised"
_HEATMAP_ROWS = (  # text, check, figure, whether it is a share
    (_RANDOMISED, "cascading_randomization", "classifier", False),
    ("… last half randomised", "cascading_randomization", "last half", False),
    ("… everything randomised", "cascading_randomization", "everything", False),
    ("ROAD score of the heatmap", "road", "heat", False),
    ("ROAD score of random maps", "road", "random", False),
    ("films whose heatmap beats a random map", "road", "better", True),
    ("synthetic opacity: the attribution rises most inside it", "pointing_game", "rise", True),
    ("… the attribution is highest inside it", "pointing_game", "heat", True),
    ("… by chance", "pointing_game", "chance", True),
    ("… mean rise of the logit", "pointing_game", "logit", False),
    ("lungs with a quarter of PNEUMONIA: it rises most there", "exchange", "rise", True),
    ("… it is highest there", "exchange", "heat", True),
    ("… by chance", "exchange", "chance", True),
    (
        "heat in the air around the child (maps cover the lungs alone, as found)",
        "energy_outside_body",
        "outside",
        True,
    ),
    ("… its share of the film", "energy_outside_body", "outside_area", True),
    ("heat on a pasted corner marker", "energy_outside_body", "marker", True),
    ("… its share of the film", "energy_outside_body", "marker_area", True),
)


def summary(evaluation: Evaluation) -> str:
    """The figures that matter most, the command that measured them and what its films chose."""
    said = f"`{evaluation.command}` measured this. {CAVEATS[evaluation.split]}"
    return f"{said}\n\n{main_table(evaluation, _README)}\n\n{without_lungs(evaluation)}".rstrip()


def without_lungs(evaluation: Evaluation) -> str:
    """What the AUROC has to be compared with, in a sentence; nothing where it is not known."""
    told = ", ".join(f"{name} {auroc:.3f}" for name, auroc in evaluation.surroundings.items())
    return told and (
        f"Without a picture of the lungs, the AUROC of these films is: {told} (boosted "
        "trees, out of fold by patient). So a high AUROC alone proves little here."
    )


def main_table(evaluation: Evaluation, keys: Sequence[str] = _ALL) -> str:
    """The models' figures with intervals, as a Markdown table."""
    models = list(evaluation.models.values())
    counts = models[0].figures
    films = f"{counts.films} ({counts.normal} + {counts.pneumonia})"
    rows = [["films (normal + pneumonia)", films, *["″"] * (len(models) - 1)]]
    for key in keys:
        row = [NAMES.get(key, _HONESTY.get(key, key))]
        for model in models:
            value = getattr(model if key in _HONESTY else model.figures, key)
            ends = model.intervals.get(key)
            interval = f" ({ends[0]:.3f}–{ends[1]:.3f})" if ends else ""
            row.append("–" if value is None else f"{value:.3f}{interval}")
        rows.append(row)
    rows.append(["called UNCERTAIN", *(f"{100 * m.coverage.uncertain:.1f} %" for m in models)])
    called = [model.calls for model in models if model.calls]
    if len(called) == len(models):
        text = "wrong among those called NORMAL or PNEUMONIA"
        rows.append([text, *(f"{one.wrong} of {one.films}" for one in called)])
    for cause, one in models[0].causes.items():
        shares = (f"{model.causes[cause].sensitivity:.3f}" for model in models)
        rows.append([f"sensitivity to {cause} ({one.films} films)", *shares])
    return table(["", *(model.title for model in models)], rows)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, *rows]
    text = ["|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(headings), *text[1:]])


def markdown(evaluation: Evaluation) -> str:
    """The whole report as a page."""
    models = evaluation.models
    parts = [
        f"# Evaluation on the split “{evaluation.split}”",
        f"`{evaluation.command}` wrote this page, [evaluation.json](evaluation.json), [each film's "
        "probabilities](films.csv) and the picture. In brackets: 95 % intervals, bootstrap by "
        f"patient. {CAVEATS[evaluation.split]}",
        main_table(evaluation),
        *filter(None, [without_lungs(evaluation)]),
        "![ROC, precision and recall, reliability, confusion](evaluation.png)",
    ]
    if any(model.conflicting for model in models.values()):
        parts += ["## Films whose shortcuts mislead", _CONFLICTING, _conflicting(models.values())]
    if evaluation.comparisons:
        parts.append("## Models compared")
    for comparison in evaluation.comparisons:
        rows = []
        for key in ("auroc", "accuracy", "brier"):
            ahead = getattr(comparison, key)
            by, low, high = ahead.difference, ahead.low, ahead.high
            rows.append([NAMES.get(key, key), f"{by:+.4f}", f"{low:+.4f} … {high:+.4f}"])
        first, second = (models[name].title for name in (comparison.first, comparison.second))
        parts.append(f"{first} − {second}, on the same films:")
        parts.append(table(["", "difference", "95 % interval"], rows))
    parts += ["## The plausible classes", _COVERAGE, _coverage_table(evaluation)]
    for model in models.values():
        if len(model.corruptions) > 1:
            parts.append(f"## {model.title} on perturbed films")
            parts.append(f"Of these films {model.changed_films}, as many of either class.")
            rows = [
                [
                    *(name, f"{row.auroc:.4f}", f"{row.sensitivity:.3f}", f"{row.specificity:.3f}"),
                    *(f"{100 * row.label_flip_rate:.1f} %", f"{100 * row.gate_pass_rate:.1f} %"),
                ]
                for name, row in model.corruptions.items()
            ]
            parts.append(table(_CORRUPTION_HEADINGS, rows))
    if any(len(model.corruptions) > 1 for model in models.values()):
        parts += ["## Over all changes", _OVER_ALL, _over_all(list(models.values()))]
    measured = [model for model in models.values() if model.medmnist_c]
    if measured:
        parts += ["## MedMNIST-C", _MEDMNIST_C, _medmnist_c(measured)]
    titles = [model.title for model in models.values()]
    rows = [
        [
            f"{kind} ({tried.pictures})",
            *(f"{100 * model.ood[kind].refused:.0f} %" for model in models.values()),
        ]
        for kind, tried in next(iter(models.values())).ood.items()
    ]
    parts += ["## What the gate refuses", _REFUSED]
    parts.append(table(["pictures", *titles], rows))
    if heat := evaluation.saliency:
        parts += [
            "## The heatmaps put to the test",
            f"On {heat.films} films; what is put into films, into {heat.normal} of NORMAL. "
            "Models whose recipe has opacities learned from others, drawn in another way.",
        ]
        titles = [models[name].title for name in heat.models]
        parts.append(table(["", *titles], _heatmap_rows([*heat.models.values()])))
        if heat.agreement is not None:
            text = "Mean rank correlation of the maps of two models of the same film:"
            parts.append(f"{text} {heat.agreement:.2f}.")
    return "\n\n".join(parts) + "\n"


_REFUSED = (
    "Pictures that are no chest films. Drawn ones of these kinds were among what the lung finder "
    f"learnt from ({', '.join(DRAWN)}): only the others say how it does with what it never saw."
)
_CONFLICTING = (
    "Films that at least two of three classifiers of other patients' films call wrongly: one sees "
    "the rim alone, one the grey levels without their place, one the outline of the lungs. A model "
    "that reads what they read fails here. In brackets: 95 % intervals, Wilson's, as if no patient "
    "had two of these films."
)


def _conflicting(models: Iterable[ModelResult]) -> str:
    rows = []
    for model in models:
        if some := model.conflicting:
            row = [model.title]
            counts = (some.specificity, some.normal), (some.sensitivity, some.pneumonia)
            for share, films in counts:
                ends = wilson(round(share * films), films) if share is not None else None
                said = ends and f"{share:.3f} ({ends[0]:.3f}–{ends[1]:.3f}; {films} films)"
                row.append(said or "–")
            rows.append(row)
    return table(["model", "specificity", "sensitivity"], rows)


_OVER_ALL = (
    "Mean and worst over the perturbed and reframed films above (as many of either class; "
    "balanced error: half of both error rates together):"
)


def _over_all(models: Sequence[ModelResult]) -> str:
    changes = [[row for n, row in m.corruptions.items() if n != "clean"] for m in models]
    rows = [
        ["balanced error, mean", *(f"{100 * mean(map(_error, c)):.1f} %" for c in changes)],
        ["… worst", *(f"{100 * max(map(_error, c)):.1f} %" for c in changes)],
        ["AUROC, lowest", *(f"{min(row.auroc for row in c):.4f}" for c in changes)],
        ["sensitivity, lowest", *(f"{min(row.sensitivity for row in c):.3f}" for c in changes)],
        ["specificity, lowest", *(f"{min(row.specificity for row in c):.3f}" for c in changes)],
    ]
    return table(["", *(model.title for model in models)], rows)


_MEDMNIST_C = (
    "Balanced error under the thirteen corruptions of PneumoniaMNIST-C (Di Salvo et al. 2024), "
    "mean over five severities, on these films:"
)


def _medmnist_c(models: Sequence[ModelResult]) -> str:
    results = [model.medmnist_c for model in models if model.medmnist_c]
    rows = [["films", *(str(result.films) for result in results)]]
    rows.append(["clean", *(f"{100 * result.clean:.1f} %" for result in results)])
    for name in results[0].errors:
        rows.append([name, *(f"{100 * result.errors[name]:.1f} %" for result in results)])
    means = (100 * mean(result.errors.values()) for result in results)
    rows.append(["mean", *(f"{value:.1f} %" for value in means)])
    return table(["", *(model.title for model in models)], rows)


def _error(row: Corrupted) -> float:
    return 1 - (row.sensitivity + row.specificity) / 2


_COVERAGE = (
    "Share of films whose true class was among the plausible ones (aim: 90 % of either class):"
)
_CORRUPTION_HEADINGS = (
    *("change", "AUROC", "sensitivity", "specificity"),
    *("labels that change", "pass the gate"),
)


def _coverage_table(evaluation: Evaluation) -> str:
    rows = []
    for model in evaluation.models.values():
        for name, row in (
            ("these films", model.coverage),
            (
                "limits set on clean films of half the patients, measured on the others",
                model.held_out_coverage,
            ),
        ):
            if row:
                shares = (row.normal, row.pneumonia, row.uncertain)
                rows.append([f"{model.title}: {name}", *(f"{100 * s:.1f} %" for s in shares)])
    return table(["model", "NORMAL", "PNEUMONIA", "UNCERTAIN, of all"], rows)


def _heatmap_rows(models: Sequence[HeatmapChecks]) -> list[list[str]]:
    return [
        [text, *(_shown(getattr(model, check)[figure], share) for model in models)]
        for text, check, figure, share in _HEATMAP_ROWS
    ]


def _shown(value: float, share: bool) -> str:
    return f"{100 * value:.0f} %" if share else f"{value:.2f}"


def put_between_markers(path: Path, text: str) -> None:
    """Replace what stands between ``<!-- figures … -->`` and ``<!-- /figures -->`` in a file.

    Raises:
        ValueError: it has no such markers.
    """
    page = _BETWEEN.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", with_markers(path))
    path.write_text(page, encoding="utf-8")


def with_markers(path: Path) -> str:
    """The text of a file that ``put_between_markers`` takes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has no such markers.
    """
    page = path.read_text(encoding="utf-8")
    if not _BETWEEN.search(page):
        raise ValueError(f"{path} has no <!-- figures --> markers.")
    return page
