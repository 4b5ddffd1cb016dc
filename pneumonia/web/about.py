"""What does not change from film to film: intended use, examples, what is known of the models."""

from collections.abc import Iterable, Mapping
from html import escape

from pneumonia.card import Card
from pneumonia.evaluation.results import Evaluation
from pneumonia.evaluation.wilson import wilson
from pneumonia.evaluation.wording import DRAWN
from pneumonia.overlay import data_uri
from pneumonia.predictor import Predictor
from pneumonia.web import compare, dot_plot, heat_tests, reliability, results, who, written
from pneumonia.web.examples import Example
from pneumonia.web.known import credit
from pneumonia.web.texts import attributes, html, menu, number, ref, tag


def header() -> str:
    """The masthead: what this is, in two lines, the parts of the page, the menu of languages."""
    tabs = "".join(
        tag(f"tabs.{key}", f'button type="button" role="tab" data-tab="{part}" {aria}')
        for part, key, aria in (
            ("one", "one", 'aria-selected="true" aria-controls="tab-one"'),
            ("many", "batch", 'aria-selected="false" tabindex="-1" aria-controls="tab-many"'),
            ("about", "models", 'aria-selected="false" tabindex="-1" aria-controls="tab-about"'),
        )
    )
    label = attributes({"aria-label": "places.label"})
    return f"""
{tag("places.skip", 'button type="button" class="skip" data-skip')}
<header class="masthead">
  {tag("page.title", "h1")}
  <div class="tabs" role="tablist" {label}>{tabs}</div>
  {tag("keys.open", 'button type="button" class="keys-open"')}
  {menu()}
  {tag("page.lead", 'p class="lead"')}
  <p class="unseen" role="status" id="said"></p>
</header>"""


def drop_zone(what: str) -> str:
    """Where films are dropped or chosen; ``giving.js`` uploads them.

    Args:
        what: ``"one"`` film, or ``"many"``.
    """
    texts = ("style.drop", "upload.label") if what == "one" else ("style.batch", "upload.many")
    label = attributes({"aria-label": texts[1]})
    several = "" if what == "one" else "multiple"
    return f"""
<div class="zone">
  <label class="drop">
    <input type="file" {several} {label}>
    <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M10 13V3M6 7l4-4 4 4M3 12v5h14v-5"/></svg>
    {tag(texts[0], "strong")}
    {tag("style.formats", "small")}
  </label>
  <div class="way" role="status" hidden><bdi></bdi><progress max="1" value="0"></progress>
    <span class="words"></span></div>
</div>"""


def preview() -> str:
    """The film as the visitor's own machine shows it, until the server has read it."""
    words = tag("style.reading", "figcaption")
    return f'<figure class="preview" hidden><img alt="">{words}</figure>'


def visit() -> str:
    """The films of this visit, which ``places.js`` fills in, and the way through a table."""
    label = attributes({"aria-label": "walk.label"})
    back, on = (
        f'<button type="button" data-walk="{step}" {attributes({"aria-label": f"walk.{way}"})}>'
        f"{sign}</button>"
        for step, way, sign in ((-1, "previous", "‹"), (1, "next", "›"))
    )
    return f"""
<section class="visit" hidden>{tag("visit.title", "h2")}<ul></ul>{compare.chooser()}</section>
<nav class="walk" {label} hidden>{back}<span class="place"></span>{on}
  {tag("walk.table", 'button type="button" data-table')}</nav>"""


def intended_use() -> str:
    """What the page is for, what it is not for, and what becomes of a film."""
    words = "".join(tag(f"use.{part}", "p") for part in ("purpose", "films", "privacy"))
    return f'<section class="use">{tag("use.title", "h2")}{words}</section>'


def notice() -> str:
    """The intended use once more, for a first visit: it stands before the page until accepted."""
    words = "".join(tag(f"use.{part}", "p") for part in ("privacy", "purpose", "films"))
    return f"""
<dialog class="notice" aria-labelledby="notice-title">
  {menu()}
  {tag("notice.title", 'h2 id="notice-title"')}
  {words}
  <form method="dialog">{tag("notice.button", 'button value="accepted" autofocus')}</form>
</dialog>"""


def keys() -> str:
    """The sheet of the page's keys, which ``keys.js`` opens and fills in."""
    return f"""
<dialog class="keys" aria-labelledby="keys-title">
  {tag("keys.open", 'h2 id="keys-title"')}
  <table><tbody></tbody></table>
  {tag("keys.focus", "p")}{tag("keys.mouse", "p")}
  <form method="dialog">{tag("keys.done", "button autofocus")}</form>
</dialog>"""


