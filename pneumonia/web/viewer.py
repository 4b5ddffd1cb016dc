"""The film viewer as HTML: one film, and what each model used.

``modules/viewer.js`` brings it to life. Everything a visitor can do there happens in the browser:
the film, the attributions as numbers, what each network saw and the colours travel inside the HTML.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from pneumonia.export.words import spoke
from pneumonia.overlay import (
    FAINT,
    FULL_STRENGTH,
    SHADE,
    STEPS,
    data_uri,
    evidence_colours,
    film_image,
)
from pneumonia.web.texts import Argument, attributes, html, tag

FILM_SIDE = 1600  # longest side in pixels, enough to zoom in
OPACITY = 70  # per cent, where the slider stands at first
_CANVAS = '<canvas aria-hidden="true"></canvas>'
_ICONS = {  # on a 20 x 20 grid, drawn in the colour of the words
    "side": '<path d="M2.5 4.5h6v11h-6zM11.5 4.5h6v11h-6z"/>',
    "slider": '<path d="M2.5 4.5h15v11h-15zM10 2v16"/><circle cx="10" cy="10" r="2" class="full"/>',
    "window": '<circle cx="10" cy="10" r="4"/><path class="full" d="M10 6a4 4 0 0 1 0 8z"/><path '
    'd="M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4'
    'M14.6 5.4 16 4"/>',
    "invert": '<path d="M3.5 3.5h13v13h-13z"/><path class="full" d="M16.5 3.5v13h-13z"/>',
    "zoom_out": '<path d="M5 10h10"/>',
    "zoom_in": '<path d="M5 10h10M10 5v10"/>',
    "reset": '<path d="M4 10a6 6 0 1 0 1.8-4.3M5.5 2.5v3.4h3.4"/>',
    "fullscreen": '<path d="M3 7.5V3h4.5M12.5 3H17v4.5M17 12.5V17h-4.5M7.5 17H3v-4.5"/>',
    "grid": '<path d="M3 3h14v14H3zM3 7.7h14M3 12.3h14M7.7 3v14M12.3 3v14"/>',
    "saw": '<path d="M1.8 10S5 4.5 10 4.5 18.2 10 18.2 10 15 15.5 10 15.5 1.8 10 1.8 10z"/>'
    '<circle cx="10" cy="10" r="2.4"/>',
    "enlarge": '<path d="M11.5 3H17v5.5M17 3l-5.5 5.5M8.5 17H3v-5.5M3 17l5.5-5.5"/>',
}


@dataclass(frozen=True)
class Heat:
    """What one model used.

    Attributes:
        title: the model's name for people.
        attribution: ``(h, w)`` float32 signed calibrated log-odds over the whole film, on a grid of
            any size: above 0 a cell speaks for PNEUMONIA, below for NORMAL.
        model_input: ``(size, size)`` float32 0..1, the exact network input as a grey picture.
    """

    title: str
    attribution: np.ndarray
    model_input: np.ndarray


def viewer(
    film: np.ndarray,
    name: Argument,
    heats: Sequence[Heat],
    about: Sequence[str],
    ident: str,
    pending: bool = False,
    said: str = "",
    lungs: np.ndarray | None = None,
    hides: bool = False,
    ends: tuple[float, float] | None = None,
) -> str:
    """HTML of the viewer.

    Args:
        film: ``(height, width)`` float32 0..1. It travels as a lossless picture, as a narrow
            window would show what compression leaves behind.
        name: the film's name, any text or one that is translated.
        heats: one per model, one or more.
        about: what else the caption says of the film, as HTML.
        ident: a word that no other viewer shown before or beside has.
        pending: take the place only, as the pictures take longer than the rest of a result.
        said: the verdict in one line, as HTML, which full screen would hide otherwise.
        lungs: ``(h, w)`` float32 0..1 over the whole film, the probability that a place is lung;
            None where no outline can be drawn.
        hides: offer to hide a part of the film, which asks the server (``hide_answer.js``).
        ends: of a DICOM, the values that are black and white, in which its window is told; without
            them it is told in grey levels, 0 to 255.
    """
    height, width = film.shape
    payload = {
        "ident": ident,
        "full": FULL_STRENGTH,
        "faint": FAINT,
        "shade": SHADE,
        "steps": STEPS,
        "table": _base64(evidence_colours()),
        "heats": [_numbers(heat.attribution) for heat in heats],
        "lungs": None if lungs is None else _numbers(lungs),
        "ends": ends or (0, 255),
    }
    state = 'aria-busy="true" inert' if pending else f'data-viewer="{escape(json.dumps(payload))}"'
    ident = escape(ident)
    image = "" if pending else _film(film, name)
    caption = " · ".join([html(name, "bdi"), *about])
    words = f"<p><strong>{_text('film')}</strong> <span>{caption}</span></p>"
    panels = _panel("film", 0, image, words, ident)
    for number, heat in enumerate(heats, start=1):
        panels += _evidence(heat, number, ident, pending)
    return f"""
