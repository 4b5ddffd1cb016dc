"""Measure the shipped models on the validation films or the official test split.

    python scripts/evaluate.py --data DIR --split val
    python scripts/evaluate.py --data DIR --split test --model densenet169 --json test.json

Each film goes the way a visitor's goes: file → predictor → probability, called at the operating
point of the model's card. "val" is the patient-grouped sixth of train + val that no shipped model
was trained on.
"""

import argparse
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
    print("| model | " + " | ".join(SHOWN) + " |")
    print("|---|" + "---|" * len(SHOWN))
    for name, figures in results.items():
        cells = (
            f"{figures[k]:.4f}" if isinstance(figures[k], float) else str(figures[k]) for k in SHOWN
        )
        print(f"| {name} | " + " | ".join(cells) + " |")
    weights = {p.name: p.card["weights"]["sha256"] for p in predictors}
    report = {"split": args.split, "models": results, "weights_sha256": weights, "skipped": skipped}
    write_json(Path(args.json), report)
    print(f"written to {args.json}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except (CheckpointError, FileNotFoundError) as error:
        sys.exit(f"evaluate.py: {error}")