def gallery(examples: list[Example]) -> str:
    """The examples as buttons; ``data-example`` is the position in the list."""
    buttons = "".join(
        f"""
<button type="button" data-example="{number}">
  <img src="{data_uri(example.thumbnail, "WEBP", quality=85)}" alt="">
  {html(example.title)}{html(example.note, "small") if example.note else ""}
</button>"""
        for number, example in enumerate(examples)
    )
    return f"""
<section class="examples">{tag("examples.title", "h2")}<div>{buttons}</div>
  {tag("examples.text", "p")}{credit()}</section>"""


def models(predictors: Iterable[Predictor]) -> str:
    """Limits and model facts first, then what was measured, how to read a map, the data's trap.

    Every figure is read from the models' cards, or from what ``pneumonia evaluate`` and
    ``pneumonia audit`` wrote.
    """
    cards = [predictor.card for predictor in predictors]
    evaluation = results.load_evaluation(cards)
    parts = (
        tag("tabs.models", 'h2 class="unseen"'),
        results.limits() + results.facts(cards) + who.runs_it(),
        dot_plot.plot(cards, evaluation) + reliability.curves(cards, evaluation),
        _numbers(cards, evaluation),
        heat_tests.sentences(cards, evaluation) + _reading(),
        results.audit(),
    )
    return "".join(f'<div class="abreast">{part}</div>' if part else "" for part in parts)


def records(titles: Mapping[str, str]) -> str:
    """The model cards and the API, each to unfold.

    Args:
        titles: model name -> what it is called.
    """
    title = tag("figures.cards.title", "h3")
    cards = "".join(written.model_card(name, title) for name, title in titles.items())
    return f"""
<section class="about">{title}{tag("figures.cards.text", "p")}</section>{cards}{written.api()}"""


def _reading() -> str:
    """How to read a map."""
    items = "".join(tag(f"help.{part}", "li") for part in ("used", "scale", "none", "coarse"))
    return f'<section class="about">{tag("help.title", "h3")}<ul>{items}</ul></section>'


def _numbers(cards: list[Card], evaluation: Evaluation | None) -> str:
    """All the numbers, for those who want them."""
    clean = [card.validation.clean for card in cards]
    perturbed = [card.validation.perturbed for card in cards]
    points = [card.operating_point for card in cards]
    counts = ("films", "normal", "pneumonia")
    rows = {
        "films": [tag("about.counts", **{key: getattr(v, key) for key in counts}) for v in clean],
        "auroc": [number(v.auroc, 3) for v in clean],
        "perturbed": [number(v.auroc, 3) for v in perturbed],
        "sensitivity": [_rate(v.sensitivity, v.pneumonia) for v in clean],
        "specificity": [_rate(v.specificity, v.normal) for v in clean],
        "point": [f"{100 * p.threshold:.0f} %, {tag('card.rule')}" for p in points],
        "training": [number(card.training.data.films) for card in cards],
        "initial": [tag(f"card.{_first(card.training.initialisation)}") for card in cards],
        "finished": [f"<bdi>{escape(card.training.finished)}</bdi>" for card in cards],
    }
    titles = "".join(html(card.title, "th scope=col") for card in cards)
    lines = [f"<tr><td></td>{titles}</tr>"]
    for key, cells in rows.items():
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f"<tr>{tag(f'about.{key}', 'th scope=row')}{row}</tr>")
    models = [evaluation.models[card.model] for card in cards] if evaluation else []
    unseen = [[model.ood[kind] for kind in model.ood if kind not in DRAWN] for model in models]
    if unseen and (pictures := sum(kind.pictures for kind in unseen[0])):
        refused = [sum(k.pictures * k.refused for k in kinds) / pictures for kinds in unseen]
        row = "".join(f"<td>{_rate(share, pictures)}</td>" for share in refused)
        head = tag("figures.refused", "th scope=row", pictures=pictures)
        lines.append(f"<tr>{head}{row}</tr>")
    tests = dot_plot.changes(cards, evaluation) if evaluation else ""
    label = attributes({"aria-label": "plot.numbers"})
    return f"""
<details class="about">{tag("plot.numbers", "summary")}
  <div class="scroll" tabindex="0" role="region" {label}><table>{"".join(lines)}</table></div>
  {tag("about.figures.text", "p", split=ref("card.split"))}{tag("about.point.text", "p")}{tests}
</details>"""


def _first(initialisation: str) -> str:
    return {"none": "random", "imagenet": "imagenet"}.get(initialisation, "pretrained")


def _rate(rate: float, films: int) -> str:
    """A rate in per cent with its 95 % interval."""
    interval = wilson(round(rate * films), films)
    if not interval:
        return "–"
    low, high = (100 * edge for edge in interval)
    return f'<bdi dir="ltr">{100 * rate:.0f} % ({low:.0f}–{high:.0f})</bdi>'
