"""Whether the models' percentages mean what they say: a reliability curve per model."""

from collections.abc import Sequence

from pneumonia.card import Card
from pneumonia.evaluation.results import Bin, Evaluation, even
from pneumonia.evaluation.wilson import wilson
from pneumonia.web.texts import html, percent, tag

SIDE = 200  # of a drawing's own units


def curves(cards: Sequence[Card], evaluation: Evaluation | None) -> str:
    """A drawing per model; nothing where no bins were counted."""
    if not evaluation:
        return ""
    drawn = [(card, evaluation.models[card.model].reliability) for card in cards]
    figures = "".join(_figure(card.title, bins) for card, bins in drawn if bins)
    if not figures:
        return ""
    return f"""
<section class="about">{tag("reliability.title", "h3")}{tag("reliability.text", "p")}
  <div class="curves">{figures}</div></section>"""


def points(bins: Sequence[Bin]) -> list[tuple[float, float, float, float]]:
    """``(probability, share, low, high)`` of each bin: how many of its films had pneumonia.

    As if there were as many films of either class, as the probabilities count; with the 95 %
    interval. Empty where a class has no film.
    """
    normal, pneumonia = (sum(getattr(b, name) for b in bins) for name in ("normal", "pneumonia"))
    if not normal or not pneumonia:
        return []

    found = []
    for one in bins:
        films = one.normal + one.pneumonia
        low, high = wilson(one.pneumonia, films) or (0.0, 1.0)
        shares = (even(share, normal, pneumonia) for share in (one.pneumonia / films, low, high))
        found.append((one.probability, *shares))
    return found


def _figure(title: str, bins: Sequence[Bin]) -> str:
    found = points(bins)
    places = [(SIDE * x, *(SIDE * (1 - y) for y in ys)) for x, *ys in found]
    bars = "".join(
        f'<path class="bar" d="M{x:.1f} {low:.1f}V{high:.1f}"/>' for x, _, low, high in places
    )
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y, *_ in places)
    words = "".join(
        f'<li><bdi dir="ltr">{percent(x)} → {percent(y)} ({percent(low)}–{percent(high)})'
        "</bdi></li>"
        for x, y, low, high in found
    )
    return f"""
<figure>{html(title, "figcaption")}{tag("reliability.share", "p")}
  <svg viewBox="-6 -6 {SIDE + 12} {SIDE + 12}" aria-hidden="true">
    <rect class="frame" width="{SIDE}" height="{SIDE}"/><path class="even" d="M0 {SIDE}L{SIDE} 0"/>
    {bars}<polyline points="{line}"/>{dots}</svg>
  <p class="axis" aria-hidden="true"><span>0 %</span>{tag("scale.axis")}<span>100 %</span></p>
  <ul class="unseen">{words}</ul></figure>"""
