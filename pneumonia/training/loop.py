"""One training loop for all models and for pretraining: seeded, resumable, on CPUs or GPUs.

Everything random in an epoch follows from (seed, epoch), and the state is written after each epoch;
so a run that is killed and resumed ends in the same weights as one that was not. Several processes
that torchrun started train one network together (see ``distributed``).
"""

import copy
import csv
import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from pneumonia.card import switched_on
from pneumonia.lungs import BATCH
from pneumonia.models import Network
from pneumonia.storage.atomic import replacing
from pneumonia.training.augment import LocatedFilms
from pneumonia.training.distributed import Team
from pneumonia.training.task import FilmTask, Recipe, Task, autocast


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


def averaged(
    network: torch.nn.Module, ema: float, decay: float, rate: float
) -> tuple[AveragedModel, torch.optim.AdamW]:
    """The moving average of a network's weights, and what trains them; vectors do not decay."""
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True)
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": decay},
        {"params": vectors, "weight_decay": 0},
    ]
    return average, torch.optim.AdamW(groups, lr=rate)


def digest(weights: dict[str, torch.Tensor]) -> str:
    """SHA-256 of a network's weights, wherever they lie."""
    parts = (tensor.cpu().numpy().tobytes() for tensor in weights.values())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def write_curves(path: Path, history: list[dict]) -> None:
    """A row per epoch, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


def restore(
    state: dict[str, Any], settings: dict[str, Any], parts: dict[str, Any], file: Path
) -> None:
    """Bring network, average and optimizer to where an interrupted run left them.

    Args:
        state: what was read of ``file``.
        settings: of this run. A state that does not say one of them is older than it.
        parts: what has a ``load_state_dict``, by its name in the state.
        file: for the error.

    Raises:
        ValueError: the state belongs to a run with other settings.
    """
    if any(state.get(name, value) != value for name, value in settings.items()):
        raise ValueError(
            f"{str(file)!r} is of a run with other settings, films or first weights: give the same "
            "ones, or train without --resume."
        )
    for name, part in parts.items():
        part.load_state_dict(state[name])


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
    task: Callable[[Recipe, torch.Tensor], Task] = FilmTask,
    source: str = "",
) -> tuple[Network, list[dict]]:
    """Train ``network`` and return the averaged weights of the best epoch, and the history.

    Args:
        network: initialised; trained in place.
        recipe: the run's settings.
        images: N training films with their lungs, or pictures ``(N, 1, h, w)`` uint8.
        labels: ``(N,)`` of 0 and 1, or of what the task knows.
        valid: name → (network inputs, labels) of validation sets. All but the first choose
            (the only one, where there is but one): the best epoch is the one with their highest
            mean score; after ``recipe.patience`` epochs without a better one training stops. The
            first is for the reader of the curves.
        device: where to compute, and where the films are augmented.
        folder: gets ``resume.pt`` and ``curves.csv`` after every epoch.
        resume: go on from ``folder/resume.pt`` if it is there.
        stop: asked after each epoch; true stops there and keeps ``resume.pt``.
        task: gives augmentation, loss and score; made with the recipe and the labels.
        source: whose pictures, under which terms.

    Raises:
        ValueError: the state to resume from belongs to a run with other settings, films, first
            weights, or another source.
        FloatingPointError: the loss is no longer a number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    team = Team()
    team.join_batches(network, device)
    images = images.to(device)  # augmented there
    network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average, optimizer = averaged(network, recipe.ema, recipe.weight_decay, recipe.learning_rate)
    scaler = GradScaler(enabled=device.type == "cuda" and not torch.cuda.is_bf16_supported())
    history: list[dict] = []
    first = copy.deepcopy(network.state_dict())
    best = first
    state_file = folder / "resume.pt"
    parts = {"network": network, "average": average, "optimizer": optimizer, "scaler": scaler}
    settings = {"recipe": switched_on(asdict(recipe)), "films": len(labels), "first": digest(first)}
    settings |= {"source": source}
    found = resume and team.leads and state_file.is_file()
    state = torch.load(state_file, map_location="cpu", weights_only=True) if found else None
    if state := team.same(state):
        state["recipe"] = switched_on(state["recipe"])
        restore(state, settings, parts, state_file)
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
        if row["score"] > max(scores, default=-math.inf):
            best = result.state_dict()
        history.append(row)
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {**settings, "history": history, "best": best}
        if team.leads:
            with replacing(state_file) as partial:
                torch.save(state, partial)
            write_curves(folder / "curves.csv", history)
        if stop(epoch + 1):
            break
    network.load_state_dict(best)
    return network.eval(), history
