from dataclasses import replace

import numpy as np
import pytest
import torch
from factories import lungs

from pneumonia.evaluation.corruptions import corrupt
from pneumonia.lungs import BATCH, box_of, lung_finder
from pneumonia.preprocess import CANONICAL_SIDE, EvalPreset, hide, soften, to_canonical
from pneumonia.synthetic.phantom import draw_phantom

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def images():
    films = [draw_phantom(300, 340, lesions=3 * (i % 2), seed=i).pixels for i in range(4)]
    return torch.stack([to_canonical(film) for film in films])


def test_a_film_of_any_shape_becomes_one_image():
    film = np.linspace(0, 1, 300, dtype=np.float32)[:, None].repeat(500, 1)
    image = to_canonical(film)
    assert image.shape == (1, CANONICAL_SIDE, CANONICAL_SIDE) and image.dtype == torch.uint8
    assert image[0, 0, 0] == 0 and image[0, -1, 0] == 255
    assert torch.equal(image[0, :, 0], image[0, :, -1])


def test_the_view_is_standardised_inside_the_lungs_and_blind_to_exposure(images):
    preset = EvalPreset(96)
    inputs = preset.images(images)
    assert inputs.shape == (len(images), 2, 96, 96) and inputs.dtype == torch.float32
    for view, mask in inputs:
        assert mask.min() >= 0 and mask.max() <= 1 and 0.2 < mask.mean() < 0.8
        assert abs(view[mask > 0.5].mean()) < 0.05 and abs(view[mask > 0.5].std() - 1) < 0.05
    darker = (images.float() * 0.5 + 20).round().to(torch.uint8)
    assert (preset.images(darker) - inputs).abs().mean() < 0.05


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_a_frame_around_the_film_changes_next_to_nothing(images, colour):
    """What once turned healthy children into PNEUMONIA."""
    side = CANONICAL_SIDE
    framed = torch.full_like(images, colour)
    inner = slice(side // 10, side - side // 10)
    small = torch.nn.functional.interpolate(
        images.float(), (inner.stop - inner.start,) * 2, mode="bilinear", antialias=True
    )
    framed[..., inner, inner] = small.round().to(torch.uint8)
    before, after = (EvalPreset(96).images(films) for films in (images, framed))
    assert (before - after).abs().mean() < 0.12
    for one, other in zip(before, after, strict=True):
        assert np.corrcoef(one[0].flatten(), other[0].flatten())[0, 1] > 0.97


@pytest.mark.parametrize("corruption", ["rotated 15°", "rotated back 15°"])
def test_a_turned_film_is_seen_more_upright(images, corruption):
    turned, preset = corrupt(images, corruption), EvalPreset(96)
    found = lung_finder(CPU)(turned)
    as_it_is = [replace(one, tilt=0.0, box=box_of(one.mask > 0.5)) for one in found]
    views = [preset.images(images), preset(turned, found), preset(turned, as_it_is)]
    for trio in zip(*views, strict=True):
        upright, unturned = np.corrcoef([view[0].flatten() for view in trio])[0, 1:]
        assert upright > unturned + 0.03


def test_what_is_hidden_in_a_turned_film_is_hidden_in_its_view():
    found = lungs(tilt=20.0)
    found = replace(found, mask=np.ones_like(found.mask))
    regions = torch.zeros(1, 1, CANONICAL_SIDE, CANONICAL_SIDE)
    regions[..., 70:90, 130:150] = 1
    image = (100 + 20 * (torch.arange(CANONICAL_SIDE) % 2) + 100 * regions).to(torch.uint8)
    before = EvalPreset(96)(image, [found])
    around = torch.nn.functional.max_pool2d(regions, 5, 1, 2)
    after = hide(before, [found], around)
    assert before[:, 0].max() > 2 > 0.8 > after[:, 0].max()


def test_what_lies_outside_the_lungs_has_no_way_in(images):
    found, preset = [lungs()] * len(images), EvalPreset(96)
    changed = images.clone()
    changed[:, :, :, :12] = 255 - changed[:, :, :, :12]  # of the whole film
    changed[:, :, :30] = 77
    assert torch.equal(preset(images, found), preset(changed, found))


def test_a_picture_of_one_grey_gives_zeros_not_nan():
    grey = torch.full((1, 1, CANONICAL_SIDE, CANONICAL_SIDE), 77, dtype=torch.uint8)
    inputs = EvalPreset(64).images(grey)
    assert torch.isfinite(inputs).all() and inputs[:, 0].abs().max() < 1e-3


def test_batches_are_the_films_in_order(images):
    many = images.repeat(BATCH // len(images) + 1, 1, 1, 1)
    batches = list(EvalPreset(32).batches(many, CPU))
    assert [len(batch) for batch in batches] == [BATCH, len(many) - BATCH]
    torch.testing.assert_close(torch.cat(batches), EvalPreset(32).images(many), atol=2e-3, rtol=0)


def test_a_mask_is_softened_grown_and_shrunk():
    mask = torch.from_numpy(lungs().mask)[None, None]
    grown, shrunk = soften(mask), soften(mask, grow=-0.35)
    assert shrunk.min() >= 0 and grown.max() <= 1
    assert grown.mean() > mask.mean() > shrunk.mean()
    assert 0.17 < soften(torch.zeros(1, 1, 16, 16)).max() < 0.2  # "a fifth" in the docs
    assert (grown[..., 1:] - grown[..., :-1]).abs().max() < 0.5  # no sharp edge
