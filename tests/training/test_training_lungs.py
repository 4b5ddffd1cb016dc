import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pneumonia.cli import app
from pneumonia.data.outlines import load_outlined
from pneumonia.lungs import LungFinder
from pneumonia.synthetic.distractors import draw_limbs
from pneumonia.training.lung_augment import LungPreset, Truth, windows
from pneumonia.training.lungs import LungRecipe, losses_of, train_finder, write_finder

RECIPE = LungRecipe(epochs=2, batch=4)


@pytest.fixture(scope="module")
def films(dataset, outlines, tmp_path_factory):
    return load_outlined(dataset, outlines, tmp_path_factory.mktemp("cache"))[0]


@pytest.fixture(scope="module")
def preset():
    return LungPreset(limbs=1)


def test_a_mirrored_film_lies_on_the_side_it_says():
    torch.manual_seed(0)
    up = torch.tensor([0.0, -1.0])
    for turn, side in enumerate([(0, -1), (-1, 0), (0, 1), (1, 0)]):
        theta = windows(200, torch.full((200,), turn))[:, :, :2]
        assert 50 < (theta.det() < 0).sum() < 150  # half of them are mirrored
        head = theta.inverse() @ up  # where the film's upper edge lies in the picture
        assert ((head * torch.tensor(side)).sum(1) > 0.5 * head.norm(dim=1)).all()


def test_outlines_move_with_their_films(films, preset):
    torch.manual_seed(0)
    outlines = films.outlines[:40]
    whole = torch.ones(40, dtype=torch.bool)
    inputs, truth = preset(outlines, outlines, whole)  # films that show nothing but the outline
    assert inputs.shape == truth.masks.shape == (45, 1, 128, 128)
    alike = [
        abs(np.corrcoef(one.flatten(), mask.flatten())[0, 1])
        for one, mask in zip(inputs[:40], truth.masks[:40], strict=True)
        if mask.mean() > 0.02
    ]
    assert len(alike) > 30 and np.median(alike) > 0.7
    assert truth.masks[40:].max() == 0 and truth.present[40:].max() == 0  # without lungs
    assert set(truth.turn[40:].tolist()) == set(truth.inverted[40:].tolist()) == {-1}


def test_what_is_shown_is_the_share_of_the_lungs(films, preset):
    torch.manual_seed(1)
    _, truth = preset(films.images, films.outlines, torch.ones(len(films), dtype=torch.bool))
    shown = truth.shown[: len(films)]
    assert ((shown == -1) | ((shown > 0.05) & (shown <= 1))).all()
    assert 0.3 < (shown > 0.99).float().mean() < 0.9 and (shown[shown >= 0] < 0.8).any()
    _, cut = preset(films.images, films.outlines, torch.zeros(len(films), dtype=torch.bool))
    assert (cut.shown == -1).all()  # how much the film itself cuts off, nobody knows


def test_what_is_not_asked_costs_nothing():
    nothing = torch.full((3,), -1)
    truth = Truth(torch.zeros(3, 1, 128, 128), nothing, nothing, nothing, nothing.float())
    losses = losses_of(torch.full((3, 1, 128, 128), -9.0), torch.randn(3, 7), truth)
    assert losses.pop("pixels") < 1e-3
    assert all(loss == 0 for loss in losses.values())


def test_right_answers_cost_least():
    masks = torch.zeros(2, 1, 128, 128)
    masks[:, :, 30:90, 30:90] = 1
    one, zero = torch.tensor([1, 1]), torch.tensor([0, 0])
    truth = Truth(masks, one, zero, torch.tensor([2, 3]), torch.ones(2))
    answers = torch.tensor([[9.0, -9, 0, 0, 9, 0, 9], [9, -9, 0, 0, 0, 9, 9]])
    right = losses_of(18 * masks - 9, answers, truth)
    wrong = losses_of(9 - 18 * masks, -answers, truth)
    assert all(right[name] < 1e-2 < 0.5 < wrong[name] for name in right)


def test_a_resumed_run_ends_in_the_same_weights(films, preset, tmp_path):
    def run(folder, recipe=RECIPE, **options):
        return train_finder(films[:8], films[8:11], preset, recipe, folder, **options)

    whole, history = run(tmp_path / "whole")
    run(tmp_path / "broken", stop=lambda epoch: epoch == 1)
    with pytest.raises(ValueError, match="other settings"):
        run(tmp_path / "broken", LungRecipe(epochs=2, batch=8), resume=True)
    with pytest.raises(ValueError, match="other settings"):
        run(tmp_path / "broken", natural="9 natural pictures (whose they are)", resume=True)
    resumed, again = run(tmp_path / "broken", resume=True)
    assert history == again and len(history) == 2
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name

    card = write_finder(whole, tmp_path / "whole", RECIPE, history, films, "", "a command")
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {
        *("model.safetensors", "lungs.json")
    }
    finder = LungFinder.load(tmp_path / "whole")
    assert finder.card == card and card.training["last_epoch"] == history[-1]
    assert (tmp_path / "whole" / "model.safetensors").stat().st_size < 1.7e6  # float16
    for loaded, trained in zip(
        finder(films.images[:3]), LungFinder(whole, card)(films.images[:3]), strict=True
    ):
        assert np.abs(loaded.mask - trained.mask).max() < 0.01


@pytest.mark.slow
def test_the_command_trains_a_finder(dataset, outlines, tmp_path, monkeypatch):
    asked: list[int] = []

    def one_each(count: int, side: int) -> list[np.ndarray]:
        asked.append(count)
        return draw_limbs(1, side)

    monkeypatch.setattr("pneumonia.training.lung_augment.draw_limbs", one_each)
    words = ["train-lungs", "--data", dataset, "--outlines", outlines, "--epochs", 1]
    words += ["--out", tmp_path / "lungs", "--cache", tmp_path / "cache"]
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == 0, done.stderr
    assert "Dice" in done.stdout
    card = json.loads((tmp_path / "lungs" / "lungs.json").read_text())
    assert card["training"]["command"].startswith("pneumonia train-lungs --data")
    assert str(tmp_path) not in card["training"]["command"]
    assert LungFinder.load(tmp_path / "lungs").card.sha256 == card["sha256"]
    assert asked == [150]
    again = CliRunner().invoke(app, [*map(str, words), "--resume"])
    assert again.exit_code == 1 and "holds a finished finder" in again.stderr
