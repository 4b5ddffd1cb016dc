"""What was measured, for the page: the audit of the data, the models under perturbation, limits.

All of it is read from what the scripts wrote into ``docs/`` and ``checkpoints/``; what is not
there, or was measured with other weights, is left out.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from pneumonia.card import Card
from pneumonia.evaluation.results import Evaluation
from pneumonia.storage.shipped import checkpoints_root, shipped_folder
from pneumonia.storage.typed_json import FormatError
from pneumonia.web.texts import attributes, html, number, tag

DOCS = shipped_folder("docs")

_NO_CARD = "There is none yet: `pneumonia cards` writes it."
_LIMITS = ("hospital", "other", "prevalence", "drawings")
_SHORTCUTS = {  # audit.json's names; those left out say less
    "original files": (
        *("all file metadata", "JPEG quantisation table"),
        *("bytes per file", "width, height, aspect ratio"),
    ),
    "films of the folder": (
        *("bytes per file", "grey levels without their place", "outer rim of the film"),
    ),
}


def load_evaluation(cards: Sequence[Card], folder: Path = DOCS) -> Evaluation | None:
    """``evaluation.json``, if it is of this version and of exactly these models' weights.

    Args:
        cards: of the models on the page.
        folder: the one that holds ``evaluation/evaluation.json``.
    """
    try:
        evaluation = Evaluation.load(folder / "evaluation" / "evaluation.json")
    except (FileNotFoundError, FormatError):
        return None
    measured = {name: model.weights_sha256 for name, model in evaluation.models.items()}
    shown = {card.model: card.weights.sha256 for card in cards}
    return evaluation if shown.items() <= measured.items() else None


def perturbations(evaluation: Evaluation, cards: Sequence[Card]) -> str:
    """A dot plot: sensitivity and specificity of each model under each perturbation."""
    rows = [evaluation.models[card.model].corruptions for card in cards]
    if len(rows[0]) < 2:
        return ""
    heads = "".join(html(card.title, "th scope=col") for card in cards)
    axis = f"<td><div>{number(0.5, 1)}{number(1, 1)}</div></td>" * len(cards)
    lines = "".join(
        f"<tr>{tag(f'suite.{slug(name)}', 'th scope=row')}"
        + "".join(_dots(row[name].sensitivity, row[name].specificity) for row in rows)
        + "</tr>"
        for name in rows[0]
    )
    legend = "".join(f"<li>{tag(f'about.{key}')}</li>" for key in ("sensitivity", "specificity"))
    films = evaluation.models[cards[0].model].figures.films
    label = attributes({"aria-label": "figures.test.title"})
    return f"""
<section class="about">{tag("figures.test.title", "h3")}
  {tag("figures.test.text", "p", films=films)}<ul class="dots-legend">{legend}</ul>
  <div class="scroll" tabindex="0" role="region" {label}><table class="dots">
    <thead><tr><td></td>{heads}</tr></thead>
    <tbody>{lines}<tr class="axis" aria-hidden="true"><td></td>{axis}</tr></tbody>
  </table></div>
</section>"""


def audit(folder: Path = DOCS) -> str:
    """The data set's trap in words and bars."""
    found = _load(folder / "audit" / "audit.json")
    if found is None:
        return ""
    bars = ""
    for source, names in _SHORTCUTS.items():
        aurocs = found["sources"].get(source, {}).get("shortcut_auroc", {})
        items = "".join(_bar(name, aurocs[name]["auroc"]) for name in names if name in aurocs)
        if items:
            head = tag(f"audit.{slug(source)}", "h4")
            bars += f"<section>{head}<dl>{items}</dl></section>"
    return f"""
<section class="about">{tag("figures.trap.title", "h3")}
  {tag("figures.trap.files", "p")}<div class="bars">{bars}</div>{tag("figures.trap.training", "p")}
</section>"""


def limits() -> str:
    """What the models cannot do, in a few lines."""
    items = "".join(tag(f"figures.limits.{key}", "li") for key in _LIMITS)
    return f"""
<section class="about">{tag("figures.limits.title", "h3")}<ul>{items}</ul></section>"""


def model_card(model: str) -> str:
    """The model card as Markdown, without what only the Hub or a folder's reader needs."""
    path = checkpoints_root() / model / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else _NO_CARD
    return re.sub(
        r"\A---\n.*?\n---\n|<!--.*?-->|!\[.*?\]\(.*?\)", "", text, flags=re.DOTALL
    ).strip()


def slug(name: str) -> str:
    """``"rotated 5°"`` → ``"rotated_5"``: the end of a text's key."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _bar(name: str, auroc: float) -> str:
    share = max(0.0, 2 * auroc - 1)  # guessing has no length
    return f"""<div>{tag(f"audit.{slug(name)}", "dt")}
      <dd style="--share: {share:.3f}">{number(auroc, 4)}</dd></div>"""


def _dots(sensitivity: float, specificity: float) -> str:
    """A cell of the plot, from one half to one; what lies lower is drawn at its left end."""
    shares = sensitivity, specificity
    marks = "".join(f'<i style="--at: {max(0.0, 2 * share - 1):.3f}"></i>' for share in shares)
    numbers = " ".join(number(share, 3) for share in shares)
    return f'<td><div>{marks}</div><span class="unseen">{numbers}</span></td>'


def _load(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
