"""What figures are called, and what is said of the films they come from."""

SHOWN = (
    "auroc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "ece",
    "brier",
)
NAMES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "ece": "ECE (calibration error), classes as in these films",
    "brier": "Brier score",
}
DRAWN = ("blank", "noise", "text", "patterns", "hands")  # kinds of pictures that are no films
# What the films of a split had to do with the models.
CAVEATS = {
    "val": "No model was trained on these patients (of NORMAL, examinations: their names state no "
    "patient), but these films chose each model's recipe, seed, epoch, calibration and threshold, "
    "which flatters the figures.",
    "test": "The official test split: no model was trained on these films, and they chose nothing.",
}
