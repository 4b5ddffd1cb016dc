import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import TINY, card_of
from PIL import Image
from safetensors.torch import load_file
from torchvision.io import encode_jpeg
from typer.testing import CliRunner

from pneumonia.cli import app
from pneumonia.data.pictures import load_pictures
from pneumonia.models import MODELS, build, initialise
from pneumonia.training.loop import train
from pneumonia.training.pretraining import PictureTask, evaluation_input
from pneumonia.training.provenance import finished, provenance_of
from pneumonia.training.task import Recipe


@pytest.fixture(scope="module")
def stripes() -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes: upright stripes, level stripes, none; ``(60, 1, 32, 32)`` uint8."""
    rng = np.random.default_rng(0)
    wave = 90 * np.sign(np.sin(np.arange(32) * 1.2))
    patterns = [np.tile(wave, (32, 1)), np.tile(wave, (32, 1)).T, np.zeros((32, 32))]
    labels = np.arange(60) % 3
    pictures = np.stack([128 + patterns[i] + rng.normal(0, 20, (32, 32)) for i in labels])
    images = torch.from_numpy(pictures.clip(0, 255).astype(np.uint8))[:, None]
    return images, torch.from_numpy(labels)


@pytest.fixture(scope="module")
def shards(stripes, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for number, half in enumerate((slice(0, 30), slice(30, 60))):
        streams = [encode_jpeg(picture, quality=95).numpy() for picture in stripes[0][half]]
        np.savez(
            folder / f"pictures-{number}.npz",
            data=np.concatenate(streams),
            offsets=np.cumsum([0, *map(len, streams)]),
            labels=stripes[1][half].numpy().astype(np.int16),
        )
    return folder


def test_shards_and_folders_of_pictures_are_read_alike(stripes, shards, tmp_path):
    images, labels = load_pictures(shards, 32)
    assert images.dtype == torch.uint8 and torch.equal(labels, stripes[1])
    assert (images.int() - stripes[0].int()).abs().float().mean() < 4
    for i in (0, 1, 2):
        (tmp_path / f"class {i}").mkdir()
        colour = Image.fromarray(stripes[0][i, 0].numpy()).convert("RGB").resize((64, 80))
        colour.save(tmp_path / f"class {i}" / "picture.png")
    images, labels = load_pictures(tmp_path, 32)
    assert images.shape == (3, 1, 32, 32) and labels.tolist() == [0, 1, 2]


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        load_pictures(tmp_path, 32)


def not_deflated(shard: bytes) -> bytes:
    """Its arrays begin with what zlib refuses, and its directory says that they are deflated."""
    torn = shard.replace(b"\x93NUMPY", b"\xffNUMPY")
    return re.sub(rb"(?s)(PK\x01\x02.{6})\0\0", lambda head: head[1] + b"\x08\0", torn)


HARMS = {
    "cut off": lambda shard: shard[:-100],
    "empty": lambda _: b"",
    "no archive": lambda _: b"words",
    "one bit": lambda shard: shard[:999] + bytes([shard[999] ^ 1]) + shard[1000:],
    "not deflated": not_deflated,
    "no offsets": lambda shard: shard.replace(b"offsets", b"numbers"),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_shard_that_cannot_be_read_is_named(shards, tmp_path, harm):
    shard = (shards / "pictures-0.npz").read_bytes()
    (tmp_path / "torn.npz").write_bytes(harm(shard))
    with pytest.raises(ValueError, match=r"torn\.npz' is damaged, .*: fetch it again"):
        load_pictures(tmp_path, 32)


def test_it_learns_to_tell_pictures_apart(stripes, tmp_path):
    torch.manual_seed(0)
    network = TINY.build()
    network.classifier = torch.nn.Linear(network.classifier.in_features, 3)
    recipe = Recipe(size=32, epochs=5, learning_rate=3e-3, batch=10, ema=0.8)
    images, labels = stripes
    valid = {"accuracy": (evaluation_input(images[45:]), labels[45:].numpy())}
    device = torch.device("cpu")
    _, history = train(
        network, recipe, images[:45], labels[:45], valid, device, tmp_path, task=PictureTask
    )
    assert history[-1]["accuracy"] > 0.8


def test_weights_that_start_from_a_checkpoint_know_its_past(tmp_path):
    def save(**changes):
        replace(card, training=replace(card.training, **changes)).save(tmp_path / "card.json")

    card = card_of("cnn")
    films = replace(card.training.data, name="films (CC BY 4.0)")
    card = replace(
        card,
        weights=replace(card.weights, sha256=64 * "a"),
        training=replace(card.training, data=films),
    )
    step = f"trained to weights {12 * 'a'} (pneumonia train)"
    save()
    assert provenance_of("none") == ("none", None)
    assert provenance_of(str(tmp_path)) == ("none", {"then": step})
    pictures = {"source": "drawn stripes", "pictures": 60}
    save(initialisation="stripes.safetensors", pretraining=pictures)
    first, before = provenance_of(str(tmp_path))
    assert (first, before) == ("stripes.safetensors", {**pictures, "then": step})
    save(initialisation=first, pretraining=before)
    assert provenance_of(str(tmp_path))[1] == {**pictures, "then": f"{step}, then {step}"}
    drawn = {"initialisation": "a.safetensors", "pretraining": {"source": "drawn, CC BY 4.0"}}
    for unknown in (
        {"recipe": {**card.training.recipe, "teachers": ["Another 1234"]}},
        {"data": replace(films, name="films of somebody")},
    ):
        for earlier in ({}, drawn):
            save(**unknown, **earlier)  # whose terms the new weights are not free of
            first, before = provenance_of(str(tmp_path))
            assert (first, before) == (str(tmp_path), {"then": step})


def test_a_finished_run_is_known_by_all_that_it_was_made_with(tmp_path):
    card = card_of("cnn")
    run = replace(card.training, recipe={"seed": 3, "keep": 0.0})
    card = replace(card, training=run)
    assert finished(tmp_path) is None
    card.save(tmp_path / "card.json")
    *made, films = finished(tmp_path)
    assert made == [{"seed": 3}, card.preprocessing.size, run.initialisation, run.pretraining]
    assert films == run.data
    (tmp_path / "resume.pt").touch()  # another one began
    assert finished(tmp_path) is None


@pytest.mark.parametrize("name", ["weights", "weights.pth"])
def test_weights_of_another_name_are_refused_before_they_are_trained(tmp_path, name):
    words = ["pretrain", "--data", "nowhere", "--out", str(tmp_path / name), "--device", "cpu"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1 and "a name that ends in .safetensors" in done.stderr


def test_a_run_goes_on_with_the_source_that_it_began_with(shards, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TINY)
    out = tmp_path / "pretrained.safetensors"
    words = f"pretrain --data {shards} --out {out} --model tiny --epochs 1 --size 32 --device cpu"

    def run(*more):
        return CliRunner().invoke(app, [*words.split(), *more])

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pneumonia.training.pretraining.write_weights", killed)
        assert run("--source", "drawn stripes").exit_code == 130
    other = run("--resume")
    assert other.exit_code == 1 and "of a run with other settings" in other.stderr
    assert run("--source", "drawn stripes", "--resume").exit_code == 0
    assert json.loads(out.with_suffix(".json").read_text())["source"] == "drawn stripes"


@pytest.mark.slow
def test_pretrained_weights_start_a_densenet(shards, tmp_path):
    out = tmp_path / "pretrained.safetensors"
    words = f"pretrain --data {shards} --out {out} --epochs 1 --size 32 --batch 20 --device cpu"
    words = [*words.split(), "--source", "drawn stripes"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    network = build("densenet169")
    initialise(network, str(out))
    stored = load_file(out)
    for name, tensor in network.features.state_dict().items():
        assert torch.equal(tensor, stored[f"features.{name}"].to(tensor.dtype)), name
    said = json.loads(out.with_suffix(".json").read_text())
    assert (said["source"], said["epochs"], said["size"]) == ("drawn stripes", 1, 32)
    assert 0 <= said["accuracy"] <= 1 and "--batch 20" in said["command"]
    assert not (tmp_path / "pretrained" / "resume.pt").exists()
    again = CliRunner().invoke(app, [*words, "--resume"])
    assert again.exit_code == 1 and "no interrupted run beside it" in again.stderr
    wrong = CliRunner().invoke(app, ["pretrain", "--data", str(tmp_path / "nowhere")])
    assert wrong.exit_code == 1 and "nowhere" in wrong.stderr
