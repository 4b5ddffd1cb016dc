import numpy as np

from pneumonia.overlay import FAINT, FULL_STRENGTH, film_image, heat_layer, overlay, signed_overlay

FILM = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))


def test_no_evidence_leaves_the_film_as_it_is():
    quiet = overlay(FILM, np.zeros((5, 5), np.float32), opacity=1)
    assert quiet.size == (60, 40)
    np.testing.assert_array_equal(np.asarray(quiet), np.asarray(film_image(FILM).convert("RGB")))


def test_strength_is_absolute():
    """A weak map stays weak: nothing is scaled to the film's own maximum."""
    even = np.full((5, 5), FULL_STRENGTH, np.float32)
    layers = [heat_layer(even * f, (50, 50)) for f in (0.1, 1, 9)]
    weak, full, beyond = (np.asarray(strength) for _, strength in layers)
    assert 0 < weak.max() < 60 and full.min() == 255
    np.testing.assert_array_equal(beyond, full)
    np.testing.assert_array_equal(layers[1][0], layers[2][0])


def test_heat_lies_where_the_map_has_it():
    cell = np.zeros((4, 6), np.float32)
    cell[3, 0] = FULL_STRENGTH
    strength = np.asarray(heat_layer(cell, (60, 40))[1])
    y, x = np.unravel_index(strength.argmax(), strength.shape)
    assert y >= 30 and x < 10
    assert strength[:20].max() == 0 and strength[:, 30:].max() == 0


def test_colour_grows_evenly_lighter_with_strength():
    ramp = np.linspace(0, FULL_STRENGTH, 30, dtype=np.float32)[None].repeat(30, 0)
    rgb = np.asarray(heat_layer(ramp, (30, 30))[0])[15, 2:-2] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(rgb) >= 0).all() and rgb[-1] - rgb[0] > 100


def test_opacity():
    heat = np.full((3, 3), FULL_STRENGTH, np.float32)
    film = np.asarray(film_image(FILM).convert("RGB")).astype(int)
    none, half, full = (np.asarray(overlay(FILM, heat, o)).astype(int) for o in (0, 0.5, 1))
    np.testing.assert_array_equal(none, film)
    assert np.abs(half - (film + full) / 2).max() <= 2


def test_a_signed_map_is_warm_above_cool_below_and_nothing_between():
    signed = FULL_STRENGTH * np.array([[1, 0.99 * FAINT / FULL_STRENGTH, -1]], np.float32)
    grey = np.full((40, 60), 0.5, np.float32)
    seen = np.asarray(signed_overlay(grey, signed)).astype(int)
    warm, quiet, cool = seen[20, 2], seen[20, 30], seen[20, 57]
    assert warm[0] > warm[2] + 60 and cool[2] > cool[0] + 60
    assert np.ptp(quiet) == 0 < quiet[0] < 128  # darkened, not coloured
    luminance = seen[20, [2, 57]] @ [0.2126, 0.7152, 0.0722]
    assert abs(luminance[0] - luminance[1]) < 25  # neither side shouts down the other
    none = np.asarray(signed_overlay(grey, signed, opacity=0))
    np.testing.assert_array_equal(none, np.asarray(film_image(grey).convert("RGB")))
