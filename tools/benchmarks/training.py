"""An epoch of ``pneumonia train`` against one of a plain loop."""

import argparse
import contextlib
import os
import tempfile
from pathlib import Path

import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from pneumonia.card import LABELS
from pneumonia.data.dataset import Record, decode
from pneumonia.models import MODELS, build, pick_device
from pneumonia.predictor import Predictor
from pneumonia.preprocess import EvalPreset
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.training.augment import LocatedFilms
from pneumonia.training.loop import train
from pneumonia.training.task import Recipe

from . import interleaved_medians, ratio_row


def training(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """An epoch of ``pneumonia train`` against one of a plain loop: torchvision, a DataLoader, fp32.

    Both see the same JPEG files; ours decodes them and finds the lungs once before the first
    epoch, which is left out.
    """
    rows, device = [], pick_device(args.device)
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(None):
        pictures = [draw_phantom(1000, 1300, 2 * (seed % 2), seed).image() for seed in range(8)]
        for number in range(96):
            folder = Path(scratch, "films", LABELS[number % 2])
            folder.mkdir(parents=True, exist_ok=True)
            pictures[number % 8].save(folder / f"{number}.jpeg", quality=90)
        films = [
            Record(path, label, path.stem, "train")
            for label, name in enumerate(LABELS)
            for path in sorted(Path(scratch, "films", name).iterdir())
        ]
        stored = decode(films)
        labels = torch.tensor([film.label for film in films], dtype=torch.float32)
        found = LocatedFilms.find(stored["images"], device)
        for name, spec in MODELS.items():
            seen = EvalPreset(spec.size).images(found[44:52].images)
            valid = {"auroc": (seen, labels[44:52].numpy())}

            def ours(name=name, spec=spec, valid=valid):
                recipe = Recipe(spec.size, epochs=1, learning_rate=1e-4)
                folder = Path(tempfile.mkdtemp(dir=scratch))
                train(build(name), recipe, found, labels, valid, device, folder)

            cases = {
                "ours": ours,
                "plain": lambda n=name, s=spec: plain_epoch(
                    n, s.size, Path(scratch, "films"), device
                ),
            }
            times = interleaved_medians(cases, 3, f"{spec.title}: training")
            what = f"{spec.title}: an epoch of training against a plain loop's"
            rows.append(ratio_row(what, times["plain"], times["ours"], len(films)))
    return rows


def plain_epoch(name: str, size: int, folder: Path, device: torch.device) -> None:
    """As torchvision's references/classification trains."""
    change = transforms.Compose(
        [
            transforms.Grayscale(),
            transforms.RandomResizedCrop(size),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(0.5, 0.25),
        ]
    )
    loader = DataLoader(
        ImageFolder(folder, change), batch_size=32, shuffle=True, num_workers=os.cpu_count() or 1
    )
    network = build(name).to(device).train()
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    for films, labels in loader:
        logits = network(films.to(device))
        loss = binary_cross_entropy_with_logits(logits, labels.float().to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
