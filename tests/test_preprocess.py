import numpy as np
import pytest
import torch

from pneumonia.preprocess import CANONICAL_SIDE, EvalPreset, TrainPreset, to_canonical


@pytest.fixture(scope="module")
def images(films):
    return torch.stack([to_canonical(film) for film in films])


def test_a_film_of_any_shape_becomes_one_grid():
    film = np.linspace(0, 1, 300, dtype=np.float32)[:, None].repeat(500, 1)
    grid = to_canonical(film)
    assert grid.shape == (1, CANONICAL_SIDE, CANONICAL_SIDE) and grid.dtype == torch.uint8
    assert grid[0, 0, 0] == 0 and grid[0, -1, 0] == 255
    assert torch.equal(grid[0, :, 0], grid[0, :, -1])


def test_size_of_the_file_leaves_no_trace(films):
    """A film and its enlarged copy reach the network almost alike."""
    film = films[1]
    twice = film.repeat(2, 0).repeat(2, 1)
    assert (to_canonical(film).int() - to_canonical(twice).int()).abs().float().mean() < 1.5


def test_evaluation_input_is_standardised_and_blind_to_exposure(images):
    preset = EvalPreset(96)
    inputs = preset(images)
    assert inputs.shape == (len(images), 1, 96, 96) and inputs.dtype == torch.float32
    assert inputs.mean((1, 2, 3)).abs().max() < 1e-5
    assert (inputs.std((1, 2, 3)) - 1).abs().max() < 1e-3
    darker = (images.float() * 0.5 + 20).round().to(torch.uint8)
    assert (preset(darker) - inputs).abs().mean() < 0.02


def test_a_blank_film_gives_zeros_not_nan():
    assert torch.equal(
        EvalPreset(64)(torch.full((1, 1, CANONICAL_SIDE, CANONICAL_SIDE), 77, dtype=torch.uint8)),
        torch.zeros(1, 1, 64, 64),
    )


def test_training_input_is_random_seeded_and_in_range(images):
    preset = TrainPreset(80)
    torch.manual_seed(0)
    first, other = preset(images), preset(images)
    torch.manual_seed(0)
    again = preset(images)
    assert first.shape == (len(images), 1, 80, 80)
    assert torch.isfinite(first).all()
    assert torch.equal(first, again) and not torch.equal(first, other)
    before = images.clone()
    changed = preset.change(images)
    assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 1
    assert torch.equal(images, before)


def test_each_step_of_the_augmentation_changes_films(images):
    preset, films = TrainPreset(CANONICAL_SIDE), images.float() / 255
    torch.manual_seed(3)
    assert (preset.warp(films) - films).abs().mean((1, 2, 3)).min() > 0.01
    assert (preset.expose(films.clone()) - films).abs().mean((1, 2, 3)).min() > 0.005
    changed = [not torch.equal(preset.degrade(film), film) for film in films.repeat(4, 1, 1, 1)]
    assert 0.6 < np.mean(changed) < 1  # most, and some stay as they are
