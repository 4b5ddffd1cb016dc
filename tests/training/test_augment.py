import numpy as np
import pytest
import torch

from pneumonia.preprocess import CANONICAL_SIDE, to_canonical
from pneumonia.training.augment import TrainPreset


@pytest.fixture(scope="module")
def images(films):
    return torch.stack([to_canonical(film) for film in films])


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
