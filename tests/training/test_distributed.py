"""Training by processes that the real torchrun starts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from factories import ROOT
from training.two_epochs import two_epochs

from pneumonia.preprocess import to_canonical
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.training import loop
from pneumonia.training.augment import LocatedFilms

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"]


def workers(launcher: int) -> list[int]:
    """The processes that a process has started."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text()
    return [int(number) for number in children.split()]


@pytest.mark.slow
def test_two_processes_end_in_the_weights_of_one(tmp_path):
    drawn = [to_canonical(draw_phantom(120, 140, seed=seed).pixels) for seed in range(17)]
    films = LocatedFilms.find(torch.stack(drawn), torch.device("cpu"))
    torch.save((films.images, films.masks, films.boxes), tmp_path / "films.pt")
    script = Path(__file__).with_name("two_epochs.py")
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    run = [*TORCHRUN, script, tmp_path / "films.pt", tmp_path / "two"]
    subprocess.run([*map(str, run)], env={**os.environ, **paths}, check=True)
    first, second = (torch.load(tmp_path / "two" / f"{rank}.pt") for rank in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "autocast", loop.autocast)  # put back what two_epochs puts there
        alone = two_epochs(films, tmp_path / "one", torch.device("cpu"))
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-4)
    for name, tensor in alone["weights"].items():
        assert torch.equal(first["weights"][name], second["weights"][name]), name
        torch.testing.assert_close(first["weights"][name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_run_goes_on_after_one_of_its_processes_was_killed(few_films, tmp_path):
    words = ["train", "--data", few_films, "--model", "cnn", "--epochs", 2, "--freeze-epochs", 1]
    words += ["--opacities", 0.5]
    words += ["--size", 32, "--batch", 9, "--cache", tmp_path / "cache", "--out", tmp_path]
    torchrun = [*TORCHRUN, "--max-restarts=1", "-m", "pneumonia", *map(str, words), "--resume"]
    folder = tmp_path / "cnn"
    state, log = folder / "resume.pt", tmp_path / "log"
    with log.open("w") as said, subprocess.Popen(torchrun, cwd=ROOT, stdout=said) as run:
        while not state.exists():
            assert run.poll() is None
            time.sleep(0.02)
        os.kill(workers(run.pid)[1], signal.SIGKILL)
        assert run.wait() == 0
    lines = log.read_text().splitlines()
    assert sum(line.startswith("Small CNN: 0.51 M") for line in lines) == 2  # begun and gone on
    epochs = [line[:7] for line in lines if line.startswith("epoch ")]
    assert epochs == ["epoch 1", "epoch 2"]  # one of them speaks, of each epoch once
    assert {path.name for path in folder.iterdir()} == {
        *("card.json", "curves.csv", "curves.png", "gate.safetensors", "model.safetensors")
    }
    assert json.loads((folder / "card.json").read_text())["training"]["device"] == "2 × CPU"
