"""A checkpoint's card and its evaluation → the model card people read, as Markdown.

The order is that of Mitchell et al. 2019, "Model cards for model reporting"; the
head is what the Hugging Face Hub indexes.
"""

from pathlib import Path
from textwrap import fill

from pneumonia.card import Card
from pneumonia.evaluation.facts import applied_model_card, model_facts
from pneumonia.evaluation.licence import Licence, licence_of
from pneumonia.evaluation.report import without_lungs
from pneumonia.evaluation.results import Evaluation
from pneumonia.evaluation.wording import CAVEATS, NAMES, SHOWN
from pneumonia.storage.shipped import CARD

_FIRST = {
    "none": "from scratch (random first weights)",
    "imagenet": "by transfer from torchvision's ImageNet weights",
}


def model_card(card: Card, evaluation: Evaluation | None = None) -> str:
    """The model card of one checkpoint.

    Args:
        card: the checkpoint's.
        evaluation: of these weights, if there is one.

    Raises:
        ValueError: the evaluation is of other weights.
    """
    figures = _figures(card, evaluation) if evaluation else _validation(card)
    parts = [_head(card), _introduction(card), model_facts(), _recipe(card), _use(card), figures]
    return "\n\n".join([*parts, _LIMITS, applied_model_card(card), _licence(card)]) + "\n"


def write_model_cards(checkpoints: Path, evaluation: Path | None = None) -> list[Path]:
    """Write the ``README.md`` of every checkpoint under a folder; returns their paths.

    Args:
        checkpoints: holds a folder per checkpoint.
        evaluation: the ``evaluation.json`` of these weights.
    """
    report = Evaluation.load(evaluation) if evaluation else None
    written = []
    for file in sorted(checkpoints.glob(f"*/{CARD}")):
        written.append(file.with_name("README.md"))
        written[-1].write_text(model_card(Card.load(file), report), encoding="utf-8")
    return written


def _head(card: Card) -> str:
    clean = card.validation.clean
    metrics = "\n".join(
        f"          - type: {name}\n            value: {getattr(clean, key):.4f}"
        for name, key in (("roc_auc", "auroc"), ("accuracy", "accuracy"))
    )
    return f"""---
{_licence_head(licence_of(card.training))}
library_name: pytorch
pipeline_tag: image-classification
tags: [medical-imaging, chest-x-ray, pneumonia, grad-cam]
model-index:
  - name: {card.title}
    results:
      - task: {{type: image-classification}}
        dataset: {{name: chest-xray-pneumonia (patient-grouped validation), type: image}}
        metrics:
{metrics}
---"""


def _licence_head(licence: Licence) -> str:
    head = f"license: {licence.identifier}"
    if licence.identifier == "other":
        head += f"\nlicense_name: {licence.spdx.removeprefix('LicenseRef-')}"
        head += f"\nlicense_link: {licence.link}" if licence.link else ""
    return head


def _introduction(card: Card) -> str:
    first = card.training.initialisation
    how = _FIRST.get(first, f"by transfer from `{first}`")
    before = card.training.pretraining or {}
    if "pictures" in before:
        how = f"""by transfer from {before["pictures"]:,} natural pictures of {before["classes"]}
            classes ({before["source"] or first}; {before["size"]} px, {before["epochs"]} epochs,
            accuracy {before["accuracy"]:.3f} on held-out images; `{before["command"]}`)"""
    if then := before.get("then"):
        how += f", then {then}"
    if teachers := card.training.recipe.get("teachers"):
        how += f", taught by {' and '.join(teachers)}"
    weights = card.weights
    text = f"""NORMAL or PNEUMONIA (bacterial or viral) on a frontal chest film of a child, trained
        {how}. Version {card.version}, weights `{weights.file}`, SHA-256
        `{weights.sha256}`."""
    return f"""# {card.title}

<!-- written by `pneumonia cards` from card.json and the evaluation -->

{_paragraph(text)}

![Training curves](curves.png)

## Intended use

A demonstration and a second look at AP films of children of 1 to 5 years like those of the training
hospital; teaching; research on explanation and shortcut learning.

**Out of scope.** Diagnosis, triage or any decision about a patient; adults; lateral films; other
findings than pneumonia (NORMAL means that no sign of pneumonia was found, not that a film shows no
disease). It is not a medical device."""


def _recipe(card: Card) -> str:
    training = card.training
    data = training.data
    recipe = {**training.recipe}
    recipe.pop("teachers", None)  # named above
    text = f"""{data.name}: {data.films:,} films of {data.patients:,} patients for
        training, {data.validation_films:,} films of {data.validation_patients:,} other
        patients for validation ({card.validation.split}). The names of NORMAL films state an
        examination instead of a patient, so a child examined twice may be on both sides. The
        official test split was never read."""
    settings = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in recipe.items())
    versions = ", ".join(f"{name} {version}" for name, version in training.versions.items())
    code = f"commit `{training.git_commit}`" if training.git_commit else "unknown"
    calibrated = f"\n| calibrated by | `{card.calibrated_by}` |" if card.calibrated_by else ""
    for changed in reversed(training.classifier_changed_by):
        calibrated = f"\n| classifier changed by | `{changed}` |{calibrated}"
    return f"""## Data and training

{_paragraph(text)}

| | |
|---|---|
| command | `{training.command}` |
| recipe | {settings} |
| best epoch | {training.best_epoch} of {training.epochs_run} |
| device | {training.device} |
| code | {code} |
| versions | {versions} |
| finished | {training.finished} |{calibrated}"""


