"""Train one or both models on the Kaggle set chest-xray-pneumonia and write their checkpoints.

    python scripts/train.py --data DIR
    python scripts/train.py --data DIR --model densenet169 --init none --epochs 14
    python scripts/train.py --data DIR --resume          # go on where a killed run stopped

DIR holds train/, val/ and test/ with NORMAL/ and PNEUMONIA/, as Kaggle's archive unpacks
(scripts/download_data.py fetches it). A patient-grouped sixth of train + val validates; the
official test split is never read. Each model's folder gets weights, a card and training curves.
"""

import argparse
import datetime
import json
import platform
import shlex
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.card import LABELS, Training, TrainingData
from pneumonia.data.dataset import find_records, load_images, split_records
from pneumonia.evaluation.calibration import calibrate_and_save
from pneumonia.evaluation.corruptions import corrupt_in_turn
from pneumonia.evaluation.metrics import plot_curves
from pneumonia.models import MODELS, build, initialise
from pneumonia.training.loop import Recipe, pick_device, train


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="the data set's folder")
    parser.add_argument("--model", default="all", choices=[*MODELS, "all"])
    parser.add_argument(
        "--init",
        default="imagenet",
        metavar="imagenet|none|FILE",
        help="first weights of DenseNet-169: torchvision's ImageNet weights (default), random, or "
        "a weights file; the CNN always starts from scratch",
    )
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument(
        "--freeze-epochs",
        type=int,
        default=0,
        metavar="N",
        help="train only the classifier for the first N epochs (default 0)",
    )
    parser.add_argument(
        "--size", type=int, help="side of the network's input in px (default: the model's)"
    )
    parser.add_argument(
        "--eval-size",
        type=int,
        metavar="PX",
        help="the side used once trained (default: --size, else the model's)",
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument(
        "--crop",
        type=float,
        default=Recipe.crop,
        metavar="SHARE",
        help="least share of a film's side that a random crop keeps (default %(default)s)",
    )
    parser.add_argument("--lr", type=float, help="peak learning rate (default: the model's)")
    parser.add_argument(
        "--patience",
        type=int,
        default=6,
        metavar="N",
        help="stop after N epochs without a better validation AUROC (default 6)",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1 …")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="checkpoints", metavar="DIR", help="default: checkpoints")
    parser.add_argument(
        "--cache", metavar="DIR", help="decoded films (default: ~/.cache/pneumonia)"
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch < 2:
        parser.error("--epochs must be at least 1 and --batch at least 2.")
    if not 0.1 <= args.crop <= 1:
        parser.error("--crop must be between 0.1 and 1.")
    return args


def main() -> None:
    args = arguments()
    films = find_records(args.data)
    parts = {}
    for split in ("train", "val"):
        images, kept, errors = load_images(split_records(films, split), args.cache)
        for error in errors:
            print(f"skipped: {error}", file=sys.stderr)
        parts[split] = (images, torch.tensor([film.label for film in kept]), kept)
        counts = {name: sum(film.label == i for film in kept) for i, name in enumerate(LABELS)}
        patients = len({film.patient for film in kept})
        print(
            f"{split}: {len(kept)} films of {patients} patients, {counts}, {len(errors)} unreadable"
        )
    for name in MODELS if args.model == "all" else [args.model]:
        train_one(name, args, parts)


def train_one(name: str, args: argparse.Namespace, parts: dict) -> None:
    spec, device, folder = MODELS[name], pick_device(args.device), Path(args.out) / name
    recipe = Recipe(
        size=args.size or spec.size,
        epochs=args.epochs,
        learning_rate=args.lr or spec.learning_rate,
        batch=args.batch,
        crop=args.crop,
        freeze_epochs=args.freeze_epochs,
        patience=args.patience,
        seed=args.seed,
    )
    init = args.init if name != "cnn" else "none"
    torch.manual_seed(recipe.seed)
    network = build(name)
    initialise(network, init)
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    print(
        f"{spec.title}: {millions:.2f} M parameters, {init} initialisation, on {device}; {recipe}"
    )

    (images, labels, kept), (held, truth, held_films) = parts["train"], parts["val"]
    truth, changed = truth.numpy(), corrupt_in_turn(held)
    valid = {"auroc": (held, truth), "auroc_perturbed": (changed, truth)}
    commit = git_commit()  # of the code that runs, not of what is there when it ends
    network, history = train(network, recipe, images, labels, valid, device, folder, args.resume)

    size = args.eval_size or args.size or spec.eval_size
    made = Training(
        command="python " + shlex.join(sys.argv),
        initialisation=init,
        pretraining=pretraining(init),
        recipe=asdict(recipe),
        best_epoch=max(history, key=lambda row: row["score"])["epoch"],
        epochs_run=len(history),
        data=TrainingData(
            name="chest-xray-pneumonia (Kermany, Zhang, Goldbaum; Mendeley Data; CC BY 4.0)",
            films=len(kept),
            patients=len({film.patient for film in kept}),
            validation_films=len(held_films),
            validation_patients=len({film.patient for film in held_films}),
        ),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        finished=datetime.date.today().isoformat(),
        git_commit=commit,
        versions={
            "python": platform.python_version(),
            **{m: sys.modules[m].__version__ for m in ("torch", "torchvision", "numpy", "sklearn")},
        },
    )
    card = calibrate_and_save(folder, network, name, made, images, held, truth, size, device)
    plot_curves(history, folder / "curves.png", spec.title)
    (folder / "resume.pt").unlink()
    print(f"{spec.title}: {card.validation.clean}; written to {folder}")


def pretraining(init: str) -> dict | None:
    """What scripts/pretrain.py wrote of the first weights, if they are its."""
    card = Path(init).with_suffix(".json")
    return json.loads(card.read_text("utf-8")) if card.is_file() else None


def git_commit() -> str | None:
    """The commit the code is at, marked where it is not quite that; None outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    try:
        describe = [
            "git",
            "-C",
            str(root),
            "describe",
            "--always",
            "--dirty",
            "--abbrev=40",
            "--exclude=*",
        ]
        return subprocess.run(describe, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


if __name__ == "__main__":
    try:
        main()
    except (FileNotFoundError, ValueError, FloatingPointError) as error:
        sys.exit(f"train.py: {error}")
    except KeyboardInterrupt:
        sys.exit(
            "\nInterrupted: the same command with --resume goes on after the last whole epoch."
        )
