"""What does not change from film to film: intended use, examples, the models' cards."""

from collections.abc import Iterable
from html import escape
from math import sqrt

from ..predictor import Predictor
from .examples import Example
from .views import data_uri

HEADER = """
<header class="masthead">
  <h1>Pneumonia on chest films: a second look</h1>
  <p>Two models read a child’s chest film and show what they used. A demonstration, not a
  diagnosis.</p>
</header>"""

INTENDED_USE = """
<section class="use">
  <h2>Intended use</h2>
  <p>A demonstration and a second look. It is not a diagnosis and not a medical device, and nobody
  should be treated, or not treated, because of it.</p>
  <p>The models know AP films of children of 1 to 5 years from one hospital. On other films, of
  adults above all, their numbers mean little.</p>
  <p>Films are processed in memory; uploads are deleted within an hour.</p>
</section>"""


def gallery(examples: list[Example]) -> str:
    """The examples as buttons; ``data-example`` is the position in the list."""
    buttons = "".join(
        f"""
<button type="button" data-example="{number}">
  <img src="{data_uri(example.thumbnail, "WEBP", quality=85)}" alt="">
  <span>{escape(example.title)}</span> <small>{escape(example.note)}</small>
</button>"""
        for number, example in enumerate(examples)
    )
    return f'<section class="examples"><h2>Examples</h2><div>{buttons}</div></section>'


def models(predictors: Iterable[Predictor]) -> str:
    """The cards side by side: one column a model, every figure read from its card."""
    cards = [predictor.card for predictor in predictors]
    clean = [card["validation"]["clean"] for card in cards]
    perturbed = [card["validation"]["perturbed"] for card in cards]
    rows = {
        "": [card["title"] for card in cards],
        "Validation films": [
            f"{v['films']:,} ({v['normal']:,} normal, {v['pneumonia']:,} pneumonia)" for v in clean
        ],
        "AUROC": [f"{v['auroc']:.3f}" for v in clean],
        "… on perturbed films": [f"{v['auroc']:.3f}" for v in perturbed],
        "Sensitivity": [_rate(v["sensitivity"], v["pneumonia"]) for v in clean],
        "Specificity": [_rate(v["specificity"], v["normal"]) for v in clean],
        "Operating point": [
            f"{100 * card['operating_point']['threshold']:.0f} %, {card['operating_point']['rule']}"
            for card in cards
        ],
        "Training films": [f"{card['training']['data']['films']:,}" for card in cards],
        "First weights": [
            "random" if (init := card["training"]["initialisation"]) == "none" else init
            for card in cards
        ],
        "Finished": [card["training"]["finished"] for card in cards],
    }
    lines = []
    for heading, cells in rows.items():
        tag, scope = ("td", "row") if heading else ("th scope=col", "col")
        row = "".join(f"<{tag}>{escape(str(cell))}</{tag.split()[0]}>" for cell in cells)
        lines.append(f"<tr><th scope={scope}>{heading}</th>{row}</tr>")
    split = escape(cards[0]["validation"]["split"])
    return f"""
<details class="about" open><summary>About the models</summary>
  <div>
    <table>{"".join(lines)}</table>
    <div class="reading">
      <p>The figures come from validation films ({split}). In brackets: 95 % intervals. “Perturbed”
      films were recompressed, blurred, cropped and rewindowed, as films on their way to a page are.
      </p>
      <p>From its operating point on, a model calls a film PNEUMONIA. The probabilities are
      calibrated on the same validation films.</p>
      <p>The heat is Grad-CAM for the verdict given, in log-odds and on one scale for all films. It
      shows what the model used, which need not be where a disease is.</p>
    </div>
  </div>
</details>"""


def _rate(rate: float, films: int) -> str:
    """A rate in per cent with its 95 % interval (Wilson 1927)."""
    if not films:
        return "–"
    z = 1.96
    centre = (rate + z**2 / (2 * films)) / (1 + z**2 / films)
    half = z / (1 + z**2 / films) * sqrt(rate * (1 - rate) / films + (z / (2 * films)) ** 2)
    return f"{100 * rate:.0f} % ({100 * (centre - half):.0f}–{100 * (centre + half):.0f})"
