"""Pretraining on natural pictures, for machines that cannot download ImageNet weights.

The network learns to name what is in grey pictures; its ``features`` then start the training on
films (``initialise``). What a picture shows and what a film shows differ, but edges, textures and
the sizes they come in do not.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from pneumonia.data.pictures import load_pictures
from pneumonia.lungs import standardise
from pneumonia.models import build
from pneumonia.storage.atomic import write_json
from pneumonia.storage.weights import write_weights
from pneumonia.training.augment import expose, window
from pneumonia.training.chance import uniform
from pneumonia.training.distributed import Team
from pneumonia.training.loop import train
from pneumonia.training.task import Batch, Recipe


class PicturePreset:
    """Crop, aspect, rotation, mirror, exposure and erased patches.

    Not the losses of detail, which these small pictures cannot afford.
    """

    def __init__(self, size: int, crop: float) -> None:
        self.size, self.crop = size, crop

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """``(N, 1, h, w)`` uint8 → ``(N, 1, size, size)`` float32 network input, there too."""
        with pictures.device:
            return self._augment(pictures)

    def _augment(self, pictures: torch.Tensor) -> torch.Tensor:
        n = len(pictures)
        scale = torch.exp(uniform(n, math.log(self.crop), math.log(1.12)))
        aspect = torch.exp(uniform(n, -0.3, 0.3) / 2)
        angle = uniform(n, -math.pi / 14, math.pi / 14)
        wander = 0.06 * uniform(2 * n, -1, 1).view(2, n)
        theta = window(n, scale * aspect, scale / aspect, angle, wander)
        grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
        return standardise(expose(F.grid_sample(pictures.float() / 255, grid, align_corners=False)))


def evaluation_input(pictures: torch.Tensor) -> torch.Tensor:
    """``(N, 1, size, size)`` uint8 → the same float32, without changes."""
    return standardise(pictures.float() / 255)


class PictureTask:
    """One of many classes by as many logits; scored by accuracy."""

    def __init__(self, recipe: Recipe, labels: torch.Tensor) -> None:
        self.smoothing = recipe.label_smoothing
        self.pictures = PicturePreset(recipe.size, recipe.crop)

    def batch(self, films: Any, labels: torch.Tensor) -> Batch:
        """Network inputs and labels of pictures ``(N, 1, h, w)`` uint8."""
        return Batch(self.pictures(films), labels)

    def loss(self, batch: Batch, logits: torch.Tensor, terms: torch.Tensor) -> torch.Tensor:
        """Of logits ``(N, classes)``: a scalar."""
        return F.cross_entropy(logits, batch.targets, label_smoothing=self.smoothing)

    def score(self, labels: np.ndarray, logits: np.ndarray) -> float:
        """Share of the pictures whose class has the highest logit."""
        return float((logits.argmax(1) == labels).mean())


def pretrain(
    name: str,
    recipe: Recipe,
    data: str | Path,
    device: torch.device,
    out: Path,
    about: dict,
    resume: bool = False,
) -> dict:
    """Train a network to name pictures, and write its weights and what there is to say of them.

    Args:
        name: of the network, in ``MODELS``.
        recipe: the run's settings.
        data: the pictures' folder, see ``load_pictures``.
        device: where to compute.
        out: the weights file; the ``.json`` beside it says how they came about.
        about: what that shall say besides, such as ``"source"``: whose pictures, under which terms.
        resume: go on where an interrupted run stopped.

    Raises:
        ValueError: ``out`` has another suffix than ``.safetensors``, or the state to resume from
            belongs to another run, or there is none beside weights that are finished.
    """
    if out.suffix != ".safetensors":
        raise ValueError(f"{str(out)!r} gets weights: give it a name that ends in .safetensors.")
    if resume and out.is_file() and not (out.with_suffix("") / "resume.pt").is_file():
        raise ValueError(
            f"{str(out)!r} is there and no interrupted run beside it: pretrain without --resume, "
            "or to another --out."
        )
    pictures, labels = load_pictures(data, recipe.size)
    classes = int(labels.max()) + 1
    print(f"{len(labels)} pictures of {classes} classes", flush=True)
    torch.manual_seed(recipe.seed)
    network = build(name)
    network.classifier = torch.nn.Linear(network.classifier.in_features, classes)
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    held_out[torch.randperm(len(labels))[: max(1, len(labels) // 50)]] = True
    network, history = train(
        network,
        recipe,
        pictures[~held_out],
        labels[~held_out],
        {"accuracy": (evaluation_input(pictures[held_out]), labels[held_out].numpy())},
        device,
        out.with_suffix(""),
        resume,
        task=PictureTask,
        source=about.get("source", ""),
    )
    if Team().leads:
        write_weights(out, network, half=True)
    card = {
        **about,
        "pictures": len(labels),
        "classes": classes,
        "epochs": len(history),
        "size": recipe.size,
        "accuracy": max(row["accuracy"] for row in history),
    }
    if Team().leads:
        write_json(out.with_suffix(".json"), card)
        (out.with_suffix("") / "resume.pt").unlink()
    return card
