"""One training loop for all models and for pretraining: seeded, resumable, on CPUs or GPUs.

Everything random in an epoch follows from (seed, epoch), and the state is written after each epoch;
so a run that is killed and resumed ends in the same weights as one that was not. Several processes
that torchrun started train one network together (see ``distributed``).
"""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch.amp.grad_scaler import GradScaler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from pneumonia.models import Network, lung_shares
from pneumonia.preprocess import BATCH
from pneumonia.storage.atomic import replacing
from pneumonia.training.augment import LocatedFilms, TrainPreset, cover, opacify
from pneumonia.training.curves import write_curves
from pneumonia.training.distributed import Team

PLACE = 0.3  # weight of where an opacity was drawn, beside what the film shows
SEEN = 0.05  # mean density in a cell from which on an opacity has a place


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; a resumed run must have the same.

    ``keep`` is the share that the first weights have in those that come out, which keeps what was
    learnt before (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
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


def one_cycle(progress: float, warmup: float) -> float:
    """The learning rate's factor at ``progress`` 0..1: up linearly, down by a half cosine."""
    if progress < warmup:
        return 0.04 + 0.96 * progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def predict_logits(
    network: torch.nn.Module, inputs: torch.Tensor, device: torch.device
) -> torch.Tensor:
    """Logits ``(N,)`` float32 of network inputs ``(N, channels, size, size)`` on any device."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for part in inputs.split(BATCH):
            part = part.to(device, memory_format=torch.channels_last)
            parts.append(network(part).float())
    return torch.cat(parts)


def mix(network: torch.nn.Module, other: dict[str, torch.Tensor], share: float) -> None:
    """Move all weights this share of the way to others of the same network, in place."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(other[name].to(tensor), share)


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


def train(
    network: Network,
    recipe: Recipe,
    images: torch.Tensor | LocatedFilms,
    labels: torch.Tensor,
    valid: dict[str, tuple[torch.Tensor, np.ndarray]],
    device: torch.device,
    folder: Path,
    resume: bool = False,
    stop: Callable[[int], bool] = lambda epoch: False,
    task: Callable[[Recipe, torch.Tensor], FilmTask] = FilmTask,
) -> tuple[Network, list[dict]]:
    """Train ``network`` and return the averaged weights of the best epoch, and the history.

    Args:
        network: initialised; trained in place.
        recipe: the run's settings.
        images: N training films with their lungs, or pictures ``(N, 1, h, w)`` uint8.
        labels: ``(N,)`` of 0 and 1.
        valid: name → (network inputs, labels) of validation sets. All but the first choose
            (the only one, where there is but one): the best epoch is the one with their highest
            mean score; after ``recipe.patience`` epochs without a better one training stops. The
            first is for the reader of the curves.
        device: where to compute, and where the films are augmented.
        folder: gets ``resume.pt`` and ``curves.csv`` after every epoch.
        resume: go on from ``folder/resume.pt`` if it is there.
        stop: asked after each epoch; true stops there and keeps ``resume.pt``.
        task: gives augmentation, loss and score; made with the recipe and the labels.

    Raises:
        ValueError: the state to resume from belongs to a run with other settings.
        FloatingPointError: the loss is no longer a number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    team = Team()
    team.join_batches(network, device)
    images = images.to(device)  # augmented there
    network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average = AveragedModel(
        network, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True
    )
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0},
        ],
        lr=recipe.learning_rate,
    )
    scaler = GradScaler(enabled=device.type == "cuda" and not torch.cuda.is_bf16_supported())
    history: list[dict] = []
    first = copy.deepcopy(network.state_dict())
    best = first
    state_file = folder / "resume.pt"
    found = resume and team.leads and state_file.is_file()
    state = torch.load(state_file, map_location="cpu", weights_only=True) if found else None
    if state := team.same(state):
        if state["recipe"] != asdict(recipe):
            raise ValueError(
                f"{str(state_file)!r} is of a run with other settings: give the same ones, or "
                "train without --resume."
            )
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        scaler.load_state_dict(state["scaler"])
        history, best = state["history"], state["best"]

    objective = task(recipe, labels)
    steps = math.ceil(len(labels) / recipe.batch)
    parallel = None
    for epoch in range(len(history), recipe.epochs):
        scores = [row["score"] for row in history]
        if scores and len(scores) - 1 - int(np.argmax(scores)) >= recipe.patience:
            print(f"Stopped early: no better epoch among the last {recipe.patience}.", flush=True)
            break
        torch.manual_seed(recipe.seed * 10_000 + epoch)
        frozen = epoch < recipe.freeze_epochs
        network.train()
        network.features.requires_grad_(not frozen)
        network.features.train(not frozen)
        if parallel is None or epoch == recipe.freeze_epochs:  # for the weights that now learn
            parallel = team.parallel(network)
        began, total, rate = time.perf_counter(), 0.0, 0.0
        order = torch.randperm(len(labels))
        title, silent = f"Epoch {epoch + 1}/{recipe.epochs}", not team.leads
        bar = tqdm(order.split(recipe.batch), title, unit="batch", disable=silent)
        for step, index in enumerate(bar):
            rate = recipe.learning_rate * one_cycle(
                (epoch + step / steps) / recipe.epochs, recipe.warmup
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch = objective.batch(images[index.to(device)], labels[index].to(device))
            mine = team.share(batch.inputs).to(memory_format=torch.channels_last)
            with autocast(device):
                said = parallel(mine, terms=True)
            loss = objective.loss(batch, *(team.whole(part.float()) for part in said))
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"The loss is {loss.item()} in epoch {epoch + 1}: lower --lr."
                )
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            scaler.step(optimizer)
            scaler.update()
            average.update_parameters(network)
            total += loss.item() * len(index)
            bar.set_postfix(loss=f"{loss.item():.3f}", lr=f"{rate:.1e}")
        row = {"epoch": epoch + 1, "loss": total / len(labels), "lr": rate}
        result = copy.deepcopy(average.module)
        mix(result, first, recipe.keep)
        for name, (films, truth) in valid.items():
            with autocast(device):
                logits = predict_logits(result, team.share(films), device)
            row[name] = objective.score(truth, team.whole(logits).cpu().numpy())
        row["score"] = float(np.mean([row[name] for name in list(valid)[1:] or valid]))
        row["seconds"] = round(time.perf_counter() - began, 1)
        if row["score"] >= max(scores, default=0):
            best = result.state_dict()
        history.append(row)
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
        state = {
            "recipe": asdict(recipe),
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scaler": scaler.state_dict(),
            "history": history,
            "best": best,
        }
        if team.leads:
            with replacing(state_file) as partial:
                torch.save(state, partial)
            write_curves(folder / "curves.csv", history)
        if stop(epoch + 1):
            break
    network.load_state_dict(best)
    return network.eval(), history
