import pytest
import torch

from pneumonia.evaluation.corruptions import (
    CORRUPTIONS,
    corrupt,
    corrupt_in_turn,
    corrupt_outlines,
)
from pneumonia.preprocess import to_canonical


@pytest.fixture(scope="module")
def images(films):
    return torch.stack([to_canonical(film) for film in films])


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_changes_films_moderately_and_repeatably(name, images):
    before = images.clone()
    changed = corrupt(images, name)
    assert changed.shape == images.shape and changed.dtype == torch.uint8
    assert torch.equal(images, before) and torch.equal(changed, corrupt(images, name))
    moved = (changed.float() - images.float()).abs().mean((1, 2, 3))
    assert (moved == 0).all() if name == "clean" else (moved > 0.2).all()
    if list(CORRUPTIONS).index(name) > list(CORRUPTIONS).index("rotated 5°"):
        return  # a frame may move a film far
    assert (moved < 60).all()
    alike = torch.corrcoef(torch.stack([changed.flatten().float(), images.flatten().float()]))
    assert alike[0, 1] > 0.6  # still these films


def test_crops_and_stretches_move_what_they_should():
    film = torch.zeros(1, 1, 224, 224, dtype=torch.uint8)
    film[..., 107:117, 107:117] = 255  # a square of 10 in the middle

    def extent(name):
        lit = corrupt(film, name)[0, 0] > 127
        return int(lit.any(0).sum()), int(lit.any(1).sum())

    assert extent("tight crop") == pytest.approx((12, 12), abs=1)
    assert extent("loose crop") == pytest.approx((9, 9), abs=1)
    assert extent("wider") == pytest.approx((12.5, 10), abs=1)
    assert extent("window 1.25 black") == pytest.approx((8, 8), abs=1)
    assert extent("width .7") == pytest.approx((14, 10), abs=1)
    assert extent("taller") == pytest.approx((10, 12.5), abs=1)


def test_a_frame_has_its_colour_and_a_shift_its_direction():
    film = torch.full((1, 1, 224, 224), 100, dtype=torch.uint8)
    colours = {"black": 0, "grey": 127.5, "white": 255}
    for colour, grey in colours.items():
        framed = corrupt(film, f"window 1.5 {colour}")[0, 0]
        assert framed[3, 3] == pytest.approx(grey, abs=1) and framed[112, 112] == 100
    film[..., 100:124, 100:124] = 255
    lit = (corrupt(film, "shift left .15")[0, 0] > 200).nonzero().float().mean(0)
    assert lit.tolist() == pytest.approx([111.5, 111.5 - 0.15 * 224], abs=1)


def test_in_turn_every_film_gets_one_change_and_all_changes_are_used(images):
    many = images.repeat(5, 1, 1, 1)
    changed = corrupt_in_turn(many)
    names = [name for name in CORRUPTIONS if name != "clean"]
    for i in (0, 1, len(names) - 1, len(names), len(many) - 1):
        expected = corrupt(many[i : i + 1], names[i % len(names)])[0]
        assert torch.equal(changed[i], expected)
    assert torch.equal(corrupt_in_turn(many[:2]), changed[:2])  # fewer films than changes


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_outlines_move_as_their_films_do(name):
    outline = torch.zeros(1, 1, 224, 224, dtype=torch.uint8)
    outline[..., 90:130, 60:150] = 255  # also a film: a bright patch on black

    def box(picture):
        lit = picture[0, 0, 40:-40, 40:-40] > 64 + picture[0, 0, 0, 0] // 2  # not beyond the edge
        rows, columns = lit.any(1).nonzero(), lit.any(0).nonzero()
        return [int(edge) for edge in (rows[0], rows[-1], columns[0], columns[-1])]

    moved = corrupt_outlines(outline, name)
    assert set(moved.unique().tolist()) == {0, 255}
    if "grey" in name or "white" in name:  # which would count as lung
        assert moved[..., :10, :].max() == 0
        name = name.rpartition(" ")[0] + " black"
    assert box(moved) == pytest.approx(box(corrupt(outline, name)), abs=3)
