"""One run of ``pneumonia train``: the data set in, a checkpoint with its card and curves out."""

import datetime
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pneumonia.card import LABELS, Card, Training, TrainingData, switched_on
from pneumonia.checkpoint import checkpoint_folder, load_checkpoint
from pneumonia.data.dataset import Record, find_records, load_images, train_and_val
from pneumonia.evaluation.calibration import calibrate_and_save
from pneumonia.evaluation.corruptions import corrupt_in_turn
from pneumonia.evaluation.shortcuts import conflicting, surroundings, transplanted
from pneumonia.models import MODELS, Network, build, initialise
from pneumonia.preprocess import EvalPreset
from pneumonia.storage.shipped import CheckpointError
from pneumonia.training.augment import LocatedFilms, opacify
from pneumonia.training.distributed import Team, one_first
from pneumonia.training.last_layer import forget_outline, refit
from pneumonia.training.loop import train
from pneumonia.training.provenance import finished, git_commit, provenance_of
from pneumonia.training.task import FilmTask, Recipe

DATA = "chest-xray-pneumonia (Kermany, Zhang, Goldbaum; Mendeley Data; CC BY 4.0)"


@dataclass(frozen=True)
class Part:
    """The films of a split.

    Attributes:
        images: ``(N, 1, 224, 224)`` uint8.
        labels: ``(N,)`` int64 of 0 (NORMAL) and 1 (PNEUMONIA).
        films: the files, in the same order.
    """

    images: torch.Tensor
    labels: torch.Tensor
    films: Sequence[Record]

    @property
    def patients(self) -> int:
        """Of how many patients the films are."""
        return len({film.patient for film in self.films})


def load_parts(data: str | Path, cache: str | Path | None = None) -> tuple[Part, Part]:
    """The films to train on and those that validate; prints what they are.

    Args:
        data: the data set's folder.
        cache: for decoded films, see ``load_images``.

    Raises:
        FileNotFoundError: there are no films of a class.
    """
    train, val = train_and_val(find_records(data))
    return load_part("train", train, cache), load_part("val", val, cache)


def load_part(split: str, records: Sequence[Record], cache: str | Path | None = None) -> Part:
    """These films; prints what they are, under the name of their split."""
    with one_first():
        images, films, errors = load_images(records, cache)
    for error in errors:
        print(f"skipped: {error}", file=sys.stderr)
    part = Part(images, torch.tensor([film.label for film in films]), films)
    counts = {name: int((part.labels == label).sum()) for label, name in enumerate(LABELS)}
    print(
        f"{split}: {len(films)} films of {part.patients} patients, {counts}, "
        f"{len(errors)} unreadable"
    )
    return part


def train_model(
    name: str,
    recipe: Recipe,
    init: str,
    training: Part,
    validation: Part,
    device: torch.device,
    folder: Path,
    command: str,
    eval_size: int | None = None,
    resume: bool = False,
    teachers: Sequence[str | Path] = (),
) -> Card | None:
    """Train, calibrate and write one checkpoint.

    Where torchrun started several processes all of them train, and the first one does the rest and
    returns the card. A run to resume that is already finished stays as it is.

    Args:
        name: of the network, in ``MODELS``.
        recipe: the run's settings.
        init: first weights: ``"imagenet"``, ``"none"``, a weights file or a checkpoint's folder.
        training: the films to learn from.
        validation: those that choose epoch, calibration and operating point.
        device: where to compute.
        folder: the checkpoint's; gets weights, gate, card and curves.
        command: what was typed, for the card.
        eval_size: side in px of the trained network's input (default: the recipe's).
        resume: go on from ``folder/resume.pt`` if it is there.
        teachers: checkpoints of trained models, as ``load_checkpoint`` takes them, whose answers
            are ``recipe.taught`` of what it learns from.

    Raises:
        CheckpointError: a teacher cannot be loaded, or sees films at another size.
        ValueError: the state to resume from belongs to a run with other settings.
        FloatingPointError: the loss is no longer a number.
    """
    title = MODELS[name].title
    taught_by = [load_teacher(teacher, recipe.size, device) for teacher in teachers]
    names = tuple(f"{card.title} {card.weights.sha256}" for _, card in taught_by)
    recipe, (first, before), team = replace(recipe, teachers=names), provenance_of(init), Team()
    size = eval_size or recipe.size
    data = TrainingData(
        name=DATA,
        films=len(training.films),
        patients=training.patients,
        validation_films=len(validation.films),
        validation_patients=validation.patients,
    )
    settings = (switched_on(json.loads(json.dumps(asdict(recipe)))), size, first, before, data)
    if resume and team.same(finished(folder) == settings):
        print(f"{title}: {folder} holds this run, finished; without --resume it is trained anew")
        return None
    torch.manual_seed(recipe.seed)
    network = build(name)
    initialise(network, init)
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    print(f"{title}: {millions:.2f} M parameters, {init} initialisation, on {device}; {recipe}")

    truth, preset = validation.labels.numpy(), EvalPreset(recipe.size)
    sets = {"auroc": validation.images, "auroc_perturbed": corrupt_in_turn(validation.images)}
    valid = {
        name: (torch.cat([part.cpu() for part in preset.batches(images, device)]), truth)
        for name, images in sets.items()
    }
    inside = transplanted(validation.images, device, validation.labels, recipe.size)
    valid["auroc_transplanted"] = (inside, truth)
    if recipe.opacities:
        valid["auroc_opacities"] = with_opacities(valid["auroc"][0][truth == 0])
    films, labels = LocatedFilms.find(training.images, device), training.labels
    if recipe.conflicting:
        seen = team.same(films_of_an_epoch(training, recipe.conflicting))
        films, labels = films[seen], labels[seen]
    commit = git_commit()  # of the code that runs, not of what is there when it ends
    parts = (films, labels, valid, device, folder, resume)
    task = partial(FilmTask, teachers=[teacher for teacher, _ in taught_by])
    network, history = train(network, recipe, *parts, task=task)
    if not team.leads:
        return None
    from pneumonia.training.curves import draw_curves  # Matplotlib, which nobody else needs

    processor = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    provenance = Training(
        command=command,
        initialisation=first,
        pretraining=before,
        recipe=asdict(recipe),
        best_epoch=max(history, key=lambda row: row["score"])["epoch"],
        epochs_run=len(history),
        data=data,
        device=processor if team.size == 1 else f"{team.size} × {processor}",
        finished=datetime.date.today().isoformat(),
        git_commit=commit,
        versions={
            "python": platform.python_version(),
            **{m: sys.modules[m].__version__ for m in ("torch", "torchvision", "numpy", "sklearn")},
        },
    )
    parts = (training.images, validation.images, truth)
    card = calibrate_and_save(folder, network, name, provenance, *parts, size)
    draw_curves(history, title).savefig(folder / "curves.png", dpi=130)
    (folder / "resume.pt").unlink()
    print(f"{title}: {card.validation.clean}; written to {folder}")
    return card