<section class="viewer" data-mode="side" data-large="" style="--aspect: {width / height:.4f}"
  {state}>
  <p class="viewer-said">{said}</p>
  <div class="viewer-bar">
    {_text("heading", "h3")}
    {_heat_tools()}
    {_view(heats, ident)}
    {_film_tools()}
    {_asks(lungs is not None, hides)}
    {_levels(lungs is not None)}
  </div>
  <div class="viewer-panels" style="--heats: {len(heats)}">
    {panels}
  </div>
  {_legend()}
  <p class="unseen viewer-keys" id="{ident}-help"></p>
  <output class="unseen viewer-live"></output>
</section>"""


def _view(heats: Sequence[Heat], ident: str) -> str:
    """Side by side or the slider, and whose heat the slider shows."""
    modes = [(mode, _icon(mode) + _text(mode)) for mode in ("side", "slider")]
    models = [(str(number), html(heat.title)) for number, heat in enumerate(heats)]
    return _choice("view", "mode", modes, ident) + _choice("model", "active", models, ident)


def _film_tools() -> str:
    return f"""
<div class="viewer-tools" role="group" {_label("tools")}>
  {_button("window", 'data-toggle="windowing" aria-pressed="false"')}
  {_button("invert", 'data-toggle="invert" aria-pressed="false"')}
  {_button("zoom_out", 'data-do="zoomOut"')}
  <output class="viewer-zoom" dir="ltr">100&nbsp;%</output>
  {_button("zoom_in", 'data-do="zoomIn"')}
  {_button("reset", 'data-do="reset"')}
  {_button("fullscreen", 'data-do="fullscreen" aria-pressed="false" hidden')}
  <button type="button" class="viewer-more" data-toggle="sheet" aria-pressed="false">{_text("heat")}
  </button>
</div>"""


def _levels(outline: bool) -> str:
    """The film's window, as sliders and, where its lungs are known, ready for what one looks at."""
    buttons = "".join(
        tag(f"viewer.preset_{what}", f'button type="button" data-do="preset" data-on="{what}"')
        for what in ("film", "lungs", "bones")
    )
    ready = f'<div class="viewer-ready" role="group" {_label("presets")}>{buttons}</div>'
    return f"""
<div class="viewer-levels" hidden>
  {ready if outline else ""}
  {_range("brightness")}
  {_range("contrast")}
  <output class="viewer-wl" dir="ltr"></output>
</div>"""


def _asks(outline: bool, hides: bool) -> str:
    """What a visitor may ask of the film, as words, and how the hiding goes."""
    buttons = [("lungs", "outline")] * outline + [("hide", "hiding")] * hides
    asks = "".join(
        tag(f"{key}.button", f'button type="button" data-toggle="{state}" aria-pressed="false"')
        for key, state in buttons
    )
    return f"""
<div class="viewer-asks" role="group" {attributes({"aria-label": "hide.group"})}>{asks}</div>
{tag("hide.help", 'p class="viewer-hint" hidden')}"""


