"""What is on record of the models, for the page: limits, model facts, the audit of the data.

All of it is read from what the scripts wrote into ``docs/``; what is not there, or was measured
with other weights, is left out.
"""

import json
import logging
from collections.abc import Sequence
from html import escape
from pathlib import Path

from pneumonia.card import Card
from pneumonia.evaluation.facts import FACTS
from pneumonia.evaluation.results import Evaluation
from pneumonia.export.records import SOFTWARE
from pneumonia.storage.shipped import shipped_folder
from pneumonia.storage.typed_json import FormatError
from pneumonia.web.texts import number, slug, tag

DOCS = shipped_folder("docs")

log = logging.getLogger(__name__)

_LIMITS = ("other", "hospital", "child", "prevalence", "drawings")
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
    except FileNotFoundError:
        return None
    except FormatError as error:
        log.warning("No figures of the evaluation on the page: %s", error)
        return None
    measured = {name: model.weights_sha256 for name, model in evaluation.models.items()}
    shown = {card.model: card.weights.sha256 for card in cards}
    return evaluation if shown.items() <= measured.items() else None


def audit(folder: Path = DOCS) -> str:
    """The data set's trap in words and bars."""
    path = folder / "audit" / "audit.json"
    if not path.is_file():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
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
    """What the models cannot do, in plain words, and no number."""
    keys = ("blind.text", *(f"figures.limits.{key}" for key in _LIMITS), "agreement.same")
    items = "".join(tag(key, "li") for key in keys)
    return f"""
<section class="about first">{tag("figures.limits.title", "h3")}<ul>{items}</ul></section>"""


def facts(cards: Sequence[Card]) -> str:
    """Model facts: for whom, when not to use it, when to stop; and which versions these are."""
    rows = "".join(
        f"<div>{tag(f'facts.{key}', 'dt')}{tag(f'facts.{key}.text', 'dd')}</div>" for key in FACTS
    )
    return f"""
<section class="about facts">{tag("facts.title", "h3")}<dl>{rows}</dl>
  <p><bdi dir="ltr">{escape(versions(cards))}</bdi></p></section>"""


def versions(cards: Sequence[Card]) -> str:
    """Program and models, each with the beginning of its weights' hash."""
    models = (f"{card.title} {card.version} ({card.weights.sha256[:12]})" for card in cards)
    return " · ".join([SOFTWARE, *models])


def _bar(name: str, auroc: float) -> str:
    share = max(0.0, 2 * auroc - 1)  # guessing has no length
    return f"""<div>{tag(f"audit.{slug(name)}", "dt")}
      <dd style="--share: {share:.3f}">{number(auroc, 4)}</dd></div>"""
