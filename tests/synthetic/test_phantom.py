import numpy as np
import pytest

from pneumonia.synthetic.opacity import Lesion, opacity
from pneumonia.synthetic.phantom import Phantom, draw_phantom

SIZE = (280, 320)


@pytest.fixture(scope="module")
def film() -> Phantom:
    return draw_phantom(*SIZE)


def patch(film: Phantom, x: float, y: float) -> float:
    """Mean of a small square around (x, y), fractions of width and height."""
    height, width = film.pixels.shape
    row, col = int(y * height), int(x * width)
    return float(film.pixels[row - 6 : row + 7, col - 6 : col + 7].mean())


def test_same_arguments_same_bytes() -> None:
    one, two = (draw_phantom(*SIZE, lesions=2, seed=5) for _ in range(2))
    assert one.pixels.tobytes() == two.pixels.tobytes()
    assert one.lesions == two.lesions
    assert one.image().tobytes() == two.image().tobytes()


def test_seeds_give_different_children(film: Phantom) -> None:
    other = draw_phantom(*SIZE, seed=1)
    assert np.abs(other.pixels - film.pixels).mean() > 0.01
    assert (other.lungs != film.lungs).mean() > 0.005


@pytest.mark.parametrize("size", [SIZE, (64, 64), (240, 120), (100, 301)])
def test_shapes_types_and_range(size: tuple[int, int]) -> None:
    film = draw_phantom(*size)
    assert film.pixels.shape == film.lungs.shape == size
    assert film.pixels.dtype == np.float32 and film.lungs.dtype == bool
    assert 0 <= film.pixels.min() < 0.05 and 0.7 < film.pixels.max() <= 1
    assert film.lesions == ()
    image = film.image()
    assert image.mode == "L" and image.size == size[::-1]
    assert np.abs(np.asarray(image) / 255 - film.pixels).max() <= 0.5 / 255 + 1e-6


def test_default_size() -> None:
    assert draw_phantom().pixels.shape == (560, 640)


@pytest.mark.parametrize("seed", range(4))
def test_anatomy_is_where_it_belongs(seed: int) -> None:
    film = draw_phantom(*SIZE, seed=seed)
    lung = film.pixels[film.lungs].mean()
    assert lung + 0.2 < patch(film, 0.50, 0.50)  # mediastinum and spine
    assert lung + 0.2 < patch(film, 0.36, 0.85)  # liver below the right dome
    assert patch(film, 0.03, 0.75) < 0.1 < lung  # air beside the child is black
    left, right = film.lungs[:, : SIZE[1] // 2].sum(), film.lungs[:, SIZE[1] // 2 :].sum()
    assert right < left  # the heart takes its room on the viewer's right
    assert patch(film, 0.62, 0.62) > patch(film, 0.38, 0.62) + 0.15  # heart, not lung
    tops = [int(np.flatnonzero(film.lungs[:, int(x * SIZE[1])])[-1]) for x in (0.27, 0.76)]
    assert tops[0] < tops[1]  # the right dome stands higher


def test_marker_is_on_the_viewers_left(film: Phantom) -> None:
    half = film.pixels[int(0.18 * SIZE[0]) : int(0.32 * SIZE[0])]
    assert half[:, : int(0.15 * SIZE[1])].max() > 0.85
    assert half[:, -int(0.15 * SIZE[1]) :].max() < 0.8


def test_a_lesion_changes_its_circle_only(film: Phantom) -> None:
    lesion = Lesion(0.30, 0.55, 0.09)
    ill = draw_phantom(*SIZE, lesions=[lesion])
    assert ill.lesions == (lesion,)
    change, reach = ill.pixels - film.pixels, lesion.distance(*SIZE)
    assert change[reach < 0.5].mean() > 0.15
    assert change[reach < 1].min() >= 0
    assert not change[reach >= 1].any()
    assert np.array_equal(ill.lungs, film.lungs)


def test_lesion_units() -> None:
    """x of the width, y of the height, the radius of the width: on a film that is not square."""
    inside = Lesion(0.25, 0.5, 0.1).distance(100, 400) < 1
    rows, cols = np.nonzero(inside)
    assert (rows.min(), rows.max()) == (10, 89)
    assert (cols.min(), cols.max()) == (60, 139)


@pytest.mark.parametrize("seed", range(5))
def test_random_lesions_lie_in_the_lungs_and_apart(seed: int) -> None:
    film = draw_phantom(*SIZE, lesions=3, seed=seed)
    assert len(film.lesions) == 3
    inside = [lesion.distance(*SIZE) < 1 for lesion in film.lesions]
    for lesion, circle in zip(film.lesions, inside, strict=True):
        assert film.lungs[int(lesion.y * SIZE[0]), int(lesion.x * SIZE[1])]
        assert film.lungs[circle].mean() > 0.75
    assert np.sum(inside, axis=0).max() == 1
    healthy = draw_phantom(*SIZE, seed=seed)
    assert all((film.pixels - healthy.pixels)[circle].mean() > 0.03 for circle in inside)


def test_places_differ_between_seeds() -> None:
    assert len({draw_phantom(96, 110, 1, seed=seed).lesions for seed in range(4)}) == 4


def test_opacity_on_any_film() -> None:
    pixels = np.random.default_rng(0).random((90, 70)).astype(np.float32)
    pixels[40:50, 30:40] = 1
    before = pixels.copy()
    for lesion in (Lesion(0.5, 0.5, 0.3), Lesion(0, 0, 0.5), Lesion(1, 1, 0.001)):
        ill = opacity(pixels, lesion, strength=5)
        assert ill.dtype == np.float32 and ill.shape == pixels.shape
        assert ill.min() >= 0 and ill.max() <= 1
        assert (ill >= pixels).all()
        assert not np.shares_memory(ill, pixels)
    assert np.array_equal(pixels, before)


def test_opacity_strength_and_seed() -> None:
    grey, lesion = np.full((80, 80), 0.3, np.float32), Lesion(0.5, 0.5, 0.3)
    assert np.array_equal(opacity(grey, lesion, strength=0), grey)
    faint, dense = (opacity(grey, lesion, strength=s).mean() for s in (0.3, 1.0))
    assert 0.3 < faint < dense
    assert np.array_equal(opacity(grey, lesion, seed=1), opacity(grey, lesion, seed=1))
    assert not np.array_equal(opacity(grey, lesion, seed=1), opacity(grey, lesion, seed=2))


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"too small to draw.*at least 64"):
        draw_phantom(63, 640)
    with pytest.raises(ValueError, match="give 0 or more"):
        draw_phantom(*SIZE, lesions=-1)
    with pytest.raises(ValueError, match=r"Only .* of 50 opacities fit"):
        draw_phantom(*SIZE, lesions=50)
    for x, y, radius in [(1.1, 0.5, 0.1), (0.5, -0.1, 0.1), (0.5, 0.5, 0), (0.5, np.nan, 0.1)]:
        with pytest.raises(ValueError, match="does not lie on a film"):
            Lesion(x, y, radius)
    lesion = Lesion(0.5, 0.5, 0.1)
    for pixels in (np.zeros((5, 5, 3)), np.full((5, 5), 255), np.full((5, 5), np.nan)):
        with pytest.raises(ValueError, match="2-D array with values from 0 to 1"):
            opacity(pixels, lesion)
    with pytest.raises(ValueError, match="strength"):
        opacity(np.zeros((5, 5)), lesion, strength=-1)
