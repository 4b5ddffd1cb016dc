"""What is known of an example, told after the verdict: its truth, or where its opacities are."""

from collections.abc import Sequence

import numpy as np

from pneumonia.overlay import data_uri
from pneumonia.prediction import Prediction
from pneumonia.synthetic.opacity import Lesion
from pneumonia.web import results
from pneumonia.web.examples import AUTHORS, LICENCE, SOURCE, Example
from pneumonia.web.heat_tests import practised
from pneumonia.web.texts import attributes, html, percent, ref, tag


def outcome(predictions: Sequence[Prediction], truth: str) -> str:
    """What the models made of a film whose truth is known.

    Returns:
        ``"refused"`` if any of them does not know it; ``"right"`` if all call it so, ``"partly"``
        if the others make no call, ``"not_called"`` if none does; ``"wrong"`` if all call it
        the other class, ``"mixed"`` if some do.
    """
    if not all(p.in_scope for p in predictions):
        return "refused"
    right = sum(p.verdict == truth for p in predictions)
    uncalled = sum(p.verdict == "UNCERTAIN" for p in predictions)
    if wrong := len(predictions) - right - uncalled:
        return "wrong" if wrong == len(predictions) else "mixed"
    return ("right" if right == len(predictions) else "partly") if right else "not_called"


def known(predictions: Sequence[Prediction], example: Example | None) -> str:
    """HTML of what is known of the film; nothing of a visitor's."""
    if example and example.lesions:
        return _drawn(predictions, example)
    if not example or not example.truth:
        return ""
    said = tag("known.said", "strong", truth=ref(f"verdict.{example.truth}"))
    note = tag(f"known.{outcome(predictions, example.truth)}")
    return f'<div class="known"><p>{said} {note}</p>{credit()}</div>'


def credit() -> str:
    """Whose the films of the data set are, and their licence."""
    authors, licence = (
        f'<a href="{address}" target="_blank" rel="noopener">{name}</a>'
        for name, address in ((AUTHORS, SOURCE), ("CC BY 4.0", LICENCE))
    )
    return f'<p class="credit">{tag("examples.credit")} <bdi>{authors}, {licence}</bdi></p>'


def hit(attribution: np.ndarray, lesions: Sequence[Lesion], size: tuple[int, int]) -> bool:
    """Whether a map ``(h, w)`` over the whole film speaks most for PNEUMONIA in an opacity.

    Args:
        attribution: the map.
        lesions: the opacities, round on the film, though not on a map of another shape.
        size: the film's height and width.
    """
    best = np.unravel_index(attribution.argmax(), attribution.shape)
    place = tuple(
        int((cell + 0.5) / cells * pixels)
        for cell, cells, pixels in zip(best, attribution.shape, size, strict=True)
    )
    return any(lesion.distance(*size)[place] < 1 for lesion in lesions)


def _drawn(predictions: Sequence[Prediction], example: Example) -> str:
    """Where the opacities were drawn, what became of them, and how often maps find such ones."""
    width, height = example.thumbnail.size
    rings = "".join(
        f'<circle cx="{one.x * width:.0f}" cy="{one.y * height:.0f}" r="{one.radius * width:.0f}"/>'
        for one in example.lesions
    )
    picture = data_uri(example.thumbnail, "WEBP", quality=85)
    words = tag("known.circles", "p")
    for p in predictions:
        if p.attribution is not None:
            found = "hit" if hit(p.attribution, example.lesions, p.radiograph.size) else "missed"
            words += tag(f"known.{found}", "p", title=p.card.title)
    return f"""
<div class="known drawing">
  <svg viewBox="0 0 {width} {height}" role="img" {attributes({"aria-label": "known.circles"})}>
    <image href="{picture}" width="{width}" height="{height}"/>{rings}</svg>
  <div>{words}{_measured(predictions)}</div>
</div>"""


def _measured(predictions: Sequence[Prediction]) -> str:
    """How often the maps find opacities drawn into real films, where ``evaluation.json`` says."""
    cards = [p.card for p in predictions]
    evaluation = results.load_evaluation(cards)
    if not evaluation or not evaluation.saliency:
        return ""
    measured = evaluation.saliency.models
    items = "".join(
        f"<li>{html(card.title)} {percent(measured[card.model].pointing_game['heat'])}, "
        f"{tag('known.chance')} {percent(measured[card.model].pointing_game['chance'])}</li>"
        for card in cards
        if card.model in measured
    )
    if not items:
        return ""
    return f"{tag('known.measured', 'p')}{practised(cards)}<ul>{items}</ul>"
