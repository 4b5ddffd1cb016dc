"""Draw the walk of one film through the package: docs/walk.svg, with a drawn film (no patient).

python -m tools.walk
"""

import argparse
import textwrap
from html import escape
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

from pneumonia import Prediction, Predictor
from pneumonia.overlay import data_uri, film_image
from pneumonia.synthetic.phantom import draw_phantom
from tools.page_process import ROOT

WIDTH, GAP, SIDE, HEIGHT = 164, 26, 140, 300  # px: of a stage, to the next one, of its picture


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "walk.svg")
    parser.add_argument("--model", default="densenet169", help="a shipped model or a folder")
    options = parser.parse_args()
    film = draw_phantom(900, 1080, lesions=2, seed=5).image()
    prediction = Predictor.load(options.model, device="cpu", engine="torch").predict(film)
    options.out.write_text(draw(stages(prediction)), encoding="utf-8")
    print(options.out)


def stages(prediction: Prediction) -> list[tuple[list[str], str, Image.Image | str]]:
    """The modules of each stage, what they do, and a picture or words from this film."""
    seen = prediction.model_input
    grey = film_image((seen - seen.min()) / (seen.max() - seen.min()))
    attribution = prediction.attribution
    share = 0.5 + 0.5 * attribution / np.abs(attribution).max()
    cells = Image.fromarray(colormaps["PuOr_r"](share, bytes=True)[:, :, :3])
    cells = cells.resize((SIDE, SIDE))
    film = film_image(prediction.radiograph.pixels)
    weights = f"{prediction.card.title}\nweights\nthreshold\ncalibration\nfigures\nprovenance"
    answer = f"P = {prediction.probability:.2f}\n{prediction.verdict}\ngate: {prediction.gate}"
    return [
        (["reading/"], "Any file becomes one grey film, or says why not.", film),
        (
            ["lungs.py", "preprocess.py"],
            "The lungs are found; they become the network's input.",
            grey,
        ),
        (
            ["models.py", "checkpoint.py", "card.py"],
            "A network, and what turns its logit into a verdict.",
            weights,
        ),
        (
            ["gate.py", "explain.py"],
            "A film like those it knows? Its logit, and why.",
            cells,
        ),
        (["predictor.py", "prediction.py"], "All of it together: a Prediction.", answer),
        (["overlay.py"], "What the model used, over the film.", prediction.overlay()),
    ]


def draw(parts: list[tuple[list[str], str, Image.Image | str]]) -> str:
    """The stages as an SVG that reads on a light and on a dark page."""
    boxes = "".join(box(i * (WIDTH + GAP), *part) for i, part in enumerate(parts))
    arrows = "".join(
        f'<path d="M{i * (WIDTH + GAP) - GAP + 3} 150h{GAP - 10}" marker-end="url(#tip)"/>'
        for i in range(1, len(parts))
    )
    width = len(parts) * (WIDTH + GAP) - GAP
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}"
  font-family="system-ui, sans-serif" font-size="14" fill="#e8eef1">
<title>The walk of one film through the package</title>
<defs><marker id="tip" viewBox="0 0 6 6" refX="3" refY="3" markerWidth="5" markerHeight="5">
<path d="M0 0L6 3L0 6z" fill="#7d8b93"/></marker></defs>
<g stroke="#7d8b93" stroke-width="2.5">{arrows}</g>
{boxes}
</svg>
"""


def box(left: int, modules: list[str], words: str, shown: Image.Image | str) -> str:
    """One stage: its modules, a picture or words, and what happens there."""
    middle = left + WIDTH // 2
    names = lines(modules, middle, 22 + 9 * (3 - len(modules)), 'class="name" font-weight="600"')
    if isinstance(shown, str):
        centre = lines(shown.split("\n"), middle, 160 - 9 * shown.count("\n"), 'fill="#ffcf8f"')
    else:
        shown = shown.convert("RGB")
        shown.thumbnail((2 * SIDE, 2 * SIDE))
        centre = f"""<image x="{middle - SIDE // 2}" y="80" width="{SIDE}" height="{SIDE}"
  href="{data_uri(shown, "JPEG", quality=85)}"/>"""
    return f"""<rect x="{left}" width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#14262f"/>
{names}{centre}{lines(textwrap.wrap(words, 20), middle, 244)}
"""


def lines(texts: list[str], middle: int, top: int, style: str = "") -> str:
    spans = "".join(
        f'<tspan x="{middle}" y="{top + 19 * i}">{escape(text)}</tspan>'
        for i, text in enumerate(texts)
    )
    return f'<text text-anchor="middle" {style}>{spans}</text>\n'


if __name__ == "__main__":
    main()