def _use(card: Card) -> str:
    fitted, point, band = card.calibration, card.operating_point, card.conformal
    passes, entry = card.gate.passes, card.preprocessing
    text = f"""Input {entry.size} px, standardised {entry.standardise}. P(PNEUMONIA) =
        sigmoid(logit / {fitted.temperature:.3f} {fitted.bias:+.3f}), fitted on clean and
        perturbed validation films together (Platt 1999, the classes weighing the same). From
        {point.threshold:.3f} on, the label is PNEUMONIA ({point.rule}). NORMAL is plausible
        up to {band.normal_to:.3f}, PNEUMONIA from {band.pneumonia_from:.3f} on
        (class-conditional conformal prediction, {100 * band.coverage:.0f} % of either class);
        where both are or neither is, the verdict is UNCERTAIN."""
    gate = f"""The lungs are found first, by the [lung finder](../lungs/README.md) with the SHA-256
        `{entry.lungs_sha256}`; around them, within their box and its margin, the network sees a
        fifth of the contrast. What they are turned beyond five degrees is turned back. Films whose
        lungs are missing, on their side or upside down, inverted or cut off by about a fifth or
        more are refused, and films unlike the training films (Mahalanobis distance in the features
        of the last stage but one); the latter lets
        {100 * passes.clean:.1f} % of clean and {100 * passes.perturbed:.1f} % of perturbed
        validation films pass."""
    return f"## From logit to verdict\n\n{_paragraph(text)}\n\n{_paragraph(gate)}"


def _validation(card: Card) -> str:
    clean, perturbed = card.validation.clean, card.validation.perturbed
    rows = "\n".join(
        f"| {NAMES.get(key, key)} | {getattr(clean, key):.3f} | {getattr(perturbed, key):.3f} |"
        for key in SHOWN
    )
    return f"## Figures\n\n| validation films | clean | perturbed |\n|---|---|---|\n{rows}"


def _figures(card: Card, evaluation: Evaluation) -> str:
    model = evaluation.models.get(card.model)
    if not model or model.weights_sha256 != card.weights.sha256:
        raise ValueError(
            f"The evaluation is not of these weights of {card.title}: run pneumonia evaluate anew."
        )
    rows = []
    for key in SHOWN:
        low, high = model.intervals[key]
        name, value = NAMES.get(key, key), getattr(model.figures, key)
        rows.append(f"| {name} | {value:.3f} | {low:.3f}–{high:.3f} |")
    table = "\n".join(rows)
    caveat = f"""{model.figures.films:,} films. {CAVEATS[evaluation.split]} Intervals: 95 %,
        bootstrap by patient."""
    text = f"""## Figures

`{evaluation.command}`:

{_paragraph(caveat)}

| | | 95 % interval |
|---|---|---|
{table}"""
    changes = model.corruptions
    if len(changes) > 1:
        auroc, where = min((row.auroc, name) for name, row in changes.items())
        passes, there = min((row.gate_pass_rate, name) for name, row in changes.items())
        sensitivity = min(row.sensitivity for row in changes.values())
        specificity = min(row.specificity for row in changes.values())
        worst = f"""On {len(changes) - 1} perturbations of {model.changed_films} of these films, as
            many of either class, the AUROC is at least {auroc:.3f} ({where}), sensitivity at least
            {sensitivity:.3f}, specificity at least {specificity:.3f}; the gate lets at least
            {100 * passes:.1f} % through ({there})."""
        text += f"\n\n{_paragraph(worst)}"
    if told := without_lungs(evaluation):
        text += f"\n\n{_paragraph(told)}"
    return text


def _licence(card: Card) -> str:
    licence = licence_of(card.training)
    terms = f"[{licence.name}]({licence.link})" if licence.link else licence.name
    text = f"""The weights carry the terms of what they were trained on: {terms}. Credit the films:
        {card.training.data.name}. The lung finder, which learnt from outlines by V7 Labs
        (CC BY 4.0) and without which the model cannot be used, has terms of its own. The code
        is MIT."""
    return f"## Licence\n\n{_paragraph(text)}"


def _paragraph(text: str) -> str:
    return fill(" ".join(text.split()), 100, break_long_words=False, break_on_hyphens=False)


_LIMITS = """## Limits

- **One hospital, one age.** Published models trained on this data set fall from AUROC 0.95 to 0.54
  on the paediatric films of another collection
  ([Xin et al. 2021](https://doi.org/10.1007/s10140-021-01954-x)), and from 0.93 to 0.65 in another
  country ([Togunwa et al. 2025](https://doi.org/10.1371/journal.pdig.0000713)). Measure before you
  believe.
- **Age.** The gate knows it from a DICOM file alone; other films of adults may pass.
- **The data set has shortcuts.** Compression, shape and exposure give its classes away without the
  lungs (see the audit in the repository). Training perturbs both classes alike to blunt that; it
  cannot prove that nothing is left.
- **The lungs' outline.** The model sees what the lung finder gives it: what the finder leaves out
  (a lung hidden by an effusion, a base behind the diaphragm) is not seen, and the outline's shape,
  which differs between the classes here (see “Figures”), may still carry some of the news.
- **Prevalence.** The probability is calibrated for classes of equal frequency. Where pneumonia is
  rarer or commoner, it has to be corrected.
- **The heatmap** shows what the model used, not where a disease is."""
