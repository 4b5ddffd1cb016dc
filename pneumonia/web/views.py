"""A result as HTML. Pictures travel inside it, so that no film lies in a public folder."""

import base64
import itertools
from collections.abc import Iterator
from html import escape

import numpy as np

from pneumonia.overlay import data_uri, film_image
from pneumonia.prediction import Prediction
from pneumonia.reading.burned_in import has_text
from pneumonia.reading.dicom import Tags
from pneumonia.reading.refusals import RadiographError
from pneumonia.web.examples import Example
from pneumonia.web.known import known
from pneumonia.web.results import versions
from pneumonia.web.texts import Reference, html, plain, ref, tag
from pneumonia.web.verdict import headline, numbers_only, reason, verdict
from pneumonia.web.viewer import Heat, viewer

_NAMES = {plain("name.with"): ref("name.with")}  # of the drawn example
_TURN = itertools.count()  # a new result resets the viewer; a file asked for again is new too


def invitation() -> str:
    """What stands in place of a result before the first film."""
    steps = "".join(
        f"<li>{tag(f'invitation.{step}', 'strong')} {tag(f'invitation.{step}.text')}</li>"
        for step in ("verdict", "doubt", "evidence", "scope")
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
<section class="refusal" role="alert" data-turn="{next(_TURN)}">
  {tag("refusal.title", "h2")}
  {html(sentence, "p")}
</section>"""


def result(
    predictions: list[Prediction], pending: bool = False, example: Example | None = None
) -> str:
    """Verdicts and evidence of one film; folded away where it is out of any model's scope.

    Args:
        predictions: of one film, one per model, with evidence.
        pending: leave the pictures out, which take longer than all the rest.
        example: what is known of the film, if it is one.
    """
    reasons = _reasons(predictions)
    if not reasons:
        return _result(predictions, pending, example)
    film = predictions[0].radiograph
    name = _NAMES.get(film.name, film.name)
    said = "".join(html(text, "p") for text in reasons)
    return f"""
<section class="refusal out" role="alert">
  <p class="band">{tag("style.out")}</p>
  <div class="refused">
    <img src="{_thumbnail(film.pixels)}" alt="">
    <div>{tag("gate.title", "h2")}
      <p class="name">{html(name, "bdi")}</p>
      {said}
      {"" if example and example.truth else tag("scope.next", 'p class="next"')}
      {known(predictions, example)}</div>
  </div>
  <details>{tag("gate.anyway", "summary")}
    {tag("gate.scope", 'p class="scope"')}
    {_result(predictions, pending, example, out=True)}</details>
</section>"""


def _reasons(predictions: list[Prediction]) -> list[Reference]:
    """Why a film is out of scope, each reason once; one model that does not know it is enough."""
    texts = [reason(p.gate) for p in predictions if not p.in_scope]
    return [text for i, text in enumerate(texts) if text not in texts[:i]]


def _result(
    predictions: list[Prediction], pending: bool, example: Example | None, out: bool = False
) -> str:
    film = predictions[0].radiograph
    height, width = film.size
    heats = [
        Heat(p.card.title, p.attribution, _as_grey(p.model_input))
        for p in predictions
        if p.attribution is not None
    ]
    size = f'<span dir="ltr">{width} × {height} px</span>'
    kind = ref("format.picture") if film.format == "picture" else film.format
    notes = [html(ref(f"note.{note.code}", **note.arguments)) for note in film.notes]
    about = [size, html(kind), *_taken(film.tags), *notes]
    name = _NAMES.get(film.name, film.name)
    buttons = "".join(
        tag(f"report.{what}", f'button type="button" data-export="{what}"')
        for what in ("pdf", "json")
    )
    buttons += tag("report.png", 'button type="button" data-picture')  # of what is seen
    made = versions([p.card for p in predictions])
    asked = "" if example and example.truth else _question()
    if example and example.lesions:
        asked = tag("drawing.band", 'p class="band drawn"')
    verdicts = numbers_only(predictions)
    if not out:
        verdicts = asked + verdict(predictions) + known(predictions, example)
    said = tag("style.out") if out else html(headline(predictions))
    told = "" if out else tag("scope.told", 'p class="band told"')
    state = ' data-scope="out"' if out else ""
    shows = not pending and (film.tags.burned_in or has_text(film.pixels))
    burned = tag("report.burned", 'strong class="burned"') if shows else ""
    mask, ident = predictions[0].lungs.mask, f"film{next(_TURN)}"
    found = mask if (mask > 0.5).any() else None
    return f"""
<section class="result"{state} data-made="{escape(made)}"
  style="--aspect: {width / height:.4f}">
  {told}{verdicts}
  {viewer(film.pixels, name, heats, about, ident, pending, said, found, not out, film.ends)}
  <p class="exports">{buttons}{name_tick("report.named")}{burned}</p>
</section>"""


def _taken(tags: Tags) -> Iterator[str]:
    """How old the patient is and how the film was taken, where a DICOM says so."""
    if tags.age is not None:
        yield html(ref("film.age", age=int(tags.age) if tags.age >= 1 else round(tags.age, 1)))
    if tags.view:
        yield f"<bdi>{tags.view}</bdi>"


def _question() -> str:
    """What no file says for sure, and what all numbers depend on."""
    buttons = "".join(
        tag(f"scope.{answer}", f'button type="button" data-answer="{answer}"')
        for answer in ("yes", "no")
    )
    return f"""
<p class="question">{tag("scope.question", "strong")} {buttons} {tag("scope.hint")}</p>"""


def _thumbnail(pixels: np.ndarray) -> str:
    picture = film_image(pixels)
    picture.thumbnail((240, 240))
    return data_uri(picture, "WEBP", quality=80)


def named(shown: str, name: str) -> str:
    """A result that says by which name the browser can ask for its film again."""
    return f'<i hidden data-film="{escape(name)}"></i>{shown}'


def name_tick(key: str) -> str:
    """Whether a report holds the names of films; at first it does not."""
    return f'<label><input type="checkbox" data-named autocomplete="off"> {tag(key)}</label>'


def download(name: str, kind: str, content: bytes) -> str:
    """A file as a link that carries it, so that it never lies on the server."""
    link = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    name, turn = escape(name), next(_TURN)
    return f'<a data-turn="{turn}" download="{name}" href="{link}">{name}</a>'


def _as_grey(model_input: np.ndarray) -> np.ndarray:
    """The network's standardised input as a grey picture, 0..1."""
    return (model_input - model_input.min()) / max(float(np.ptp(model_input)), 1e-6)
