"""The picture of a shortcut audit."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from pneumonia.card import LABELS
from pneumonia.data.shortcuts import FileTraits

INK, MUTED, LINE, GREY, ACCENT = "#14181c", "#505a64", "#d3d8dd", "#8d979f", "#0a5f9e"


def draw_audit(
    path: str | Path, bars: dict[str, list[tuple[str, dict]]], traits: FileTraits
) -> None:
    """The audit's one figure, a PNG of 1,600 pixels' width.

    Left the AUROC by what the classifier saw, in groups of ``bars`` (title → label and result of
    ``shortcut_auroc``); right the trap itself: the quantisation table of ``traits`` by aspect
    ratio, or the bytes per file where all files were compressed alike.
    """
    layout = ConstrainedLayoutEngine(wspace=0.06)
    figure = Figure(figsize=(8, 3.7), layout=layout, facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(LINE)
        axes.tick_params(colors=INK, labelsize=8, color=LINE)
    _draw_bars(left, bars)
    _draw_shortcut(right, traits)
    figure.savefig(path, dpi=200)


def _draw_bars(axes: Axes, bars: dict[str, list[tuple[str, dict]]]) -> None:
    at, ticks = 0.0, {}
    for title, rows in bars.items():
        heading = {"fontsize": 8, "fontweight": "bold", "color": INK, "va": "center", "ha": "right"}
        axes.text(-0.02, at, title, transform=axes.get_yaxis_transform(), **heading)
        for label, result in rows:
            at += 1
            ticks[at] = label
            low, high = result["interval"]
            axes.barh(at, result["auroc"] - 0.5, left=0.5, height=0.62, color=ACCENT)
            axes.plot([low, high], [at, at], color=INK, linewidth=1)
            text = precise(result["auroc"])
            axes.text(max(high, 0.5) + 0.012, at, text, fontsize=8, color=INK, va="center")
        at += 1.4
    axes.axvline(0.5, color=INK, linewidth=1)
    axes.set(ylim=(at - 0.6, -0.5), xlim=(0.45, 1.08), xticks=[0.5, 0.6, 0.7, 0.8, 0.9, 1])
    axes.set_xticklabels(["0.5\nchance", "0.6", "0.7", "0.8", "0.9", "1\nperfect"])
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title("AUROC without looking at the lungs", fontsize=9.5, color=INK, loc="left")


def _draw_shortcut(axes: Axes, traits: FileTraits) -> None:
    coarse, aspect = traits.metadata["quantisation"], traits.metadata["aspect"]
    telling = len(np.unique(coarse)) > 1
    kilobytes = traits.metadata["bytes"] / 1000
    edges = np.linspace(0, np.percentile(kilobytes, 99.5), 40).tolist()
    for label, (name, colour) in enumerate(zip(LABELS, (GREY, ACCENT), strict=True)):
        part = traits.labels == label
        if telling:
            jitter = np.random.default_rng(label).uniform(-0.06, 0.06, part.sum())
            spread = coarse[part] * np.exp(jitter)  # films of one table would hide each other
            axes.scatter(aspect[part], spread, 5, colour, alpha=0.5, linewidths=0, label=name)
        else:
            style = {"color": colour, "alpha": 0.6, "density": True, "label": name}
            axes.hist(kilobytes[part], edges, **style)
    if telling:
        axes.set_yscale("log")
        values, counts = np.unique(coarse[np.isfinite(coarse)], return_counts=True)
        most = np.sort(values[np.argsort(counts)[-4:]])
        axes.set_yticks(most, [f"{value:.0f}" for value in most])
        axes.set_yticks([], minor=True)
        axes.set_ylabel("sum of the JPEG quantisation table", fontsize=8, color=MUTED)
        axes.set_xlabel("width / height", fontsize=8, color=MUTED)
        for label, colour in enumerate((MUTED, ACCENT)):
            part = coarse[traits.labels == label]
            table = max(most, key=lambda value, part=part: (part == value).sum())
            text = f"{LABELS[label]}: {(part == table).sum():,} of {len(part):,} films here"
            style = {"fontsize": 8, "color": colour, "fontweight": "bold", "va": "center"}
            away = (17, -17)[label]  # above and below: both can be read where both share a table
            place = {"xytext": (6, away), "textcoords": "offset points"}
            axes.annotate(text, (0, table), xycoords=axes.get_yaxis_transform(), **place, **style)
        axes.margins(y=0.13)
    else:
        axes.set_yticks([])
        axes.set_xlabel("kilobytes per file", fontsize=8, color=MUTED)
        axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    title = "Compression, file by file" if telling else "Size, file by file"
    axes.set_title(title, fontsize=9.5, color=INK, loc="left")


def precise(value: float) -> str:
    """Three decimals, four where three would call an AUROC perfect that is not."""
    return f"{value:.4f}" if value < 1 and f"{value:.3f}" == "1.000" else f"{value:.3f}"
