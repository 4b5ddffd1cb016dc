"""A result as HTML. Pictures travel inside it, so that no film lies in a public folder."""

import base64
import io
from html import escape

import numpy as np
from PIL import Image

from ..predictor import Prediction
from ..render import FULL_STRENGTH, film_image, heat_layer
from ..report import SENTENCES, band
from ..report import percent as plain_percent

FILM_SIDE, HEAT_SIDE = 1024, 512  # longest sides in pixels; heat is smooth, the browser enlarges it
FAINT = 0.05 * FULL_STRENGTH  # below this a heatmap shows nothing to the eye
OPACITY = 70  # per cent, where the slider stands at first


def invitation() -> str:
    """What stands in place of a result before the first film."""
    return """
<section class="invitation">
  <h2>Drop a chest film anywhere on this page</h2>
  <p>Or paste it, choose a file, or begin with one of the drawings.</p>
  <ol>
    <li><strong>Verdict</strong> What each model calls the film, and how sure it is.</li>
    <li><strong>Evidence</strong> What in the film it used to get there.</li>
  </ol>
</section>"""


def refusal(sentence: str) -> str:
    """One sentence in place of a result."""
    return f"""
<section class="refusal" role="alert">
  <h2>This film was not read</h2>
  <p>{escape(sentence)}</p>
</section>"""


def result(predictions: list[Prediction], titles: dict[str, str]) -> str:
    """Verdicts and evidence of one film, folded away where no model knows films like it.

    Args:
        predictions: of one film, one per model, with heatmaps.
        titles: the models' names for people.
    """
    if any(p.in_scope for p in predictions):
        return _result(predictions, titles)
    reasons = "".join(f"<p>{escape(reason)}</p>" for reason in {p.gate: 0 for p in predictions})
    return f"""
<section class="refusal" role="alert">
  <h2>Not a film that the models know</h2>
  {reasons}
  <details><summary>Show what they make of it anyway</summary>
    <p class="scope">Out of scope: nothing below says anything about a patient.</p>
    {_result(predictions, titles, anyway=True)}</details>
</section>"""


def _result(predictions: list[Prediction], titles: dict[str, str], anyway: bool = False) -> str:
    film = predictions[0].radiograph
    height, width = film.pixels.shape
    picture = film_image(film.pixels)
    picture.thumbnail((FILM_SIDE, FILM_SIDE), Image.Resampling.LANCZOS)
    uri = data_uri(picture, "WEBP", quality=90)
    name = escape(film.name)
    about = " · ".join([name, f"{width} × {height} px", film.format, *map(escape, film.notes)])
    img = f'<img src="{uri}" alt="Chest film {name}">'
    panels = [_panel("film", "Film", img, about, large=True)]
    for prediction in predictions:
        panels.append(_evidence(prediction, titles[prediction.model], uri))
    heading = headline(predictions, titles, anyway)
    rows = "".join(_verdict(p, titles[p.model], anyway) for p in predictions)
    return f"""
<section class="result" style="--aspect: {width / height:.4f}">
  <div class="verdict">
    <h2>{heading}</h2>
    <ul>{rows}</ul>
    <p class="axis" aria-hidden="true"><span>0&nbsp;%</span>
      <span>probability of pneumonia <i class="band"></i> uncertain</span>
      <span>100&nbsp;%</span></p>
  </div>
  <div class="tools">
    <h3>What the model used</h3>
    {_legend()}
    <label class="opacity">Heat <input type="range" min="0" max="100" value="{OPACITY}"
      aria-label="Opacity of the heat"><output>{OPACITY}&nbsp;%</output></label>
  </div>
  <div class="panels of-{len(panels)}">{"".join(panels)}</div>
  <p class="takeaway"><button type="button" data-take="pdf">Report (PDF)</button>
    <button type="button" data-take="json">Figures (JSON)</button>
    <button type="button" data-take="png">Picture (PNG)</button></p>
</section>"""


def download(name: str, kind: str, content: bytes) -> str:
    """A file as a link that carries it, so that it never lies on the server."""
    body = base64.b64encode(content).decode()
    return f'<a download="{escape(name)}" href="data:{kind};base64,{body}">{escape(name)}</a>'


