"""The figures of a lung finder for people: ``report.md``, and a picture on drawn films."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from pneumonia.evaluation.corruptions import corrupt, corrupt_outlines
from pneumonia.evaluation.report import table
from pneumonia.lungs import CARD, LungFinder
from pneumonia.preprocess import to_canonical
from pneumonia.storage import typed_json
from pneumonia.synthetic.phantom import draw_phantom

DRAWN, FOUND = "#e69f00", "#56b4e9"
SHOWN = (  # of drawn films: the change, how many opacities
    *(("clean", 0), ("clean", 4), ("window 1.5 white", 0), ("pillar box 1.3", 2)),
    *(("tight .7", 0), ("rotated 15°", 2), ("quarter resolution", 0), ("low contrast", 4)),
)


def write_report(
    finder: LungFinder, folder: Path, out: Path, figures: dict[str, Any], command: str
) -> str:
    """Put the figures into the finder's card, and write page and picture.

    Args:
        finder: that was measured.
        folder: its own; the card there gets the figures.
        out: gets ``report.md`` and ``outlines.png``.
        figures: of ``evaluation.lungs.measure``.
        command: what was typed.

    Returns:
        The table of changed films.
    """
    typed_json.save(folder / CARD, replace(finder.card, figures={"command": command, **figures}))
    out.mkdir(parents=True, exist_ok=True)
    draw_outlines(finder).savefig(out / "outlines.png", dpi=80)
    (out / "report.md").write_text(page(figures, command), encoding="utf-8")
    return changes(figures)


def changes(figures: dict[str, Any]) -> str:
    """What becomes of the films under each change, as a Markdown table."""
    rows = [
        [name, f"{row['dice']:.3f}", f"{row['p05']:.3f}"]
        + [percent(row[key]) for key in ("refused", "cut_off", "at_edge")]
        for name, row in figures["changes"].items()
    ]
    headings = ("change", "Dice", "5th percentile", "refused", "cut off", "outline at the edge")
    return table(headings, rows)


def page(figures: dict[str, Any], command: str) -> str:
    """The whole report."""
    reasons = ("refused", "no_lungs", "inverted", "turned", "cut_off")
    headings = [reason.replace("_", " ") for reason in reasons]
    orientation = [
        [name, *(percent(row[reason]) for reason in reasons)]
        for name, row in figures["orientation"].items()
    ]
    lungless = [
        [f"{kind} ({row['pictures']})", *(percent(row[reason]) for reason in reasons)]
        for kind, row in figures["lungless"].items()
    ]
    outline = [
        [name, "{:.3f} ({:.3f}–{:.3f})".format(row["auroc"], *row["interval"])]
        for name, row in figures["outline_auroc"].items()
    ]
    parts = [
        "# The lung finder put to the test",
        f"`{command}` wrote this page, its picture and the figures in the finder's card. "
        f"{figures['films']} films with an outline drawn by people, of patients that the finder "
        "learned nothing from.",
        "## Changed films",
        "Agreement with people's outlines (Dice), and how many films are refused: for whatever "
        "reason, and because a part of the lungs is cut off. The last column says how many of the "
        "outlines end at the picture's edge, so that something may be missing there.",
        changes(figures),
        "## Inverted and turned films",
        table(["films", *headings], orientation),
        "## Pictures without lungs",
        "Drawn pictures like these are among those that the finder learned to refuse; the others "
        "it never saw.",
        table(["pictures", *headings], lungless),
        "## What the outline alone gives away",
        "AUROC for pneumonia of logistic regressions that see where the lungs are and what shape "
        "they have, and no grey inside them (95 % interval, bootstrap by patient). That much a "
        "model could reach by the outline. Training works against it; “lungs set into films of the "
        "other class” in the [evaluation](../evaluation/evaluation.md) says how far.",
        table(["seen", "AUROC"], outline),
        "## Drawn films",
        "Orange: the lungs as drawn. Blue: as found. The drawn ones end where heart and diaphragm "
        "hide the lung; people's outlines, which taught the finder, go on over most of the heart.",
        "![Outlines on drawn films](outlines.png)",
    ]
    return "\n\n".join(parts) + "\n"


def draw_outlines(finder: LungFinder) -> Figure:
    """The finder's outlines over those of drawn films (no patients) under some changes."""
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    for seed, (axis, (name, lesions)) in enumerate(
        zip(figure.subplots(2, 4).flat, SHOWN, strict=True)
    ):
        phantom = draw_phantom(lesions=lesions, seed=seed)
        drawn = (to_canonical(phantom.lungs) > 127).to(torch.uint8)[None] * 255
        image = corrupt(to_canonical(phantom.pixels)[None], name)
        (found,) = finder(image)
        extent = (0, 1, 1, 0)
        axis.imshow(image[0, 0].numpy(), "gray", vmin=0, vmax=255, extent=extent)
        outlines = ((corrupt_outlines(drawn, name)[0, 0].numpy() / 255, DRAWN), (found.mask, FOUND))
        for mask, colour in outlines:
            axis.contour(mask, [0.5], colors=colour, extent=extent, origin="upper")
        axis.set_title(f"{name}: {found.code.replace('_', ' ')}")
        axis.axis("off")
    return figure


def percent(share: float) -> str:
    """A share, with one decimal."""
    return f"{100 * share:.1f} %"
