"""The curves of a training, as a picture."""

from matplotlib.figure import Figure

STYLES = ("-", "--", ":", "-.")


def draw_curves(history: list[dict], title: str) -> Figure:
    """Loss and every validation AUROC over the epochs."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history], color="#333333")
    left.set(xlabel="epoch", ylabel="training loss")
    names = [name for name in history[0] if name.startswith("auroc")]
    for name, style in zip(names, STYLES, strict=False):
        right.plot(epochs, [row[name] for row in history], style, color="#b5541c", label=name)
    lowest = min(row[name] for row in history for name in names)
    right.set(xlabel="epoch", ylabel="validation AUROC", ylim=(min(0.9, lowest), 1))
    right.legend(frameon=False)
    figure.suptitle(title)
    return figure
