"""Two epochs of a small network in float32; torchrun starts it for test_distributed."""

import sys
from contextlib import nullcontext
from pathlib import Path

import torch

from pneumonia.models import build_cnn
from pneumonia.preprocess import EvalPreset
from pneumonia.training import loop, task
from pneumonia.training.augment import LocatedFilms
from pneumonia.training.distributed import together


def two_epochs(films: LocatedFilms, folder: Path, device: torch.device) -> dict:
    """Weights and losses. The last batch of an epoch has one film, which one process sees."""
    labels = torch.tensor([0, 1] * len(films))[: len(films)]
    recipe = task.Recipe(32, 2, 1e-3, batch=8, freeze_epochs=1, ema=0.5, clip=0.1, opacities=0.5)
    torch.manual_seed(0)
    network = build_cnn((8, 16), (3, 3))
    torch.nn.init.normal_(network.classifier.weight)
    valid = {"auroc": (EvalPreset(32).images(films.images[:5]), labels[:5].numpy())}
    loop.autocast = lambda device: nullcontext()  # half of the digits would hide mistakes
    network, history = loop.train(network, recipe, films, labels, valid, device, folder)
    return {"weights": network.state_dict(), "losses": [row["loss"] for row in history]}


if __name__ == "__main__":
    with together("cpu") as device:
        done = two_epochs(LocatedFilms(*torch.load(sys.argv[1])), Path(sys.argv[2]), device)
        torch.save(done, Path(sys.argv[2]) / f"{torch.distributed.get_rank()}.pt")
