"""The curves of a training: a table for programs, a picture for people."""

import csv
from pathlib import Path

from matplotlib.figure import Figure

STYLES = ("-", "--", ":")


def write_curves(path: Path, history: list[dict]) -> None:
    """A row per epoch, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


def plot_curves(history: list[dict], path: str | Path, title: str) -> None:
    """Loss and validation AUROC over the epochs as a PNG."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history], color="#333333")
    left.set(xlabel="epoch", ylabel="training loss")
    for name, style in zip([n for n in history[0] if n.startswith("auroc")], STYLES, strict=False):
        right.plot(epochs, [row[name] for row in history], style, color="#b5541c", label=name)
    right.set(xlabel="epoch", ylabel="validation AUROC", ylim=(0.9, 1))
    right.legend(frameon=False)
    figure.suptitle(title)
    figure.savefig(path, dpi=130)
