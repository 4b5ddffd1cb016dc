"""Films whose truth is known: figures, a quiz and a handout. ``modules/teaching.js`` fills them.

Everything is computed in the browser from the rows that are there anyhow, so that a threshold can
be moved without asking the server.
"""

import json
from collections.abc import Sequence
from html import escape

from pneumonia.card import LABELS
from pneumonia.predictor import Predictor
from pneumonia.web import quiz, results
from pneumonia.web.texts import attributes, html, ref, tag

_LEGEND = "".join(
    f'<li class="{label.lower()}">{tag("truth.is", label=ref(f"verdict.{label}"))}</li>'
    for label in LABELS
)


def hint() -> str:
    """How films bring their truth along, below the place where they are given."""
    return tag("teaching.hint", 'p class="teaching-hint"')


def section(predictors: Sequence[Predictor]) -> str:
    """The figures of each model before the first film, not shown until a truth is known."""
    models = "".join(map(_model, predictors))
    versions = results.versions([predictor.card for predictor in predictors])
    return f"""
<p class="teaching-told" role="status" hidden></p>
<section class="teaching" aria-labelledby="teaching-title" hidden>
  {tag("teaching.title", 'h2 id="teaching-title"')}
  <p class="teaching-known"></p>
  <p class="teaching-apart"></p>
  {tag("teaching.few", 'p class="teaching-few" hidden')}
  {quiz.start()}
  <div class="teaching-models">{models}</div>
  {tag("teaching.print", 'button type="button" class="teaching-press"')}
  <div class="teaching-paper">{tag("use.purpose", "p")}{tag("use.films", "p")}
    <p><bdi dir="ltr">{escape(versions)}</bdi></p></div>
</section>"""


def _model(predictor: Predictor) -> str:
    data = escape(json.dumps({"name": predictor.name, "threshold": predictor.threshold}))
    wide = ("NORMAL", "none", "PNEUMONIA")
    thresholded = attributes({"aria-label": "teaching.threshold"})
    return f"""
<article class="teaching-model" data-model="{data}">
  {html(predictor.title, "h3")}
  <div class="teaching-part">{_matrix("verdicts", wide)}</div>
  <div class="teaching-part">
    <label class="teaching-cut">{tag("teaching.threshold")}
      <input type="range" min="0.01" max="0.99" step="0.01" autocomplete="off" {thresholded}>
      <output dir="ltr"></output></label>
    {tag("teaching.back", 'button type="button" class="teaching-back"')}
    {_matrix("cut", LABELS)}
    <dl class="teaching-rates"></dl>
  </div>
  <figure class="teaching-roc">{tag("teaching.roc", "figcaption")}<div dir="ltr"></div>
    <p class="teaching-auroc"></p></figure>
  <figure class="teaching-histogram">{tag("teaching.histogram", "figcaption")}
    <div dir="ltr"></div><ul class="teaching-legend">{_LEGEND}</ul></figure>
</article>"""


def _matrix(kind: str, columns: Sequence[str]) -> str:
    """A confusion matrix without its counts: a row for each truth."""
    heads = "".join(
        tag("teaching.none", 'th scope="col"')
        if column == "none"
        else tag("teaching.called", 'th scope="col"', label=ref(f"verdict.{column}"))
        for column in columns
    )
    names = ["UNCERTAIN" if column == "none" else column for column in columns]
    rows = "".join(
        f'<tr class="{truth.lower()}">'
        + tag("truth.is", 'th scope="row"', label=ref(f"verdict.{truth}"))
        + "".join(
            f'<td data-cell="{truth}.{name}"{" data-right" if truth == name else ""}></td>'
            for name in names
        )
        + "</tr>"
        for truth in LABELS
    )
    caption = tag(f"teaching.{kind}", "caption")
    return (
        f'<table class="teaching-matrix" data-kind="{kind}">{caption}'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )
