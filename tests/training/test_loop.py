import dataclasses

import numpy as np
import pytest
import torch
from factories import TINY, lungs

from pneumonia.models import build, initialise
from pneumonia.preprocess import EvalPreset, to_canonical
from pneumonia.training.augment import LocatedFilms
from pneumonia.training.loop import one_cycle, train
from pneumonia.training.task import Recipe

RECIPE = Recipe(size=48, epochs=3, learning_rate=3e-3, batch=8, seed=3)


@pytest.fixture(scope="module")
def task():
    """Dark and bright discs in the lungs: something a small network learns in seconds."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    images, labels = [], []
    for i in range(48):
        film = rng.normal(0.5, 0.05, (96, 96))
        film += (0.35 if i % 2 else -0.35) * (x**2 + y**2 < rng.uniform(0.2, 0.4))
        images.append(to_canonical(film.clip(0, 1).astype(np.float32)))
        labels.append(i % 2)
    masks = torch.from_numpy(lungs().mask * 255).to(torch.uint8).expand(48, 1, 128, 128)
    boxes = torch.tensor([lungs().box] * 48)
    return LocatedFilms(torch.stack(images), masks, boxes), torch.tensor(labels)


def inputs_of(films, size=RECIPE.size):
    return EvalPreset(size)(films.images, [lungs()] * len(films))


def run(task, folder, recipe=RECIPE, **options):
    images, labels = task
    torch.manual_seed(recipe.seed)
    network = TINY.build()
    some = torch.arange(16)
    valid = {"auroc": (inputs_of(images[some]), labels[:16].numpy())}
    device, rest = torch.device("cpu"), torch.arange(16, len(labels))
    return train(network, recipe, images[rest], labels[16:], valid, device, folder, **options)


def test_it_learns(task, tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=8, patience=8, ema=0.8)
    _, history = run(task, tmp_path, recipe)
    assert max(row["auroc"] for row in history) > 0.9
    assert (tmp_path / "curves.csv").read_text().startswith("epoch,loss,lr,auroc,score,seconds\n")


def test_a_resumed_run_ends_where_an_unbroken_one_does(task, tmp_path):
    whole, history = run(task, tmp_path / "whole")
    run(task, tmp_path / "broken", stop=lambda epoch: epoch == 1)
    resumed, again = run(task, tmp_path / "broken", resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert [r["loss"] for r in history] == [r["loss"] for r in again]


def test_resuming_with_other_settings_is_refused(task, tmp_path):
    run(task, tmp_path, dataclasses.replace(RECIPE, epochs=1))
    for changes in ({}, {"epochs": 1, "teachers": ("Another 1234",)}):
        with pytest.raises(ValueError, match="other settings"):
            run(task, tmp_path, dataclasses.replace(RECIPE, **changes), resume=True)


def test_a_run_is_resumed_with_its_films_and_first_weights_alone(task, tmp_path):
    recipe, (films, labels) = dataclasses.replace(RECIPE, epochs=1), task
    some = torch.arange(len(labels) - 1)
    first = dataclasses.replace(recipe, seed=4)  # what the first weights are drawn with
    run(task, tmp_path, recipe)
    with pytest.raises(ValueError, match="other settings, films or first weights"):
        run((films[some], labels[some]), tmp_path, recipe, resume=True)
    state = torch.load(tmp_path / "resume.pt")
    torch.save({**state, "recipe": dataclasses.asdict(first)}, tmp_path / "resume.pt")
    with pytest.raises(ValueError, match="other settings, films or first weights"):
        run(task, tmp_path, first, resume=True)
    older = {name: part for name, part in state.items() if name not in ("films", "first")}
    older["recipe"] = {k: v for k, v in dataclasses.asdict(recipe).items() if k != "conflicting"}
    torch.save(older, tmp_path / "resume.pt")  # as it was written before these were kept
    _, history = run(task, tmp_path, recipe, resume=True)
    assert history == state["history"]


def test_frozen_epochs_train_the_classifier_alone(task, tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=2, freeze_epochs=2)
    torch.manual_seed(recipe.seed)
    before = TINY.build()
    after, _ = run(task, tmp_path, recipe)
    assert torch.equal(before.features[0].weight, after.features[0].weight)
    assert torch.equal(before.features[1].running_mean, after.features[1].running_mean)
    assert not torch.equal(before.classifier.weight, after.classifier.weight)


def test_early_stopping_keeps_the_best_epoch(task, tmp_path, monkeypatch):
    scores = iter([0.7, 0.9, 0.8, 0.8, 0.8, 0.99])
    monkeypatch.setattr("pneumonia.training.task.roc_auc_score", lambda *args: next(scores))
    recipe = dataclasses.replace(RECIPE, epochs=6, patience=2)
    best, history = run(task, tmp_path / "a", recipe)
    assert [row["score"] for row in history] == [0.7, 0.9, 0.8, 0.8]
    scores = iter([0.7, 0.9])
    second, _ = run(task, tmp_path / "b", recipe, stop=lambda epoch: epoch == 2)
    for name, tensor in best.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_what_is_kept_of_the_first_weights_lies_on_the_way_to_them(task, tmp_path):
    def trained(keep: float) -> dict[str, torch.Tensor]:
        recipe = dataclasses.replace(RECIPE, epochs=1, keep=keep)
        return run(task, tmp_path / str(keep), recipe)[0].state_dict()

    torch.manual_seed(RECIPE.seed)
    first, none, half, all_of_them = TINY.build().state_dict(), *map(trained, (0.0, 0.5, 1.0))
    for name, tensor in first.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(half[name], (tensor + none[name]) / 2)
            torch.testing.assert_close(all_of_them[name], tensor)
    assert not torch.equal(first["classifier.weight"], none["classifier.weight"])


def test_an_exploding_run_stops_with_advice(task, tmp_path):
    images, labels = task
    network = TINY.build()
    torch.nn.init.constant_(network.classifier.bias, float("nan"))
    with pytest.raises(FloatingPointError, match="--lr"):
        train(network, RECIPE, images, labels, {}, torch.device("cpu"), tmp_path)


@pytest.mark.slow
def test_densenet_fine_tunes_from_a_file(task, tmp_path):
    torch.manual_seed(9)
    source = build("densenet169")
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    network = build("densenet169")
    initialise(network, str(tmp_path / "weights.pth"))
    images, labels = task
    recipe = dataclasses.replace(RECIPE, epochs=2, freeze_epochs=1, size=32)
    some = torch.arange(16)
    valid = {"auroc": (inputs_of(images[some[:8]], 32), labels[:8].numpy())}
    tuned, history = train(
        network, recipe, images[some], labels[:16], valid, torch.device("cpu"), tmp_path
    )
    assert len(history) == 2 and all(np.isfinite(row["loss"]) for row in history)
    assert not torch.equal(tuned.classifier.weight, source.classifier.weight)


def test_one_cycle_rises_then_falls_to_zero():
    rates = [one_cycle(p, 0.15) for p in np.linspace(0, 1, 101)]
    assert rates[0] == pytest.approx(0.04) and max(rates) == pytest.approx(1, abs=0.01)
    assert np.argmax(rates) == 15 and rates[-1] == pytest.approx(0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_the_gpu(task, tmp_path):
    images, labels = task
    valid = {"auroc": (inputs_of(images), labels.numpy())}
    _, history = train(TINY.build(), RECIPE, images, labels, valid, torch.device("cuda"), tmp_path)
    assert len(history) == RECIPE.epochs