def headline(predictions: list[Prediction], titles: dict[str, str], anyway: bool = False) -> str:
    """The verdicts, and whether they agree, in one sentence.

    Without ``anyway`` a model that does not know such films has no say.
    """
    strangers = [titles[p.model] for p in predictions if not (anyway or p.in_scope)]
    if strangers:
        known = headline([p for p in predictions if p.in_scope], titles)
        return f"{known}; {' and '.join(strangers)} knows no films like this one"
    verdicts = {p.verdict: titles[p.model] for p in predictions}
    if len(predictions) == 1:
        (found, title), *_ = verdicts.items()
        return {
            "NORMAL": f"No sign of pneumonia found by {title}",
            "UNCERTAIN": f"{title} cannot call this film",
            "PNEUMONIA": f"It looks like pneumonia to {title}",
        }[found]
    if len(verdicts) == 1:
        return {
            "NORMAL": "Both models agree: they found no sign of pneumonia",
            "UNCERTAIN": "Neither model can call this film",
            "PNEUMONIA": "Both models agree: it looks like pneumonia to them",
        }[next(iter(verdicts))]
    if "UNCERTAIN" not in verdicts:
        return f"The models disagree: only {verdicts['PNEUMONIA']} sees signs of pneumonia"
    if "PNEUMONIA" in verdicts:
        found = f"It looks like pneumonia to {verdicts['PNEUMONIA']}"
    else:
        found = f"No sign of pneumonia found by {verdicts['NORMAL']}"
    return f"{found}; {verdicts['UNCERTAIN']} cannot call this film"


def percent(probability: float) -> str:
    """Whole per cent, and never a certainty: ``<1 %`` … ``>99 %`` (as HTML)."""
    return escape(plain_percent(probability)).replace("\u00a0", "&nbsp;")


def data_uri(picture: Image.Image, kind: str, **options) -> str:
    """A picture as text for ``src``, encoded by Pillow as ``kind``."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def _verdict(prediction: Prediction, title: str, anyway: bool) -> str:
    if not (anyway or prediction.in_scope):
        return f"""
<li class="stranger">
  <p class="model">{title}</p>
  <p class="label">NO VERDICT<span class="colon">: </span>
    <span>{escape(prediction.gate)}</span></p>
</li>"""
    probability, cut = percent(prediction.probability), percent(prediction.threshold)
    clean = prediction.card["validation"]["clean"]
    rates = f"sensitivity {percent(clean['sensitivity'])}, "
    rates += f"specificity {percent(clean['specificity'])}"
    low, high = band(prediction)
    at = f"--at: {prediction.probability:.4f}; --cut: {prediction.threshold:.4f}"
    return f"""
<li class="{prediction.verdict.lower()}">
  <p class="model">{title}</p>
  <p class="label">{prediction.verdict}<span class="colon">: </span>
    <span>{SENTENCES[prediction.verdict]}</span></p>
  <p class="probability">{probability}<span class="unseen"> probability of pneumonia</span></p>
  <div class="scale" style="{at}; --from: {low:.4f}; --to: {high:.4f}">
    <span class="bar"></span><span class="band" title="uncertain"></span><span class="dot"></span>
    <span class="cut"></span>
    <span class="cut-label">operating point {cut}: {rates}</span>
  </div>
</li>"""


def _evidence(prediction: Prediction, title: str, film: str) -> str:
    height, width = prediction.radiograph.pixels.shape
    scale = HEAT_SIDE / max(height, width)
    layer = heat_layer(
        prediction.heatmap, (max(round(scale * width), 1), max(round(scale * height), 1))
    )
    caption = f"what spoke for {prediction.label}"
    if prediction.heatmap.max() < FAINT:
        caption = "nothing in the film spoke clearly for this verdict"
    name = escape(prediction.radiograph.name)
    images = f"""<img src="{film}" alt="Chest film {name}, again">
      <img class="heat-layer" src="{data_uri(layer, "PNG")}"
        alt="Heat over the film: {caption} according to {title}">"""
    return _panel("heat", title, images, caption)


def _panel(kind: str, title: str, images: str, caption: str, large: bool = False) -> str:
    return f"""
<figure class="panel {kind}">
  <label class="stack"><input type="radio" name="large" aria-label="Enlarge: {title}"
    {"checked" if large else ""}>{images}</label>
  <figcaption><strong>{title}</strong> {caption}</figcaption>
</figure>"""


def _legend() -> str:
    ramp = np.linspace(0, FULL_STRENGTH, 256, dtype=np.float32)[None]
    bar = data_uri(heat_layer(ramp, (256, 1)), "PNG")
    return f"""
<div class="legend"><span>0</span>
  <span class="ramp"><img class="heat-layer" src="{bar}" alt="From no heat to full heat"></span>
  <span>{FULL_STRENGTH:g}+</span>
  <span class="unit">log-odds a place adds to the verdict, on one scale for all films: no heat means
    no evidence</span></div>"""
