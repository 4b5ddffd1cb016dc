"""What the tests of the maps found, a plain sentence each; nothing where they were not run."""

from collections.abc import Sequence

from pneumonia.card import Card
from pneumonia.evaluation.results import Evaluation, HeatmapChecks
from pneumonia.web.texts import html, number, percent, tag

_TESTS = (  # text, check, its figure, and the figure of chance, or chance itself
    ("rise", "pointing_game", "rise", "chance"),
    ("warmest", "pointing_game", "heat", "chance"),
    ("quarter", "exchange", "rise", "chance"),
    ("quarterWarmest", "exchange", "heat", "chance"),
    ("erased", "road", "better", 0.5),
    ("air", "energy_outside_body", "outside", "outside_area"),
    ("marker", "energy_outside_body", "marker", "marker_area"),
)


def sentences(cards: Sequence[Card], evaluation: Evaluation | None) -> str:
    """The tests with each model's figures."""
    if not evaluation or not evaluation.saliency:
        return ""
    measured = evaluation.saliency
    shown = [
        (card.title, measured.models[card.model]) for card in cards if card.model in measured.models
    ]
    if not shown:
        return ""
    normal = {"rise": measured.normal, "quarter": measured.normal}  # films that are told again
    items = "".join(
        _item(text, [_of(*model, check, figure, chance) for model in shown], normal.get(text))
        for text, check, figure, chance in _TESTS
    )
    alike = [(title, checks.cascading_randomization["classifier"]) for title, checks in shown]
    kept = [f"{html(title)} {_plain(value)}" for title, value in alike]
    items += _item("random", kept)
    if measured.agreement is not None and len(shown) > 1:
        items += _item("agreement", [_plain(measured.agreement)])
    return f"""
<section class="about">{tag("heat.title", "h3")}{tag("heat.text", "p", films=measured.films)}
  {practised(cards)}<ul class="tests">{items}</ul></section>"""


def practised(cards: Sequence[Card]) -> str:
    """That drawn opacities are no news to these models, where they were trained with some."""
    seen = any(card.training.recipe.get("opacities") for card in cards)
    return tag("heat.practised", "p") if seen else ""


def _of(title: str, checks: HeatmapChecks, check: str, figure: str, chance: str | float) -> str:
    found = getattr(checks, check)
    by_chance = found[chance] if isinstance(chance, str) else chance
    said = f"{tag('known.chance')} {percent(by_chance)}"
    return f"{html(title)} <strong>{percent(found[figure])}</strong>, {said}"


def _item(text: str, values: Sequence[str], normal: int | None = None) -> str:
    figures = "".join(f"<li>{value}</li>" for value in values)
    films = {"normal": normal} if normal else {}
    return f"<li>{tag(f'heat.{text}', 'p', **films)}<ul>{figures}</ul></li>"


def _plain(value: float) -> str:
    return f'<strong><bdi dir="ltr">{number(value, 2)}</bdi></strong>'
