"""What training asks of a network: the settings of a run, a batch with its targets, the loss."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from pneumonia.models import Network, lung_shares
from pneumonia.training.augment import TrainPreset, cover, opacify

PLACE = 0.3  # weight of where an opacity was drawn, beside what the film shows
SEEN = 0.05  # mean density in a cell from which on an opacity has a place


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; a resumed run must have the same.

    ``keep`` is the share that the first weights have in those that come out, which keeps what was
    learnt before (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    ``conflicting`` is how many times more an epoch has each film whose surroundings tell the wrong
    class (as Liu et al. 2021, "Just train twice", weight what a first network gets wrong).
    ``teachers`` are the titles and weights' SHA-256 of the models whose answers are ``taught`` of
    each target.
    """

    size: int
    epochs: int
    learning_rate: float
    batch: int = 32
    crop: float = 0.6
    graft: float = 0.9
    own: float = 0.2
    cover: float = 0.0
    opacities: float = 0.0
    keep: float = 0.0
    conflicting: int = 0
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    freeze_epochs: int = 0
    ema: float = 0.99
    clip: float = 1.0
    warmup: float = 0.15
    patience: int = 6
    seed: int = 0
    taught: float = 0.0
    teachers: tuple[str, ...] = ()


def autocast(device: torch.device) -> torch.autocast:
    """Mixed precision: bfloat16 on GPUs that have it, else float16; bfloat16 on CPUs made for it.

    Others compute in float32, which is faster there than bfloat16 without instructions of its own.
    """
    fp16 = device.type == "cuda" and not torch.cuda.is_bf16_supported()
    able = torch.cpu.get_capabilities()
    quick = device.type == "cuda" or able.get("avx512_bf16", False) or able.get("amx_bf16", False)
    return torch.autocast(device.type, torch.float16 if fp16 else torch.bfloat16, enabled=quick)


class Batch(NamedTuple):
    """What a task asks of the network.

    Attributes:
        inputs: ``(N, channels, size, size)`` float32.
        targets: ``(N,)``.
        opacities: ``(N, 1, size, size)`` 0..1, how dense those drawn are, if any may be.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    opacities: torch.Tensor | None = None


class Task(Protocol):
    """What the loop asks of what a network has to learn."""

    def batch(self, films: Any, labels: torch.Tensor) -> Batch:
        """Network inputs and targets of some of the films and their labels, on their device."""
        ...

    def loss(self, batch: Batch, logits: torch.Tensor, terms: torch.Tensor) -> torch.Tensor:
        """A scalar, of the logits and their terms (see ``Network``)."""
        ...

    def score(self, labels: np.ndarray, logits: np.ndarray) -> float:
        """Of the labels and logits of a validation set: more is better."""
        ...


class FilmTask:
    """NORMAL or PNEUMONIA by one logit, the classes weighing the same; scored by AUROC.

    An opacity is drawn into ``recipe.opacities`` of the NORMAL films; it makes them PNEUMONIA and
    has to be where the logit's terms are highest. Trained networks may teach: ``recipe.taught`` is
    the share of each target that is what they say of the very same augmented film (Hinton, Vinyals
    and Dean 2015, "Distilling the Knowledge in a Neural Network"). They are on the films' device
    and in eval mode.
    """

    def __init__(
        self, recipe: Recipe, labels: torch.Tensor, teachers: Sequence[Network] = ()
    ) -> None:
        share = float(labels.float().mean())
        self.drawn = (1 - share) * recipe.opacities
        self.positive = share + self.drawn
        self.recipe = recipe
        self.preset = TrainPreset(recipe.size, recipe.crop, graft=recipe.graft, own=recipe.own)
        self.teachers = teachers

    def batch(self, films: Any, labels: torch.Tensor) -> Batch:
        """Network inputs and targets of located films and their labels, on their device.

        A film whose lungs are covered tells nothing: its target is the classes' own share.
        """
        inputs, smoothing = self.preset(films), self.recipe.label_smoothing
        targets, opacities = labels * (1 - smoothing) + smoothing / 2, None
        if self.teachers:
            targets = targets.lerp(self.opinion(inputs), self.recipe.taught)
        with inputs.device:
            covered = torch.rand(len(labels)) < self.recipe.cover
            if self.recipe.opacities:
                drawn = (torch.rand(len(labels)) < self.recipe.opacities) & (labels == 0) & ~covered
                inputs, opacities = opacify(inputs, drawn)
                targets = torch.where(drawn, 1 - smoothing / 2, targets)
            inputs = cover(inputs, covered)
        return Batch(inputs, torch.where(covered, self.positive, targets), opacities)

    def opinion(self, inputs: torch.Tensor) -> torch.Tensor:
        """The teachers' probability of PNEUMONIA ``(N,)`` 0..1, of their mean logit.

        They learned as if the classes were of one size, the targets are of their true sizes.
        """
        with torch.no_grad(), autocast(inputs.device):
            said = torch.stack([teacher(inputs).float() for teacher in self.teachers])
        return torch.sigmoid(said.mean(0) + math.log(self.positive / (1 - self.positive)))

    def loss(self, batch: Batch, logits: torch.Tensor, terms: torch.Tensor) -> torch.Tensor:
        """Of logits ``(N,)`` and their terms ``(N, h, w)``: a scalar.

        Where an opacity was drawn, the terms' softmax over the lungs is a guess at its place: the
        negative logarithm of what lies there is ``PLACE`` of the loss.
        """
        balance = logits.new_tensor((1 - self.positive) / self.positive)
        loss = F.binary_cross_entropy_with_logits(logits, batch.targets, pos_weight=balance)
        if batch.opacities is None:
            return loss
        cells = terms.shape[-2:]
        dense = F.adaptive_avg_pool2d(batch.opacities, (cells[0], cells[1])).flatten(1)
        densest = dense.amax(1, keepdim=True)
        lungs = lung_shares(batch.inputs, cells).clamp_min(1e-6).log().flatten(1)
        guess = torch.softmax(terms.flatten(1) + lungs, 1)
        there = (guess * dense / densest.clamp_min(1e-6)).sum(1).clamp_min(1e-6)
        missed = -there.log()[densest[:, 0] > SEEN]
        return loss + PLACE * missed.sum() / (len(logits) * self.drawn)

    def score(self, labels: np.ndarray, logits: np.ndarray) -> float:
        """Of labels ``(N,)`` and logits ``(N,)``: more is better."""
        return float(roc_auc_score(labels, logits))
