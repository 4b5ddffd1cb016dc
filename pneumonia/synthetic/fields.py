"""What the phantom is drawn with: distances to shapes, thickness along the ray, smooth noise.

Fields are ``(height, width)`` float arrays over the same pixels.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter, zoom


def smooth_noise(shape: tuple[int, ...], rng: Generator, scale: float) -> np.ndarray:
    """Smooth noise, mean 0 and deviation about 1, with features of about ``scale`` pixels."""
    step = max(scale / 3, 1)
    noise = rng.normal(size=[int(n / step) + 4 for n in shape])
    coarse = gaussian_filter(noise / 0.19, 1.5).astype(np.float32)
    return np.asarray(zoom(coarse, step, order=1))[: shape[0], : shape[1]]


def bezier_distance(
    x: np.ndarray, y: np.ndarray, points: Sequence[ArrayLike], pieces: int = 10
) -> np.ndarray:
    """Distance to the Bezier curve of control points (x, y) (de Casteljau, in straight pieces)."""
    t = np.linspace(0, 1, pieces + 1, dtype=np.float32)[:, None]
    knots = list(np.array(points, np.float32)[:, None])
    while len(knots) > 1:
        knots = [(1 - t) * a + t * b for a, b in pairwise(knots)]
    nearest = np.full(x.shape, np.inf, np.float32)
    for (x0, y0), (x1, y1) in pairwise(knots[0]):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2), 0, 1)
        nearest = np.minimum(nearest, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2)
    return np.sqrt(nearest)


def ellipse(x: np.ndarray, y: np.ndarray, a: float, b: float, turn: float) -> np.ndarray:
    """Distance from the centre in radii of a turned ellipse: 1 on its outline."""
    cos, sin = np.cos(turn), np.sin(turn)
    return np.hypot((x * cos + y * sin) / a, (y * cos - x * sin) / b)


def soft_union(*depths: np.ndarray) -> np.ndarray:
    """Depth inside of several shapes together, their junctions rounded."""
    return 0.025 * np.logaddexp.reduce([depth / 0.025 for depth in depths])


def sphere_thickness(reach: np.ndarray) -> np.ndarray:
    """Thickness of a ball along the ray: 1 in the centre, 0 from ``reach`` 1 on."""
    return np.sqrt(np.clip(1 - reach**2, 0, 1))


def hollow_bone(reach: np.ndarray) -> np.ndarray:
    """Thickness of a hollow bone along the ray: the cortex shows as two bright lines."""
    return sphere_thickness(reach) - 0.45 * sphere_thickness(reach / 0.7)


def soft_step(depth: np.ndarray, softness: float) -> np.ndarray:
    """1 inside (``depth`` above 0), 0 outside, soft in between."""
    return 0.5 + 0.5 * np.tanh(depth / (2 * softness))
