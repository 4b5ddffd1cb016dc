"""The gate by hand, and what the shipped models' gates let through and refuse."""

import functools
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import sklearn.datasets
from factories import lungs

from pneumonia import Predictor, read_radiograph
from pneumonia.gate import REASONS, Gate
from pneumonia.reading.dicom import Tags
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.distractors import draw_distractors
from pneumonia.synthetic.phantom import draw_phantom


@pytest.fixture
def gate() -> Gate:
    """Passes features within 2 of (1, 1), and within 4 along the second axis."""
    return Gate(np.ones(2, np.float32), np.diag([1 / 4, 1 / 16]).astype(np.float32))


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return np.random.default_rng(0).random((120, 160)).astype(np.float32)


NEAR, FAR = np.array([1, 4.9], np.float32), np.array([3.1, 1], np.float32)


def test_distances_are_mahalanobis_s(gate):
    np.testing.assert_allclose(gate.distances(np.stack([NEAR, FAR])), [3.9 / 4, 2.1 / 2], rtol=1e-6)


def test_what_is_near_passes_and_what_is_far_is_told_so(gate, grey):
    film = read_radiograph(grey)
    near = gate.check(film, lungs(), NEAR)
    assert near.ok and str(near) == near.code == "ok"
    for features in (FAR, np.full(2, np.nan)):
        refused = gate.check(film, lungs(), features)
        assert not refused.ok and refused.code == "unlike"
        assert "does not look like" in str(refused)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda grey: np.stack([grey, 0.5 * grey, grey**2], -1), "colour", "in colour"),
        (lambda grey: 0.5 + 0.01 * grey, "blank", "next to nothing"),
        (lambda grey: grey[:, :40], "narrow", "long and narrow"),
    ],
)
def test_each_cheap_check_names_itself(gate, grey, change, code, words):
    result = gate.check(read_radiograph(change(grey)), lungs(), NEAR)
    assert result.code == code and words in str(result)


@pytest.mark.parametrize("code", ["no_lungs", "inverted", "turned", "cut_off"])
def test_lungs_that_do_not_do_refuse_the_film(gate, grey, code):
    result = gate.check(read_radiograph(grey), lungs(code), NEAR)
    assert not result.ok and str(result) == REASONS[code]


@pytest.mark.parametrize(
    ("tags", "code", "words"),
    [
        (Tags(age=81.2), "age", "81 years old"),
        (Tags(age=0.4), "age", "0 years old"),
        (Tags(age=6), "age", "6 years old"),
        (Tags(age=5.99), "ok", "ok"),
        (Tags(age=1, view="AP", body_part="CHEST"), "ok", "ok"),
        (Tags(view="PA", body_part="PORT CHEST"), "ok", "ok"),
        (Tags(view="LL"), "view", "(LL)"),
        (Tags(body_part="HAND"), "body_part", "(HAND)"),
    ],
)
def test_what_the_file_says_of_how_it_was_taken_decides_first(gate, grey, tags, code, words):
    film = replace(read_radiograph(grey), tags=tags)
    result = gate.check(film, lungs(), NEAR)
    assert result.code == code and words in str(result)


# --- the shipped models --------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["cnn", "densenet169"])
def predictor(request) -> Predictor:
    if request.param not in available_models():
        pytest.skip("not shipped")
    return Predictor.load(request.param, "cpu")


def refused(predictor, pictures) -> float:
    answers = predictor.predict_batch(pictures, heatmap=False)
    return np.mean([not answer.in_scope for answer in answers])


def test_validation_films_pass(predictor):
    passes = predictor.card.gate.passes
    assert passes.clean >= 0.98 and passes.perturbed >= 0.98


@pytest.mark.slow
def test_what_is_no_picture_of_anything_is_refused(predictor):
    for kind, pictures in draw_distractors().items():
        assert refused(predictor, pictures) == 1, kind


def test_everyday_pictures_are_refused_even_in_grey(predictor):
    samples = Path(matplotlib.get_data_path()) / "sample_data"
    files = [*sklearn.datasets.load_sample_images().filenames, *samples.glob("*.jp*g")]
    files += samples.glob("*.png")
    folder = Path(sklearn.datasets.__file__).parent / "images"
    pictures = [read_radiograph(folder / file) for file in files]
    assert len(pictures) >= 5
    assert refused(predictor, pictures) >= 0.95
    assert refused(predictor, [picture.pixels for picture in pictures]) >= 0.95


@functools.cache
def eight_phantoms() -> list[np.ndarray]:
    return [draw_phantom(280, 320, lesions=3 * (i % 2), seed=i).pixels for i in range(8)]


@pytest.mark.slow
def test_drawn_films_pass_mostly(predictor):
    phantoms = eight_phantoms()
    assert refused(predictor, phantoms) <= 0.5
    assert refused(predictor, [phantom.T for phantom in phantoms]) == 1  # lying on their side
