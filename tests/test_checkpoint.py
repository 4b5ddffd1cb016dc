import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import card_of, open_gate, seeded_network

from pneumonia.card import Card
from pneumonia.checkpoint import (
    CheckpointError,
    checkpoint_folder,
    load_checkpoint,
    save_checkpoint,
)
from pneumonia.storage.shipped import available_models, checkpoints_root
from pneumonia.training.run import Part, recalibrate


def test_weights_and_card_come_back(tmp_path):
    network = seeded_network("cnn")
    save_checkpoint(tmp_path / "a", network, card_of("cnn"), open_gate("cnn"))
    loaded, card, gate = load_checkpoint(tmp_path / "a")
    assert not loaded.training and card.title == "Small CNN"
    np.testing.assert_array_equal(gate.precision, open_gate("cnn").precision)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    assert available_models(tmp_path) == ["a"]


def test_half_precision_halves_the_file_and_loads_as_float32(tmp_path):
    network = seeded_network("cnn")
    save_checkpoint(tmp_path / "full", network, card_of("cnn"), open_gate("cnn"))
    save_checkpoint(tmp_path / "half", network, card_of("cnn"), open_gate("cnn"), half=True)
    sizes = [(tmp_path / n / "model.safetensors").stat().st_size for n in ("full", "half")]
    assert sizes[1] < 0.52 * sizes[0]
    loaded, _, _ = load_checkpoint(tmp_path / "half")
    assert all(p.dtype == torch.float32 for p in loaded.parameters())


def test_damage_is_noticed_and_named(tmp_path):
    folder = tmp_path / "cnn"
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        load_checkpoint(folder)
    save_checkpoint(folder, seeded_network("cnn"), card_of("cnn"), open_gate("cnn"))
    weights = folder / "model.safetensors"
    original = weights.read_bytes()
    data = bytearray(original)
    data[-100] ^= 1
    weights.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(folder)
    weights.write_bytes(original)
    gate = folder / "gate.safetensors"
    gate.write_bytes(gate.read_bytes()[::-1])
    with pytest.raises(CheckpointError, match=r"gate\.safetensors in .* damaged"):
        load_checkpoint(folder)
    weights.unlink()
    with pytest.raises(CheckpointError, match=r"cannot be (read|used)"):
        load_checkpoint(folder)
    (folder / "card.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"cannot be (read|used)"):
        load_checkpoint(folder)


def interrupt(*_) -> None:
    raise KeyboardInterrupt


def test_files_take_their_places_together(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, seeded_network("cnn"), card_of("cnn"), open_gate("cnn"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(Card, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, seeded_network("cnn", 1), card_of("cnn"), open_gate("cnn", 1.0))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("gate", [b"half", None], ids=["damaged", "missing"])
def test_calibrating_makes_a_gate_whatever_became_of_the_old_one(tmp_path, gate):
    save_checkpoint(tmp_path, seeded_network("cnn"), card_of("cnn"), open_gate("cnn"))
    file = tmp_path / "gate.safetensors"
    if gate:
        file.write_bytes(gate)
    else:
        file.unlink()
    words = "calibrate it with `pneumonia calibrate`" if gate else "cannot be read"
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(tmp_path)
    torch.manual_seed(0)
    part = Part(torch.randint(256, (8, 1, 224, 224)).byte(), torch.arange(8) % 2, [])
    recalibrate(tmp_path, part, part, torch.device("cpu"), "pneumonia calibrate")
    assert load_checkpoint(tmp_path)[2].mean.any()


def test_a_shipped_name_wins_over_a_folder_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cnn").mkdir()
    (tmp_path / "own").mkdir()
    assert checkpoint_folder("cnn") == checkpoints_root() / "cnn"
    for path in ("./cnn", Path("cnn"), str(tmp_path / "cnn")):
        assert checkpoint_folder(path).resolve() == tmp_path / "cnn"
    with pytest.raises(CheckpointError, match=r"no checkpoint 'own' .*the folder is '\./own'"):
        checkpoint_folder("own")


def test_the_shipped_folder_is_asked_for_at_each_call(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "a", seeded_network("cnn"), card_of("cnn"), open_gate("cnn"))
    monkeypatch.setenv("PNEUMONIA_CHECKPOINTS", str(tmp_path))
    assert available_models() == ["a"] and checkpoint_folder("a") == tmp_path / "a"
    monkeypatch.delenv("PNEUMONIA_CHECKPOINTS")
    assert "cnn" in available_models()


@pytest.mark.parametrize("name", ["cnn", "densenet169"])
def test_shipped_checkpoints(name):
    """Both models are there, load, fit in the repository and say where they come from."""
    folder = checkpoints_root() / name
    network, card, _ = load_checkpoint(name)
    assert card.model == name
    assert sum(p.numel() for p in network.parameters()) > 100_000
    assert (folder / "model.safetensors").stat().st_size <= 30 * 2**20
    training = card.training
    assert training.git_commit and not training.git_commit.endswith("-dirty")
    assert training.initialisation and training.recipe["seed"] is not None
    assert {"torch", "torchvision", "python"} <= set(training.versions)
    words = shlex.split(training.command) + shlex.split(card.calibrated_by or "")
    assert words and not any(Path(word).is_absolute() for word in words)
    assert (folder / "curves.csv").is_file() and (folder / "curves.png").is_file()
    assert not (folder / "resume.pt").exists()


def test_the_big_model_beats_the_small_one():
    cards = {n: load_checkpoint(n)[1].validation for n in ("cnn", "densenet169")}
    for part in ("clean", "perturbed"):  # perturbed: framed by others, too
        figures = {name: getattr(card, part) for name, card in cards.items()}
        assert figures["densenet169"].auroc > figures["cnn"].auroc >= 0.97
        assert figures["densenet169"].auroc >= 0.98
        assert min(f.specificity for f in figures.values()) >= 0.9
        assert figures["cnn"].films == figures["densenet169"].films > 800
