"""Text in a film's rim is seen, a side marker and the body are not taken for it."""

import functools

import numpy as np
import pytest
from factories import ROOT
from PIL import ImageDraw, ImageFont

from pneumonia.reading.burned_in import has_text
from pneumonia.reading.radiograph import read_radiograph
from pneumonia.synthetic.phantom import draw_phantom


@functools.cache  # it takes a second
def drawn():
    return draw_phantom(1000, 1250, seed=4).image()


def written(text: str, height: int, place: tuple[float, float] = (0.03, 0.03)):
    picture = drawn().copy()
    at = (place[0] * picture.width, place[1] * picture.height)
    ImageDraw.Draw(picture).text(at, text, fill=255, font=ImageFont.load_default(height))
    return read_radiograph(picture).pixels


@pytest.mark.parametrize("height", [18, 26, 38])
def test_words_in_the_rim_are_seen(height):
    assert has_text(written("MILLER ANNA", height))
    assert has_text(written("12.04.2019", height, place=(0.7, 0.93)))


def test_a_side_marker_is_none_and_nor_is_what_stands_in_the_middle():
    assert not has_text(written("L", 60)) and not has_text(written("R", 26))
    assert not has_text(written("MILLER ANNA", 26, place=(0.4, 0.5)))


def test_films_without_words_pass():
    for seed in range(4):
        assert not has_text(draw_phantom(700, 900, seed=seed).pixels), seed
    shipped = sorted((ROOT / "examples").glob("film-*.*"))
    assert not any(has_text(read_radiograph(path).pixels) for path in shipped)
    for shape in ((40, 4000), (32, 50_000), (1, 1)):
        assert not has_text(np.ones(shape, np.float32)), shape
