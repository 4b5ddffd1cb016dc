"""The verdicts on one film as HTML: words first, then numbers, and why a model makes no call."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from pneumonia.export import words
from pneumonia.export.records import percent
from pneumonia.gate import GateResult
from pneumonia.prediction import Prediction
from pneumonia.web.texts import Reference, attributes, html, ref, tag

ENDS = 7.0  # log-odds at either end of the bar: 0.1 % and 99.9 %
ELSEWHERE = 0.5  # overlap of two maps below which their evidence lies in different places
_GRID = (32, 32)  # on which maps of different sizes are compared


def verdict(predictions: Sequence[Prediction]) -> str:
    """What the models call a film that all of them know."""
    notes = ""
    if len(predictions) > 1:
        notes += tag("agreement.same", 'p class="agreement"')
    if evidence_differs(predictions):
        notes += tag("agreement.elsewhere", 'p class="agreement elsewhere"')
    rows = "".join(_row(p) for p in predictions)
    return f"""
<div class="verdict" style="--models: {len(predictions)}">
  <div class="call">{html(headline(predictions), "h2")}{notes}{_beyond()}</div>
  <ul>{rows}</ul>
</div>"""


def numbers_only(predictions: Sequence[Prediction]) -> str:
    """What the models compute for a film that they do not know: numbers without a call."""
    rows = "".join(
        f"""<li>{html(p.card.title, 'p class="model"')}<p class="label">{
            tag("style.out", "strong")
        } {_probability(p)}</p></li>"""
        for p in predictions
    )
    return f"""
<div class="verdict" style="--models: {len(predictions)}">
  <div class="call"></div>
  <ul>{rows}</ul>
</div>"""


def headline(predictions: Sequence[Prediction]) -> Reference:
    """The verdicts, and whether they agree, in one sentence (a text of ``texts``)."""
    return words.headline(predictions, ref)


def reason(gate: GateResult) -> Reference:
    """Why a film is out of a model's scope."""
    return ref(f"gate.{gate.code}", **gate.arguments)


def evidence_differs(predictions: Sequence[Prediction]) -> bool:
    """Whether models of one verdict found it in different places of the film.

    Of two maps that part is compared which speaks for the verdict, each as shares of its sum: 1 is
    the same evidence, 0 has no place in common. Any two below ``ELSEWHERE`` differ.
    """
    called = {p.verdict for p in predictions}
    if len(predictions) < 2 or len(called) > 1 or called == {"UNCERTAIN"}:
        return False
    sign = 1 if called == {"PNEUMONIA"} else -1
    shares = []
    for attribution in (p.attribution for p in predictions):
        if attribution is None:
            return False
        grid = Image.fromarray((sign * attribution).clip(0).astype(np.float32))
        speaks = np.asarray(grid.resize(_GRID, Image.Resampling.BOX))
        shares.append(speaks / max(speaks.sum(), 1e-6))
    first, *others = shares
    return any(np.minimum(first, other).sum() < ELSEWHERE for other in others)


def _beyond() -> str:
    """What moves the numbers, which ``verdict.js`` does, and what these models cannot see."""
    return f"""
<div class="pretest"><label>{tag("pretest.label")} <input type="range" min="1" max="99" value="50"
  data-pretest autocomplete="off"><output dir="ltr">50&nbsp;%</output></label>
  {tag("pretest.note", "small")}</div>
<details class="blind">{tag("blind.title", "summary")}{tag("blind.text", "p")}</details>"""


def places(prediction: Prediction) -> str:
    """Where dot and zones are on the bar of three zones, as a style."""
    low, high = prediction.card.conformal.uncertain
    shown = {"at": prediction.probability, "low": low, "high": high}
    return "; ".join(f"--{name}: {_along(value):.4f}" for name, value in shown.items())


def _row(prediction: Prediction) -> str:
    names = "".join(tag(f"zone.{zone}") for zone in ("normal", "between", "pneumonia"))
    label = attributes({"aria-label": "zone.label"})
    return f"""
<li>
  {html(prediction.card.title, 'p class="model"')}
  <p class="label">{tag(f"verdict.{prediction.verdict}", "strong")} {_probability(prediction)}</p>
  <div class="zones" dir="ltr" role="group" {label} style="{places(prediction)}">
    <i class="track"></i><i class="dot"></i><p class="names">{names}</p></div>
  {_without(prediction.model)}
  {tag(f"sentence.{prediction.verdict}", 'p class="sentence"')}
  {_why(prediction) if prediction.verdict == "UNCERTAIN" else ""}
</li>"""


def _probability(prediction: Prediction) -> str:
    chance = prediction.probability
    return f"""<span class="probability"><bdi dir="ltr" data-log-odds="{_log_odds(chance):.4f}">{
        escape(percent(chance))
    }</bdi> <span class="of">{tag("scale.axis")}</span></span>"""


def _without(model: str) -> str:
    """Room for what becomes of the probability when a part is hidden; see ``hide_answer.js``."""
    number = '<span data-log-odds="0"></span>'
    return f"""<p class="without" data-without="{escape(model)}" hidden><span></span>
    <bdi dir="ltr">{number} → {number}</bdi></p>"""


def _why(prediction: Prediction) -> str:
    """Why a model does not call a film, to be opened in place."""
    limits = prediction.card.conformal
    low, high = map(percent, limits.uncertain)
    which = "neither" if limits.normal_to < limits.pneumonia_from else "both"
    coverage = percent(limits.coverage)
    sentence = tag(f"why.{which}", "p", low=low, high=high, coverage=coverage)
    return f'<details class="why">{tag("why.title", "summary")}{sentence}</details>'


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))


def _along(probability: float) -> float:
    """Where on the bar, 0..1: even in log-odds, so that all three zones can be seen."""
    return min(max(_log_odds(probability) / (2 * ENDS) + 0.5, 0), 1)
