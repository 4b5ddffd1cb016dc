"""How often the models are right: one plot of dots with their intervals, and the numbers of it."""

from collections.abc import Sequence

from pneumonia.card import Card
from pneumonia.evaluation.results import Corrupted, Evaluation
from pneumonia.evaluation.wilson import wilson
from pneumonia.web.texts import attributes, html, number, slug, tag

WORST = 5  # changes of the films that the plot shows; the numbers name them all

Dot = tuple[float, tuple[float, float] | None]  # a figure in 0..1 and its 95 % interval


def plot(cards: Sequence[Card], evaluation: Evaluation | None) -> str:
    """The plot, of what was evaluated or else of what the cards say of the validation films.

    Args:
        cards: of the models on the page.
        evaluation: of these models' weights.
    """
    lines = "".join(_row(name, dots) for name, dots in _as_they_are(cards, evaluation))
    covered = _covered(cards, evaluation) if evaluation else ""
    lines += covered + (_changed(cards, evaluation) if evaluation else "")
    changed = [c.title for c in cards if covered and c.training.outline_forgotten_by]
    aimed = "".join(tag("plot.aimed", "p", model=title) for title in changed)
    legend = "".join(f'<li class="of-{i}">{html(c.title)}</li>' for i, c in enumerate(cards))
    marks = "".join(number(mark, digits) for mark, digits in ((0.5, 1), (0.75, 2), (1, 0)))
    films = cards[0].validation.clean.films
    films = evaluation.models[cards[0].model].figures.films if evaluation else films
    flattered = not evaluation or evaluation.split == "val"
    return f"""
<section class="about">{tag("plot.title", "h3")}{tag("plot.text", "p", films=films)}
  {tag("plot.flattered", "p") if flattered else ""}<ul class="dots-legend">{legend}</ul>
  <table class="dots" {attributes({"aria-label": "plot.title"})}><tbody>{lines}</tbody>
    <tfoot aria-hidden="true"><tr><td></td><td><div class="axis">{marks}</div></td></tr></tfoot>
  </table>{aimed}
</section>"""


def changes(cards: Sequence[Card], evaluation: Evaluation) -> str:
    """The numbers: sensitivity and specificity of each model under each change of the films."""
    rows = [evaluation.models[card.model].corruptions for card in cards]
    if len(rows[0]) < 2:
        return ""
    heads = "".join(html(card.title, "th scope=col") for card in cards)
    lines = "".join(
        f"<tr>{tag(f'suite.{slug(name)}', 'th scope=row')}"
        + "".join(f"<td>{_pair(row[name])}</td>" for row in rows)
        + "</tr>"
        for name in rows[0]
    )
    films = evaluation.models[cards[0].model].changed_films
    label = attributes({"aria-label": "figures.test.title"})
    return f"""
{tag("figures.test.title", "h4")}{tag("figures.test.text", "p", films=films)}
<div class="scroll" tabindex="0" role="region" {label}><table>
  <thead><tr><td></td>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"""


def _as_they_are(
    cards: Sequence[Card], evaluation: Evaluation | None
) -> list[tuple[str, list[Dot]]]:
    rows: list[tuple[str, list[Dot]]] = []
    for name in ("auroc", "sensitivity", "specificity"):
        dots: list[Dot] = []
        for card in cards:
            if evaluation:
                model = evaluation.models[card.model]
                dots.append((getattr(model.figures, name), model.intervals[name]))
                continue
            clean = card.validation.clean
            films = {"sensitivity": clean.pneumonia, "specificity": clean.normal}.get(name, 0)
            share = getattr(clean, name)
            dots.append((share, wilson(round(share * films), films)))
        rows.append((tag(f"about.{name}", "th scope=row"), dots))
    return rows


def _covered(cards: Sequence[Card], evaluation: Evaluation) -> str:
    """What the models make of films whose lungs are painted over."""
    found = [evaluation.models[card.model].covered_auroc for card in cards]
    if None in found:
        return ""
    dots: list[Dot] = [(auroc, None) for auroc in found if auroc is not None]
    return _row(tag("plot.covered", "th scope=row"), dots)


def _changed(cards: Sequence[Card], evaluation: Evaluation) -> str:
    """The changes of the films that cost the models most, on average, and what is left."""
    models = [evaluation.models[card.model].corruptions for card in cards]
    names = [name for name in models[0] if name != "clean"]
    if not names:
        return ""
    films = evaluation.models[cards[0].model].changed_films
    worst = sorted(names, key=lambda name: sum(_right(model[name]) for model in models))[:WORST]
    said = tag("plot.changes", 'th colspan="2"', worst=len(worst), changes=len(names))
    lines = f'<tr class="between">{said}</tr>'
    for name in ["clean", *worst]:
        shares = [_right(model[name]) for model in models]
        dots: list[Dot] = [(share, wilson(round(share * films), films)) for share in shares]
        lines += _row(tag(f"suite.{slug(name)}", "th scope=row"), dots)
    return lines


def _right(row: Corrupted) -> float:
    return (row.sensitivity + row.specificity) / 2  # there are as many films of either class


def _pair(row: Corrupted) -> str:
    return f'<bdi dir="ltr">{number(row.sensitivity, 3)} · {number(row.specificity, 3)}</bdi>'


def _row(name: str, dots: Sequence[Dot]) -> str:
    """A row of the plot, from one half to one; lower ones at its left end with numbers."""
    lanes = ""
    for model, (share, interval) in enumerate(dots):
        places = {"at": share}
        if interval:
            places["low"], places["high"] = interval
        style = "; ".join(f"--{k}: {min(1, max(0, 2 * v - 1)):.3f}" for k, v in places.items())
        words = number(share, 3)
        if interval:
            words += f" ({number(interval[0], 3)}–{number(interval[1], 3)})"
        line = "<s></s>" if interval else ""
        lanes += f'<div class="of-{model}" style="{style}">{line}<i></i>'
        told = "below" if share < 0.5 else "unseen"
        lanes += f'<bdi class="{told}" dir="ltr">{words}</bdi></div>'
    return f"<tr>{name}<td>{lanes}</td></tr>"