def films_of_an_epoch(training: Part, more: int) -> torch.Tensor:
    """Numbers ``(M,)`` of all films, then ``more`` times of those whose surroundings mislead."""
    patients = np.array([film.patient for film in training.films])
    labels = training.labels.numpy()
    told, _ = surroundings(training.images, labels, patients)
    against = conflicting(told, labels)
    print(f"{against.sum()} films' surroundings mislead; each is seen {1 + more} times an epoch")
    misled = torch.from_numpy(against).nonzero()[:, 0]
    return torch.cat([torch.arange(len(against)), misled.repeat(more)])


def recalibrate(
    model: str | Path,
    training: Part,
    validation: Part,
    device: torch.device,
    command: str,
    size: int | None = None,
    anew: bool = False,
    forget: bool = False,
) -> Card:
    """Calibrate a checkpoint anew, in its folder.

    Args:
        model: a shipped model, or the path of a checkpoint folder.
        training: the films that the gate is fitted to.
        validation: those that choose calibration and operating point.
        device: where to compute.
        command: what was typed, for the card.
        size: side in px of the network's input (default: the card's).
        anew: fit the classifier anew first, see ``refit``; the card's training says so.
        forget: then take something out of it, see ``forget_outline``; so does it.

    Raises:
        CheckpointError: it cannot be loaded.
        ValueError: it has another head than a linear one, which cannot be changed so.
    """
    network, card, _ = load_checkpoint(model, device, to_calibrate=True)
    provenance, size = card.training, size or card.preprocessing.size
    by = f"{command} (commit {git_commit() or 'unknown'})"
    learnt = (training.images, training.labels, size)
    if anew:
        refit(network, *learnt)
        provenance = replace(provenance, refitted_by=by, outline_forgotten_by=None)
    if forget:
        forget_outline(network, *learnt)
        provenance = replace(provenance, outline_forgotten_by=by)
    films = (training.images, validation.images, validation.labels.numpy())
    return calibrate_and_save(
        checkpoint_folder(model),
        *(network, card.model, provenance, *films, size),
        before=card,
        command=command,
    )


def with_opacities(normal: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """Network inputs of NORMAL films, then the same with an opacity each, and their labels."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn, _ = opacify(normal, torch.ones(len(normal), dtype=torch.bool))
    return torch.cat([normal, drawn]), np.repeat([0, 1], len(normal))


def load_teacher(model: str | Path, size: int, device: torch.device) -> tuple[Network, Card]:
    """A trained network that sees what the one in training sees, and its card.

    Raises:
        CheckpointError: it cannot be loaded, or its input has another size.
    """
    network, card, _ = load_checkpoint(model, device)
    if card.preprocessing.size != size:
        raise CheckpointError(
            f"The model {str(model)!r} cannot teach: its input has {card.preprocessing.size} px a "
            f"side, that of the network in training {size}."
        )
    return network.to(memory_format=torch.channels_last), card  # pyright: ignore[reportCallIssue]
