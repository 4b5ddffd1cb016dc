import numpy as np
import pytest
import torch

from pneumonia.preprocess import BATCH, CANONICAL_SIDE, EvalPreset, to_canonical


@pytest.fixture(scope="module")
def images(films):
    return torch.stack([to_canonical(film) for film in films])


def test_a_film_of_any_shape_becomes_one_image():
    film = np.linspace(0, 1, 300, dtype=np.float32)[:, None].repeat(500, 1)
    image = to_canonical(film)
    assert image.shape == (1, CANONICAL_SIDE, CANONICAL_SIDE) and image.dtype == torch.uint8
    assert image[0, 0, 0] == 0 and image[0, -1, 0] == 255
    assert torch.equal(image[0, :, 0], image[0, :, -1])


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


def test_batches_are_the_films_in_order_on_the_device(images):
    many = images.repeat(BATCH // len(images) + 1, 1, 1, 1)
    batches = list(EvalPreset(32).batches(many, torch.device("cpu")))
    assert [len(batch) for batch in batches] == [BATCH, len(many) - BATCH]
    assert torch.equal(torch.cat(batches), EvalPreset(32)(many))
    (elsewhere, *_) = EvalPreset(32).batches(images, torch.device("meta"))
    assert elsewhere.device.type == "meta"