def _legend() -> str:
    texts = {"aria-label": "viewer.ramp", "title": "viewer.ramp"}
    ramp = attributes(texts, full=int(FULL_STRENGTH))
    return f"""
<div class="viewer-note"><p class="viewer-legend" dir="ltr">
  {_text("lowers_2", 'span dir="auto"')} <canvas width="255" height="1" role="img" {ramp}></canvas>
  {_text("raises_2", 'span dir="auto"')}</p>
  {tag("lungs.legend", 'p class="viewer-outlined" hidden')}
  {_text("scale", "p")}</div>"""


def _heat_tools() -> str:
    return f"""
<div class="viewer-heat" role="group" {_label("heat")}>
  <label class="viewer-range">{_text("heat")}<input type="range" min="0" max="100"
    value="{OPACITY}" data-set="opacity" {_label("opacity")}><output
    class="viewer-opacity" dir="ltr">{OPACITY}&nbsp;%</output></label>
  <button type="button" data-toggle="cells" aria-pressed="false">{_icon("grid")}{_text("grid")}
  </button>
</div>"""


def _film(film: np.ndarray, name: Argument) -> str:
    picture = film_image(film)
    picture.thumbnail((FILM_SIDE, FILM_SIDE), Image.Resampling.LANCZOS)
    alt = attributes({"alt": "film.alt"}, name=name)
    return f'<img src="{data_uri(picture, "PNG", compress_level=3)}" {alt}>{_CANVAS}'


def _evidence(heat: Heat, number: int, ident: str, pending: bool) -> str:
    says = _text(spoke(heat.attribution), 'span class="viewer-says"')
    words = f"<p>{html(heat.title, 'strong')} {says}</p>"
    saw = f"""<button type="button" data-toggle="input{number}" aria-pressed="false"
      {_label("saw")}>{_icon("saw")}{_text("saw")}</button>"""
    model_input = (
        ""
        if pending
        else f'<img src="{data_uri(film_image(heat.model_input), "PNG")}" alt="" hidden>'
    )
    stage = f"""{model_input}{_CANVAS}
      <div class="viewer-divider" role="slider" tabindex="0" aria-valuemin="0" aria-valuemax="100"
        aria-valuenow="50" {_label("divider")}></div>
      <span class="viewer-cell" aria-hidden="true" hidden></span>"""
    return _panel("heat", number, stage, words + saw, ident)


def _panel(kind: str, number: int, stage: str, caption: str, ident: str) -> str:
    return f"""
<figure class="viewer-panel {kind}">
  <div class="viewer-stage" dir="ltr" role="group" tabindex="0"
    aria-labelledby="{ident}-caption{number}" aria-describedby="{ident}-help">
    {stage}
    <span class="viewer-readout" aria-hidden="true"></span>
    {_button("enlarge", f'data-enlarge="{number}" aria-pressed="false"')}
  </div>
  <figcaption id="{ident}-caption{number}">{caption}</figcaption>
</figure>"""


def _choice(key: str, setting: str, options: list[tuple[str, str]], ident: str) -> str:
    """Radio buttons that look like one: ``options`` are pairs of value and HTML."""
    labels = "".join(
        f"""<label><input type="radio" name="{ident}-{setting}" value="{value}"
        data-set="{setting}">{words}</label>"""
        for value, words in options
    )
    return f'<div class="viewer-choice {setting}" role="radiogroup" {_label(key)}>{labels}</div>'


def _range(key: str) -> str:
    return f"""<label class="viewer-range">{_text(key)}<input type="range" min="-100" max="100"
    value="0" data-set="{key}"></label>"""


def _button(key: str, attributes: str) -> str:
    return f'<button type="button" class="icon" {attributes} {_label(key)}>{_icon(key)}</button>'


def _icon(key: str) -> str:
    return f'<svg viewBox="0 0 20 20" aria-hidden="true">{_ICONS[key]}</svg>'


def _text(key: str, element: str = "span") -> str:
    return tag(f"viewer.{key}", element)


def _label(key: str) -> str:
    return attributes({"aria-label": f"viewer.{key}"})


def _numbers(attribution: np.ndarray) -> dict:
    """The attribution in hundredths of log-odds, row by row."""
    hundredths = (100 * attribution).round().clip(-32768, 32767).astype("<i2")
    return {"columns": attribution.shape[1], "grid": _base64(hundredths)}


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()
