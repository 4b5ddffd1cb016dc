"""Pretrain DenseNet-169 on natural pictures, where ImageNet weights cannot be downloaded.

    python scripts/pretrain.py --data PICTURES --source "whose pictures, under which terms"
    python scripts/pretrain.py --data PICTURES --resume        # go on where a killed run stopped
    python scripts/train.py --data DIR --model densenet169 --init pretrained.safetensors

PICTURES holds one folder a class, or .npz shards of JPEG streams (see load_pictures). One picture
in fifty validates. The weights go to --out; what there is to say of them goes into a .json beside
it, for train.py and the model's card. The state after each epoch lies there too, for --resume.
"""

import argparse
import shlex
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.card import write_json
from pneumonia.checkpoint import write_weights
from pneumonia.models import MODELS, build
from pneumonia.training.loop import Recipe, pick_device, train
from pneumonia.training.pretraining import PictureTask, load_pictures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="the pictures' folder")
    parser.add_argument(
        "--source",
        default="",
        metavar="TEXT",
        help="whose pictures, under which terms: for the card",
    )
    parser.add_argument("--model", default="densenet169", choices=list(MODELS))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=64, help="side in px (default 64)")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="pretrained.safetensors", metavar="FILE")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    args = parser.parse_args()

    pictures, labels = load_pictures(args.data, args.size)
    classes = int(labels.max()) + 1
    print(f"{len(labels)} pictures of {classes} classes", flush=True)
    torch.manual_seed(args.seed)
    network = build(args.model)
    network.classifier = torch.nn.Linear(network.classifier.in_features, classes)
    recipe = Recipe(
        size=args.size,
        epochs=args.epochs,
        learning_rate=args.lr,
        batch=args.batch,
        label_smoothing=0.1,
        patience=args.epochs,
        seed=args.seed,
    )
    held = torch.zeros(len(labels), dtype=torch.bool)
    held[torch.randperm(len(labels))[: max(1, len(labels) // 50)]] = True
    network, history = train(
        network,
        recipe,
        pictures[~held],
        labels[~held],
        {"accuracy": (pictures[held], labels[held].numpy())},
        pick_device(args.device),
        Path(args.out).with_suffix(""),
        args.resume,
        task=PictureTask,
    )
    accuracy = max(row["accuracy"] for row in history)
    write_weights(args.out, network, half=True)
    card = {
        "command": "python " + shlex.join(sys.argv),
        "source": args.source,
        "pictures": len(labels),
        "classes": classes,
        "epochs": len(history),
        "size": args.size,
        "accuracy": accuracy,
    }
    write_json(Path(args.out).with_suffix(".json"), card)
    print(f"accuracy {accuracy:.3f}; written to {args.out}")


if __name__ == "__main__":
    try:
        main()
    except (FileNotFoundError, ValueError, FloatingPointError) as error:
        sys.exit(f"pretrain.py: {error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: the same command with --resume goes on after the last epoch.")
