import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from pneumonia.lungs import LUNGS, Limits, LungFinder, LungNet, LungsCard, box_of, tilt_of
from pneumonia.preprocess import to_canonical
from pneumonia.storage.shipped import checkpoints_root
from pneumonia.synthetic.phantom import draw_phantom

SHIPPED = checkpoints_root() / LUNGS
shipped = pytest.mark.skipif(not SHIPPED.is_dir(), reason="no lung finder to ask")
ANYTHING = Limits(present=0, confidence=0, inverted=1, upright=0, visible=0)


@pytest.fixture(scope="module")
def finder():
    return LungFinder.load(SHIPPED)


@pytest.fixture(scope="module")
def phantoms():
    return [draw_phantom(400, 460, lesions=seed % 3, seed=seed) for seed in range(6)]


@pytest.fixture(scope="module")
def images(phantoms):
    return torch.stack([to_canonical(phantom.pixels) for phantom in phantoms])


def test_the_box_is_in_shares_of_the_sides_and_passes_over_strays():
    on = np.zeros((100, 200), dtype=bool)
    assert box_of(on) == (0, 0, 1, 1)
    on[20:60, 50:150] = True
    assert box_of(on) == pytest.approx((0.25, 0.2, 0.75, 0.6), abs=0.006)
    strays = on.copy()
    strays[95, 190:] = True
    assert box_of(strays) == pytest.approx(box_of(on), abs=0.01)


@pytest.mark.parametrize("angle", [-28, -15, -3, 0, 3, 15, 28])
def test_lungs_turned_further_than_is_common_are_measured_and_boxed_as_if_upright(angle):
    y, x = (np.mgrid[:128, :128] + 0.5) / 128 - 0.5
    z = (x + 1j * y) * np.exp(-1j * np.radians(angle))
    on = (abs(abs(z.real) - 0.2) < 0.12) & (abs(z.imag) < 0.3)
    tilt = tilt_of(on)
    assert tilt == pytest.approx(np.sign(angle) * max(0, abs(angle) - 5), abs=0.5)
    assert tilt_of(on[:, ::-1]) == pytest.approx(-tilt, abs=0.5)
    assert box_of(on, angle) == pytest.approx((0.18, 0.2, 0.82, 0.8), abs=0.012)


def test_where_there_are_no_two_lungs_none_is_turned():
    on = np.zeros((64, 64), dtype=bool)
    assert tilt_of(on) == 0
    on[10, 20:22] = True
    assert tilt_of(on) == 0
    on[10:50, 20] = True
    assert tilt_of(on) == 0
    on[:, 20:24] = True
    assert tilt_of(on) == 0
    for row in range(10, 50):  # one long lung, leaning by 4 degrees
        on[row, 30 - row // 14 : 38 - row // 14] = True
    assert tilt_of(on) == 0
    assert tilt_of(np.rot90(on)) == 0  # beyond what can be measured


def test_a_lung_without_its_base_turns_no_film():
    y, x = (np.mgrid[:128, :128] + 0.5) / 128 - 0.5
    lung = abs(x) - 0.2 + 0.1 * y  # they lean against each other
    on = (abs(lung) < 0.12) & (abs(y) < 0.3)
    assert tilt_of(on & ((x < 0) | (y < 0.1))) == tilt_of(on) == 0


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({}, "ok"),
        ({"present": 1}, "no_lungs"),
        ({"confidence": 1}, "no_lungs"),
        ({"inverted": 0}, "inverted"),
        ({"upright": 1}, "turned"),
        ({"visible": 1}, "cut_off"),
        ({"visible": 1, "upright": 1, "inverted": 0}, "inverted"),
    ],
)
def test_a_limit_that_is_passed_gives_its_code(limits, code, images):
    torch.manual_seed(0)
    card = LungsCard("Untrained", "0", "", replace(ANYTHING, **limits), {}, {}, {})
    lungs = LungFinder(LungNet(), card)(images[:2])
    assert [one.code for one in lungs] == [code, code]
    assert all(0 < one.present < 1 and one.mask.shape == (128, 128) for one in lungs)


def no_card(folder):
    (folder / "lungs.json").unlink()


def other_weights(folder):
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"more")


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def senseless_limit(folder):
    card = json.loads((folder / "lungs.json").read_text())
    card["limits"]["visible"] = 1.5
    (folder / "lungs.json").write_text(json.dumps(card))


@shipped
@pytest.mark.parametrize("damage", [no_card, other_weights, no_weights, senseless_limit])
def test_damaged_files_are_told_in_one_sentence(damage, tmp_path):
    folder = tmp_path / "finder"
    shutil.copytree(SHIPPED, folder)
    LungFinder.load(folder)
    damage(folder)
    with pytest.raises(RuntimeError, match=r"cannot be used .*`pneumonia train-lungs`") as told:
        LungFinder.load(folder)
    assert "\n" not in str(told.value) and str(folder) in str(told.value)


@shipped
def test_it_finds_both_lungs_of_a_drawn_film(finder, phantoms, images):
    for lungs, phantom in zip(finder(images), phantoms, strict=True):
        assert lungs.code == "ok"
        rows, columns = (np.arange(128) + 0.5) / 128 * np.array([[400], [460]])
        drawn = phantom.lungs[rows.astype(int)][:, columns.astype(int)]
        for half in (np.s_[:, :64], np.s_[:, 64:]):  # people draw some of the heart in
            assert (lungs.mask[half] > 0.5)[drawn[half]].mean() > 0.8
        assert (lungs.mask > 0.5).mean() < 2 * drawn.mean()


@shipped
def test_it_says_when_films_are_inverted_turned_or_cut_off(finder, images):
    assert {lungs.code for lungs in finder(255 - images)} == {"inverted"}
    for quarters in (1, 2, 3):
        turned = finder(torch.rot90(images, quarters, (2, 3)))
        assert {lungs.code for lungs in turned} == {"turned"}
    half = finder(images[..., :112].repeat_interleave(2, 3))
    assert {lungs.code for lungs in half} <= {"cut_off", "no_lungs"}


@shipped
def test_it_answers_alike_alone_and_in_a_batch(finder, images):
    together = finder(images, batch=4)
    for lungs, image in zip(together, images, strict=True):
        (alone,) = finder(image[None])
        assert np.abs(lungs.mask - alone.mask).max() < 1e-3 and lungs.code == alone.code
