"""The training of the lung finder: outlines drawn by people in, its weights and card out.

Everything random in an epoch follows from (seed, epoch), and the state is written after each epoch,
as in ``training.loop``. No epoch is chosen: the averaged weights of the last one are the finder.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm import tqdm

from pneumonia import __version__
from pneumonia.data.outlines import OutlinedFilms, at_edge, dice
from pneumonia.lungs import BATCH, CARD, Limits, LungNet, LungsCard, network_input
from pneumonia.storage import typed_json
from pneumonia.storage.atomic import replacing
from pneumonia.storage.weights import sha256, write_weights
from pneumonia.training.loop import averaged, one_cycle, restore
from pneumonia.training.lung_augment import LungPreset, Truth
from pneumonia.training.provenance import git_commit
from pneumonia.training.run import DATA
from pneumonia.training.task import autocast

OUTLINES = "COVID-19 X-ray dataset, lung segmentations (V7 Labs; CC BY 4.0)"
DRAWN = "drawn hands, limbs, patterns, text, noise and blanks"
WEIGHTS = {"pixels": 1.0, "dice": 1.0, "present": 0.2, "inverted": 0.2, "turn": 0.2, "shown": 0.4}


@dataclass(frozen=True)
class LungRecipe:
    """The settings of a run; a resumed run must have the same."""

    epochs: int = 20
    batch: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    ema: float = 0.995
    clip: float = 1.0
    warmup: float = 0.15
    seed: int = 0


def losses_of(masks: torch.Tensor, answers: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
    """The losses by name, of logits ``(N, 1, 128, 128)`` and ``(N, 7)`` (see ``LungNet``).

    Of each film's answers those count that it was asked for.
    """
    bce = F.binary_cross_entropy_with_logits
    p, area = masks.sigmoid(), truth.masks.sum((1, 2, 3))
    overlap, sums = (p * truth.masks).sum((1, 2, 3)), p.sum((1, 2, 3)) + area

    def mean(losses: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        return (losses * asked).sum() / asked.sum().clamp_min(1)

    def yes(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return mean(bce(logits, wanted.clamp_min(0).float(), reduction="none"), wanted >= 0)

    turns = F.cross_entropy(answers[:, 2:6], truth.turn.clamp_min(0), reduction="none")
    return {
        "pixels": bce(masks, truth.masks),
        "dice": mean(1 - (2 * overlap + 1) / (sums + 1), area > 100),
        "present": yes(answers[:, 0], truth.present),
        "inverted": yes(answers[:, 1], truth.inverted),
        "turn": mean(turns, truth.turn >= 0),
        "shown": yes(answers[:, 6], truth.shown),
    }


def train_finder(
    films: OutlinedFilms,
    held_out: OutlinedFilms,
    preset: LungPreset,
    recipe: LungRecipe,
    folder: Path,
    resume: bool = False,
    stop: Callable[[int], bool] = lambda epoch: False,
    natural: str = "",
) -> tuple[LungNet, list[dict]]:
    """The averaged weights after the last epoch, and the history; on the CPU.

    Args:
        films: to learn from.
        held_out: of other patients, measured after every epoch for the reader alone.
        preset: makes the batches.
        recipe: the run's settings.
        folder: gets ``resume.pt`` after every epoch.
        resume: go on from ``folder/resume.pt`` if it is there.
        stop: asked after each epoch; true stops there.
        natural: what ``write_finder`` is told of the pictures in the preset.

    Raises:
        ValueError: the state to resume from belongs to a run with other settings or pictures.
        FloatingPointError: the loss is no longer a number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = LungNet().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average, optimizer = averaged(network, recipe.ema, recipe.weight_decay, recipe.learning_rate)
    history: list[dict] = []
    state_file = folder / "resume.pt"
    parts = {"network": network, "average": average, "optimizer": optimizer}
    settings = {"settings": {**asdict(recipe), "films": len(films)}, "natural": natural}
    if resume and state_file.is_file():
        state = torch.load(state_file, weights_only=True)
        restore(state, settings, parts, state_file)
        history = state["history"]

    whole = ~at_edge(films.outlines)
    steps = math.ceil(len(films) / recipe.batch)
    for epoch in range(len(history), recipe.epochs):
        torch.manual_seed(recipe.seed * 10_000 + epoch)
        network.train()
        totals = dict.fromkeys(WEIGHTS, 0.0)
        order = torch.randperm(len(films)).split(recipe.batch)
        bar = tqdm(order, f"Epoch {epoch + 1}/{recipe.epochs}", unit="batch")
        for step, index in enumerate(bar):
            progress = (epoch + step / steps) / recipe.epochs
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * one_cycle(progress, recipe.warmup)
            inputs, truth = preset(films.images[index], films.outlines[index], whole[index])
            with autocast(inputs.device):
                masks, answers = network(inputs.to(memory_format=torch.channels_last))
            losses = losses_of(masks.float(), answers.float(), truth)
            loss = torch.stack([WEIGHTS[name] * part for name, part in losses.items()]).sum()
            if not torch.isfinite(loss):
                raise FloatingPointError(f"The loss is {loss.item()} in epoch {epoch + 1}.")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            optimizer.step()
            average.update_parameters(network)
            for name, part in losses.items():
                totals[name] += part.item() / steps
            bar.set_postfix(loss=f"{loss.item():.3f}")
        overlaps = held_out_dice(average.module, held_out[::3])
        measured = {"dice": overlaps.mean(), "p05": overlaps.quantile(0.05)}
        row = {
            "epoch": epoch + 1,
            "losses": {name: round(total, 4) for name, total in totals.items()},
            "held_out": {name: round(float(value), 4) for name, value in measured.items()},
        }
        history.append(row)
        print(row, flush=True)
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {**settings, "history": history}
        with replacing(state_file) as partial:
            torch.save(state, partial)
        if stop(epoch + 1):
            break
    network.load_state_dict(average.module.state_dict())
    return network.eval(), history


def held_out_dice(network: torch.nn.Module, films: OutlinedFilms) -> torch.Tensor:
    """Dice ``(N,)`` of a network's masks on unchanged films."""
    network.eval()
    with torch.inference_mode():
        parts = [network(network_input(part))[0].sigmoid() for part in films.images.split(BATCH)]
    return dice(torch.cat(parts), films.outlines)


def write_finder(
    network: LungNet,
    folder: Path,
    recipe: LungRecipe,
    history: list[dict],
    films: OutlinedFilms,
    natural: str,
    command: str,
) -> LungsCard:
    """Write weights (float16) and card as ``LungFinder.load`` reads them.

    Args:
        network: trained.
        folder: gets both.
        recipe: the run's settings.
        history: of the run.
        films: it learned from.
        natural: whose pictures without lungs, how many, under which terms; may be empty.
        command: what was typed.
    """
    weights = folder / LungsCard.file
    write_weights(weights, network, half=True)
    card = LungsCard(
        title="Lung finder",
        version=__version__,
        sha256=sha256(weights),
        limits=Limits(),
        training={
            "command": command,
            "git_commit": git_commit(),
            **asdict(recipe),
            "last_epoch": history[-1],
        },
        data={
            "films": f"{DATA}: {len(films)} films of the training patients",
            "outlines": OUTLINES,
            "without lungs": "; ".join(part for part in (natural, DRAWN) if part),
        },
        figures={},
    )
    typed_json.save(folder / CARD, card)
    (folder / "resume.pt").unlink()
    return card
