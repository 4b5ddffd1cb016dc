"""Measure the shipped models on the validation films or the official test split.

    python scripts/evaluate.py --data DIR --split val
    python scripts/evaluate.py --data DIR --split test --model densenet169 --json test.json

Each film goes the way a visitor's goes: file → predictor → probability, called at the operating
point of the model's card. "val" is the patient-grouped sixth of train + val that no shipped model
was trained on.
"""

import argparse
import re
import sys
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.checkpoint import CheckpointError, available_models, write_json
from pneumonia.dataset import find_films, select
from pneumonia.evaluation import metrics
from pneumonia.predictor import Predictor
from pneumonia.radiograph import RadiographError, read_radiograph

SHOWN = ("films", "normal", "pneumonia", "accuracy", "auroc", "sensitivity", "specificity", "brier")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="the data set's folder")
    parser.add_argument("--split", default="val", choices=["val", "test"])
    parser.add_argument(
        "--model", default="all", help="a shipped model, a checkpoint folder, or all (default)"
    )
    parser.add_argument(
        "--json", default="evaluation.json", metavar="FILE", help="default: evaluation.json"
    )
    parser.add_argument("--readme", metavar="FILE", help="also write the table into this README")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    parser.add_argument("--batch", type=int, default=32)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    films = select(find_films(args.data), args.split)
    names = available_models() if args.model == "all" else [args.model]
    predictors = [Predictor.load(name, args.device) for name in names]
    labels: list[int] = []
    probabilities: dict[str, list[float]] = {predictor.name: [] for predictor in predictors}
    skipped: list[str] = []
    with tqdm(total=len(films), unit="film", disable=None) as bar:
        for start in range(0, len(films), args.batch):
            batch = films[start : start + args.batch]
            readable = []
            for film in batch:
                try:
                    readable.append(read_radiograph(film.path))
                    labels.append(film.label)
                except RadiographError as error:
                    skipped.append(str(error))
            for predictor in predictors:
                predictions = predictor.predict_batch(readable, heatmap=False)
                probabilities[predictor.name] += [p.probability for p in predictions]
            bar.update(len(batch))
    for error in skipped:
        print(f"skipped: {error}", file=sys.stderr)
    results = {p.name: metrics(labels, probabilities[p.name], p.threshold) for p in predictors}
    lines = ["| model | " + " | ".join(SHOWN) + " |", "|---|" + "---|" * len(SHOWN)]
    for name, figures in results.items():
        shown = (figures[key] for key in SHOWN)
        cells = (f"{value:.4f}" if isinstance(value, float) else str(value) for value in shown)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    table = "\n".join(lines)
    print(table)
    weights = {p.name: p.card["weights"]["sha256"] for p in predictors}
    report = {"split": args.split, "models": results, "weights_sha256": weights, "skipped": skipped}
    write_json(Path(args.json), report)
    print(f"written to {args.json}", file=sys.stderr)
    if args.readme:
        command = f"`python scripts/evaluate.py --data DIR --split {args.split}`"
        put_between_markers(Path(args.readme), f"{command} prints:\n\n{table}")


def put_between_markers(path: Path, text: str) -> None:
    """Replace what stands between ``<!-- figures … -->`` and ``<!-- /figures -->`` in a file."""
    begin, end = r"(<!-- figures[^>]*-->\n)", r"(<!-- /figures -->)"
    page, found = re.subn(
        f"{begin}.*?{end}",
        lambda match: f"{match[1]}\n{text}\n\n{match[2]}",
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    if not found:
        raise ValueError(f"{path} has no <!-- figures --> markers.")
    path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except (CheckpointError, FileNotFoundError, ValueError) as error:
        sys.exit(f"evaluate.py: {error}")
