import numpy as np

from pneumonia.overlay import FAINT, FULL_STRENGTH, SHADE, film_image, overlay

FILM = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))


def test_no_evidence_leaves_a_darker_film_and_no_colour():
    quiet = np.asarray(overlay(FILM, np.zeros((5, 5), np.float32), opacity=1)).astype(int)
    assert quiet.shape == (40, 60, 3) and np.ptp(quiet, axis=2).max() == 0
    film = np.asarray(film_image(FILM)).astype(int)
    assert np.abs(quiet[..., 0] - film * (1 - SHADE)).max() <= 1


def test_strength_is_absolute():
    """A weak map stays weak: nothing is scaled to the film's own maximum."""
    even = np.full((5, 5), FULL_STRENGTH, np.float32)
    weak, full, beyond = (np.asarray(overlay(FILM, even * f)).astype(int) for f in (0.1, 1, 9))
    np.testing.assert_array_equal(beyond, full)
    colour = [np.ptp(seen, axis=2).mean() for seen in (weak, full)]
    assert 0 < colour[0] < 0.6 * colour[1]


def test_colour_lies_where_the_map_has_it():
    cell = np.zeros((4, 6), np.float32)
    cell[3, 0] = FULL_STRENGTH
    colour = np.ptp(np.asarray(overlay(np.full((40, 60), 0.5, np.float32), cell)), axis=2)
    y, x = np.unravel_index(colour.argmax(), colour.shape)
    assert y >= 30 and x < 10
    assert colour[:20].max() == 0 and colour[:, 30:].max() == 0


def test_opacity():
    heat = np.full((3, 3), FULL_STRENGTH, np.float32)
    film = np.asarray(film_image(FILM).convert("RGB")).astype(int)
    none, half, full = (np.asarray(overlay(FILM, heat, o)).astype(int) for o in (0, 0.5, 1))
    np.testing.assert_array_equal(none, film)
    away = [np.abs(seen - film).mean() for seen in (half, full)]
    assert 0 < away[0] < away[1]


def test_a_signed_map_is_warm_above_cool_below_and_nothing_between():
    signed = FULL_STRENGTH * np.array([[1, 0.99 * FAINT / FULL_STRENGTH, -1]], np.float32)
    grey = np.full((40, 60), 0.5, np.float32)
    seen = np.asarray(overlay(grey, signed)).astype(int)
    warm, quiet, cool = seen[20, 2], seen[20, 30], seen[20, 57]
    assert warm[0] > warm[2] + 60 and cool[2] > cool[0] + 60
    assert np.ptp(quiet) == 0 < quiet[0] < 128  # darkened, not coloured
    luminance = seen[20, [2, 57]] @ [0.2126, 0.7152, 0.0722]
    assert abs(luminance[0] - luminance[1]) < 25  # neither side shouts down the other
    none = np.asarray(overlay(grey, signed, opacity=0))
    np.testing.assert_array_equal(none, np.asarray(film_image(grey).convert("RGB")))
