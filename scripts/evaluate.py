"""Measure the shipped models on the validation films or the official test split.

    python scripts/evaluate.py --data DIR --split val
    python scripts/evaluate.py --data DIR --split test --model densenet169 --quick

Each film goes the way a visitor's goes: file → predictor → probability, called at the operating
point of the model's card. "val" is the patient-grouped sixth of train + val that no shipped model
was trained on. The folder --out gets evaluation.json, evaluation.md and evaluation.png.
"""

import argparse
import re
import shlex
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.card import write_json
from pneumonia.checkpoint import CheckpointError, available_models, load_checkpoint
from pneumonia.data.dataset import Record, find_records, split_records
from pneumonia.evaluation import report as reports
from pneumonia.evaluation.calibration import COVERAGE, held_out_coverage
from pneumonia.evaluation.saliency import SaliencyModel
from pneumonia.predictor import Predictor
from pneumonia.reading.radiograph import SUFFIXES, Radiograph, RadiographError, read_radiograph
from pneumonia.synthetic.distractors import draw_distractors


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
        "--out",
        default="evaluation",
        metavar="DIR",
        help="the report's folder (default evaluation)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="neither perturbed films nor heatmap checks"
    )
    parser.add_argument(
        "--heat-films", type=int, default=24, metavar="N", help="films of the heatmap checks (24)"
    )
    parser.add_argument(
        "--ood",
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of pictures that are no chest films, for the gate to refuse (some drawn ones "
        "are always tried)",
    )
    parser.add_argument("--readme", metavar="FILE", help="also write the table into this README")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    return parser.parse_args()


def find_ood_images(folders: list[str]) -> dict[str, list]:
    """kind → pictures: the drawn ones, and those of each folder under its name."""
    ood_images: dict[str, list] = draw_distractors()
    for folder in map(Path, folders):
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise FileNotFoundError(f"There are no pictures in {str(folder)!r}.")
        ood_images[folder.name] = [read_radiograph(file) for file in files]
    return ood_images


def read(films: list[Record]) -> tuple[list[Radiograph], list[Record], list[str]]:
    """What could be read, the films it belongs to, and why the others could not."""
    radiographs, kept, skipped = [], [], []
    for film in tqdm(films, "Reading", unit="film", disable=None):
        try:
            radiographs.append(read_radiograph(film.path))
            kept.append(film)
        except RadiographError as error:
            skipped.append(str(error))
    return radiographs, kept, skipped


def main() -> None:
    args = arguments()
    radiographs, films, skipped = read(split_records(find_records(args.data), args.split))
    for error in skipped:
        print(f"skipped: {error}", file=sys.stderr)
    if len({film.label for film in films}) < 2:
        raise ValueError(f"The split {args.split!r} of {args.data!r} lacks films of a class.")
    labels = np.array([film.label for film in films])
    patients = np.array([film.patient for film in films])
    names = sorted(available_models(), reverse=True) if args.model == "all" else [args.model]
    predictors = [Predictor.load(name, args.device) for name in names]
    ood_images, models = find_ood_images(args.ood), {}
    for predictor in predictors:
        models[predictor.name] = {
            "title": predictor.title,
            "weights_sha256": predictor.card.weights.sha256,
            "operating_point": predictor.threshold,
            **reports.evaluate(predictor, radiographs, labels, patients, not args.quick),
            "ood": reports.refusals(predictor, ood_images),
        }
        if args.split == "val":
            held = np.array(models[predictor.name]["probabilities"])
            logits = np.log(held) - np.log1p(-held)
            models[predictor.name]["held"] = held_out_coverage(labels, logits, patients, COVERAGE)
    report = {
        "command": "python " + shlex.join(sys.argv),
        "split": args.split,
        "models": models,
        "skipped": skipped,
    }
    if len(predictors) > 1:
        report["comparison"] = reports.comparison(models, predictors, labels, patients)
    if not args.quick:
        saliency_models = {}
        for name, predictor in zip(names, predictors, strict=True):
            network, card, _ = load_checkpoint(name, predictor.device)
            saliency_models[predictor.name] = SaliencyModel(network, card.preprocessing.size)
        report["heat"] = reports.check_heat(saliency_models, radiographs, labels, args.heat_films)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    reports.plot(report, labels, out / "evaluation.png")
    (out / "evaluation.md").write_text(reports.markdown(report), encoding="utf-8")
    write_json(out / "evaluation.json", report)
    table = reports.main_table(report)
    print(table)
    print(f"written to {out}", file=sys.stderr)
    if args.readme:
        put_between_markers(Path(args.readme), f"`{report['command']}` prints:\n\n{table}")


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
