"""Opacities of known place, as consolidations look, pasted into any film."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.ndimage import distance_transform_edt

from pneumonia.synthetic.fields import smooth_noise


@dataclass(frozen=True)
class Lesion:
    """A round region that holds one opacity; no pixel outside of it is touched.

    ``x`` and ``y`` are the centre as fractions of the film's width and height (0 is the left or
    upper edge, 1 the right or lower one); ``radius`` is a fraction of the **width** (0..0.5], so a
    pixel (row, col) lies inside when
    ``hypot(col + 0.5 - x * width, row + 0.5 - y * height) < radius * width``.
    """

    x: float
    y: float
    radius: float

    def __post_init__(self) -> None:
        if not (0 <= self.x <= 1 and 0 <= self.y <= 1 and 0 < self.radius <= 0.5):
            raise ValueError(
                f"{self} does not lie on a film: x and y are fractions from 0 to 1, "
                "radius is a fraction of the width above 0 and up to 0.5."
            )

    def distance(self, height: int, width: int) -> np.ndarray:
        """Distance of every pixel from the centre in radii, (height, width): inside is below 1."""
        rows = np.arange(height)[:, None] + 0.5 - self.y * height
        cols = np.arange(width)[None, :] + 0.5 - self.x * width
        return np.hypot(rows, cols) / (self.radius * width)


def opacity(pixels: np.ndarray, lesion: Lesion, strength: float = 0.8, seed: int = 0) -> np.ndarray:
    """Paste one consolidation-like opacity, patchy and with fluffy edges, into any film.

    It adds attenuation, so no pixel gets darker and bright structures saturate as they do on film.

    Args:
        pixels: (height, width), 0..1, bone bright. It is not modified.
        lesion: where.
        strength: attenuation added in the densest part; 0.7 halves the remaining darkness.
        seed: of its lobes and grain: the same one gives the same opacity.

    Returns:
        A new array, float32 (height, width) 0..1, equal to ``pixels`` outside the lesion's circle.

    Raises:
        ValueError: pixels are not a grey film in 0..1, or strength is negative.
    """
    film = np.array(pixels, dtype=np.float32)
    if film.ndim != 2 or not film.size or not (film.min() >= 0 and film.max() <= 1):
        raise ValueError("An opacity needs a grey film: a 2-D array with values from 0 to 1.")
    if not strength >= 0:
        raise ValueError(f"An opacity cannot have the strength {strength}: give 0 or more.")
    reach = lesion.distance(*film.shape)
    rows, cols = (np.flatnonzero((reach < 1).any(axis)) for axis in (1, 0))
    if not rows.size:  # smaller than a pixel
        return film
    box = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    reach, rng = reach[box], np.random.default_rng(seed)
    depth = np.clip(1 - reach, 0, 1)
    lobes, acini = (smooth_noise(reach.shape, rng, reach.shape[1] / n) for n in (3, 9))
    dense = np.clip(1.5 * depth + depth**0.7 * (0.38 * lobes + 0.08 * acini), 0, 1)
    added = strength * dense**2 * (3 - 2 * dense) * np.clip(0.9 + 0.07 * acini, 0, 1.2)
    film[box] = np.minimum(film[box] - (1 - film[box]) * np.expm1(-added), 1)
    return film


def scatter(lungs: np.ndarray, count: int, unit: float, rng: Generator) -> list[Lesion]:
    """Circles that lie mostly in the lungs and do not overlap.

    Args:
        lungs: ``(height, width)`` bool.
        count: how many.
        unit: pixels, of which the circles' radii are 0.065 to 0.10.
        rng: draws places and radii.

    Raises:
        ValueError: that many do not fit, or the count is negative.
    """
    if count < 0:
        raise ValueError(f"{count} opacities cannot be drawn: give 0 or more.")
    height, width = lungs.shape
    free, found = distance_transform_edt(lungs), []
    for _ in range(count):
        radius = rng.uniform(0.065, 0.10) * unit / width
        room = free > 0.7 * radius * width
        for other in found:
            room &= other.distance(height, width) * other.radius > other.radius + radius
        places = np.argwhere(room)
        if not len(places):
            raise ValueError(f"Only {len(found)} of {count} opacities fit: ask for fewer.")
        row, col = rng.choice(places)
        found.append(Lesion(float((col + 0.5) / width), float((row + 0.5) / height), radius))
    return found
