"""A result as HTML. Pictures travel inside it, so that no film lies in a public folder."""

import base64
import itertools
from collections import Counter
from html import escape

import numpy as np

from pneumonia.card import LABELS
from pneumonia.export.records import percent
from pneumonia.predictor import Prediction
from pneumonia.reading.refusals import RadiographError
from pneumonia.web.texts import Reference, html, plain, ref, tag
from pneumonia.web.viewer import Heat, viewer

_NAMES = {plain(key): ref(key) for key in ("name.without", "name.with")}  # of the drawn examples
_TURN = itertools.count()  # a new result resets the viewer; a file asked for again is new too


def invitation() -> str:
    """What stands in place of a result before the first film."""
    steps = "".join(
        f"<li>{tag(f'invitation.{step}', 'strong')} {tag(f'invitation.{step}.text')}</li>"
        for step in ("verdict", "evidence")
    )
    return f"""
<section class="invitation">
  {tag("invitation.title", "h2")}
  {tag("invitation.lead", "p")}
  <ol>{steps}</ol>
</section>"""


def refusal(error: RadiographError) -> str:
    """One sentence in place of a result."""
    sentence = ref(f"refusal.{error.code}", **error.arguments)
    return f"""
<section class="refusal" role="alert">
  {tag("refusal.title", "h2")}
  {html(sentence, "p")}
</section>"""


def result(predictions: list[Prediction], pending: bool = False) -> str:
    """Verdicts and evidence of one film, folded away where no model knows films like it.

    Args:
        predictions: of one film, one per model, with evidence.
        pending: leave the pictures out, which take longer than all the rest.
    """
    if any(p.in_scope for p in predictions):
        return _result(predictions, pending)
    gates = {p.gate.code: p.gate for p in predictions}
    reasons = "".join(tag(f"gate.{code}", "p", **gate.arguments) for code, gate in gates.items())
    return f"""
<section class="refusal" role="alert">
  {tag("gate.title", "h2")}
  {reasons}
  <details>{tag("gate.anyway", "summary")}
    {tag("gate.scope", 'p class="scope"')}
    {_result(predictions, pending, anyway=True)}</details>
</section>"""


def _result(predictions: list[Prediction], pending: bool, anyway: bool = False) -> str:
    film = predictions[0].radiograph
    height, width = film.pixels.shape
    heading = headline(predictions, anyway)
    rows = "".join(_verdict(p, anyway) for p in predictions)
    heats = [
        Heat(p.card.title, p.attribution, p.label, _as_grey(p.model_input))
        for p in predictions
        if p.attribution is not None
    ]
    size = f'<span dir="ltr">{width} × {height} px</span>'
    kind = ref("format.picture") if film.format == "picture" else film.format
    notes = [html(ref(f"note.{note.code}", **note.arguments)) for note in film.notes]
    about = [size, html(kind), *notes]
    name = _NAMES.get(film.name, film.name)
    buttons = "".join(
        tag(f"report.{what}", f'button type="button" data-export="{what}"')
        for what in ("pdf", "json", "png")
    )
    return f"""
<section class="result" style="--aspect: {width / height:.4f}">
  <div class="verdict">
    {html(heading, "h2")}
    <ul>{rows}</ul>
    <p class="axis" aria-hidden="true"><span>0&nbsp;%</span>
      <span>{tag("scale.axis")} <i class="band"></i> {tag("scale.uncertain")}</span>
      <span>100&nbsp;%</span></p>
  </div>
  {viewer(film.pixels, name, heats, about, f"film{next(_TURN)}", pending)}
  <p class="exports">{buttons}</p>
</section>"""


def headline(predictions: list[Prediction], anyway: bool = False) -> Reference:
    """The verdicts, and whether they agree, in one sentence (a text of ``texts``).

    Without ``anyway`` a model that does not know such films has no say.
    """
    known = [p for p in predictions if anyway or p.in_scope]
    total = len(predictions)
    if total == 1:
        return ref(f"headline.one.{known[0].verdict}", title=known[0].card.title)
    counts = Counter(p.verdict for p in known)
    match [verdict for verdict in LABELS if counts[verdict]]:
        case []:
            return ref("headline.none")
        case [verdict] if counts[verdict] == total:
            return ref(f"headline.all.{verdict}")
        case [verdict]:
            return ref(f"headline.some.{verdict}", count=counts[verdict], total=total)
    return ref("headline.disagree", count=counts["PNEUMONIA"], total=total)


def download(name: str, kind: str, content: bytes) -> str:
    """A file as a link that carries it, so that it never lies on the server."""
    link = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    name, turn = escape(name), next(_TURN)
    return f'<a data-turn="{turn}" download="{name}" href="{link}">{name}</a>'


def _verdict(prediction: Prediction, anyway: bool) -> str:
    model = html(prediction.card.title, 'p class="model"')
    colon = '<span class="colon">: </span>'
    if not (anyway or prediction.in_scope):
        gate = prediction.gate
        return f"""
<li class="out-of-scope">
  {model}
  <p class="label">{tag("verdict.none")}{colon}{tag(f"gate.{gate.code}", **gate.arguments)}</p>
</li>"""
    probability = escape(percent(prediction.probability))
    clean = prediction.card.validation.clean
    rates = {key: percent(getattr(clean, key)) for key in ("sensitivity", "specificity")}
    low, high = prediction.card.conformal.uncertain
    at = f"--at: {prediction.probability:.4f}; --cut: {prediction.threshold:.4f}"
    return f"""
<li class="{prediction.verdict.lower()}">
  {model}
  <p class="label">{tag(f"verdict.{prediction.verdict}")}{colon}{
        tag(f"sentence.{prediction.verdict}")
    }</p>
  <p class="probability" dir="ltr">{probability}<span class="unseen"> {tag("scale.axis")}</span></p>
  <div class="scale" dir="ltr" style="{at}; --from: {low:.4f}; --to: {high:.4f}">
    <span class="bar"></span><span class="band"></span><span class="dot"></span>
    <span class="cut"></span>
    {
        tag(
            "scale.cut",
            'span class="cut-label" dir="auto"',
            cut=percent(prediction.threshold),
            **rates,
        )
    }
  </div>
</li>"""


def _as_grey(model_input: np.ndarray) -> np.ndarray:
    """The network's standardised input as a grey picture, 0..1."""
    return (model_input - model_input.min()) / max(float(np.ptp(model_input)), 1e-6)
