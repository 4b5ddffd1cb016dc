"""A drawn chest film of a child (no patient): first examples, and tests.

Beer-Lambert in miniature: every organ is a smooth field of attenuation (thickness times density),
the fields add up, and the film shows ``1 - exp(-attenuation)``: bone bright, lungs dark, air black.

Anatomy is laid out in units of the half-height of the field: x to the viewer's right and y down,
the origin at the film's centre. The patient's right is on the viewer's left, as on a light box.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from pneumonia.synthetic.fields import (
    bezier_distance,
    ellipse,
    hollow_bone,
    smooth_noise,
    soft_step,
    soft_union,
    sphere_thickness,
)
from pneumonia.synthetic.opacity import Lesion, opacity, scatter

SMALLEST = 64  # pixels; below it ribs are thinner than a pixel
ASPECT = 8 / 7  # width / height of the exposed field; what a film has beyond it stays black


@dataclass(frozen=True)
class Phantom:
    """A drawn film and what is known of it.

    Attributes:
        pixels: ``(height, width)`` float32 in 0..1.
        lungs: ``(height, width)`` bool: lung that neither heart nor diaphragm hides.
        lesions: where opacities were drawn.
    """

    pixels: np.ndarray
    lungs: np.ndarray
    lesions: tuple[Lesion, ...]

    def image(self) -> Image.Image:
        """The film as an 8-bit grey picture (mode "L")."""
        return Image.fromarray(np.round(self.pixels * 255).astype(np.uint8))


def draw_phantom(
    height: int = 560, width: int = 640, lesions: Sequence[Lesion] | int = 0, seed: int = 0
) -> Phantom:
    """Draw one film; the same arguments give the same bytes.

    Args:
        height, width: pixels, at least 64 each.
        lesions: where to draw opacities, or how many at random places in the lungs (few fit).
        seed: varies the anatomy. The film below the opacities depends on size and seed alone.

    Raises:
        ValueError: the film is too small, or that many opacities do not fit into its lungs.
    """
    if min(height, width) < SMALLEST:
        raise ValueError(
            f"A film of {height} x {width} pixels is too small to draw: "
            f"both sides need at least {SMALLEST}."
        )
    pixels, lungs = _draw_chest(height, width, np.random.default_rng(seed))
    if isinstance(lesions, int):
        unit = min(height, width / ASPECT)
        lesions = scatter(lungs, lesions, unit, np.random.default_rng((seed, 1)))
    for number, lesion in enumerate(lesions):
        pixels = opacity(pixels, lesion, seed=seed + number)
    return Phantom(pixels, lungs, tuple(lesions))


def _draw_chest(height: int, width: int, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    unit = min(height, width / ASPECT) / 2
    x, y = _frame(height, width, unit, rng)
    side = np.abs(x)  # paired structures are drawn once and mirrored
    broad, tall, heart_size = rng.uniform((0.95, 0.95, 0.92), (1.05, 1.04, 1.10))

    trunk = 1.35 * sphere_thickness(np.hypot(side / (0.85 * broad), np.minimum(y - 0.25, 0) / 1.05))
    shoulders = 0.85 * sphere_thickness(
        bezier_distance(side, y, [(0, -0.66), (0.45, -0.62), (0.82, -0.58)]) / 0.25
    )
    arms = 0.62 * sphere_thickness(
        bezier_distance(side, y, [(0.60, -0.34), (0.84, -0.60), (1.16, -1.30)]) / 0.22
    )
    neck = 0.95 * sphere_thickness(bezier_distance(x, y, [(0, -0.5), (0, -0.9), (0, -1.4)]) / 0.27)
    body = gaussian_filter(np.maximum.reduce([trunk, shoulders, arms, neck]), 0.035 * unit)
    jaw = np.hypot(x / 0.40, (y + 1.16) / 0.34)
    body += 0.9 * sphere_thickness(jaw) + 0.35 * np.exp(-(((jaw - 0.93) / 0.06) ** 2))

    thorax_width, top = 0.73 * broad, -0.74 * tall
    inside = np.hypot(side / thorax_width, np.minimum(y - 0.42, 0) / (0.42 - top))
    right_dome = 0.42 + 1.5 * np.abs(x + 0.30) ** 2.4
    left_dome = 0.49 + 1.5 * np.abs(x - 0.34) ** 2.4
    dome = right_dome + (left_dome - right_dome) * soft_step(x, 0.04)
    below = soft_step(y - dome, 0.008)

    # Great vessels with the aortic knob; right atrium; left ventricle, its apex low and lateral.
    great = 0.15 + 0.035 * np.exp(-(((y + 0.30) / 0.13) ** 2)) * (x > 0) - side
    atrium = 0.2 * (heart_size - np.hypot((x + 0.03) / 0.19, (y - 0.18) / 0.36))
    ventricle = 0.2 * (heart_size - ellipse(x - 0.13, y - 0.20, 0.23, 0.42, -0.55))
    heart = soft_step(soft_union(atrium, ventricle), 0.012)
    middle = soft_step(soft_union(great, atrium, ventricle), 0.010)

    lung = 1.05 * soft_step(1 - inside, 0.012) * (0.45 + 0.55 * sphere_thickness(inside))
    uncovered = (1 - 0.84 * middle) * (1 - 0.9 * below)
    lungs = (inside < 0.97) & (middle < 0.5) & (below < 0.5)
    markings = _vessel_trees(x.shape, unit, rng) + 0.02 * smooth_noise(x.shape, rng, 0.02 * unit)

    attenuation = body - np.minimum(lung * uncovered, 0.85 * body)
    attenuation += 0.22 * heart * (1 - below) + markings * (lung * uncovered > 0.1)
    attenuation += below * soft_step(1 - inside, 0.05) * (0.28 - 0.10 * soft_step(x - 0.1, 0.1))
    attenuation -= 0.34 * soft_step(1 - ellipse(x - 0.42, y - 0.72, 0.18, 0.12, -0.3), 0.05)
    attenuation -= 0.30 * sphere_thickness(
        bezier_distance(x, y, [(0, -1.1), (0, -0.7), (-0.02, -0.28)]) / 0.055
    )
    attenuation += _spine(x, y) + _ribs(side, y, thorax_width, top, rng)
    attenuation += _girdle(side, y)
    attenuation = gaussian_filter(np.maximum(attenuation, 0), 0.0035 * unit)

    film = 1 - np.exp(-0.92 * attenuation)
    mottle = rng.standard_normal(film.shape, np.float32)
    film += 0.012 * mottle * np.sqrt(0.3 + film)
    film = gaussian_filter(film + 0.02, 0.5)
    return _collimate(film, unit).astype(np.float32), lungs


def _spine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Vertebral bodies with discs between them, and a pedicle on either side of each."""
    side, level = np.abs(x), y / 0.128 + 0.9 * np.maximum(-0.6 - y, 0)
    phase = level - np.round(level)  # -0.5..0.5 within one vertebra
    body = soft_step(0.105 + 0.02 * (2 * phase) ** 2 - side, 0.008)
    plates = np.exp(-(((np.abs(phase) - 0.38) / 0.05) ** 2))
    disc = soft_step(np.abs(phase) - 0.43, 0.02)
    pedicle = np.exp(-(((np.hypot((side - 0.07) / 0.024, phase / 0.2) - 1) / 0.45) ** 2))
    return body * (0.36 + 0.10 * plates - 0.22 * disc + 0.13 * pedicle)


def _ribs(
    side: np.ndarray, y: np.ndarray, thorax_width: float, top: float, rng: Generator
) -> np.ndarray:
    """Tilted hoops around the thorax, seen from the front: ellipses, upper half behind."""
    bone = np.zeros_like(y)
    spacing, sag = rng.uniform(0.138, 0.152), rng.uniform(0.26, 0.31)
    for number in range(11):
        start = top + 0.04 + number * spacing
        drop = sag * (0.60 + 0.09 * min(number, 6))
        reach = min(max(0.42 - (start + drop), 0) / (0.42 - top), 0.99)
        across = thorax_width * np.sqrt(1 - reach**2)
        near = 0.034 * max(1, drop / across)  # above and below it there is no bone
        rows = (y > start - near).any(1) & (y < start + 2 * drop + near).any(1)
        u, v = side[rows] / across, (y[rows] - start - drop) / drop
        radius = np.hypot(u, v)
        slope = np.hypot(u / across, v / drop) / np.maximum(radius, 1e-6)
        away = (radius - 1) / np.maximum(slope, 1e-6)  # distance to the ellipse, first order
        tangent = np.clip(1 / (0.35 + np.abs(v)), 0.75, 1.7)  # more bone in the ray at the flank
        front = np.where(v > 0, 0.7 * soft_step(u - 0.6, 0.08), 1)  # cartilage does not show
        beside = soft_step(side[rows] - 0.06, 0.02)  # the spine
        bone[rows] += 0.27 * hollow_bone(away / 0.034) * tangent * front * beside
    return bone


def _girdle(side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Clavicles, upper arm bones and shoulder blades."""
    clavicle = bezier_distance(
        side, y, [(0.11, -0.56), (0.30, -0.58), (0.46, -0.67), (0.70, -0.70)]
    )
    humerus = bezier_distance(side, y, [(0.80, -0.66), (0.92, -0.90), (1.06, -1.40)])
    head = np.hypot(side - 0.79, y + 0.64)
    plate = ellipse(side - 0.68, y + 0.30, 0.13, 0.34, -0.25)
    return (
        0.48 * hollow_bone(clavicle / 0.034)
        + 0.62 * hollow_bone(humerus / 0.062)
        + 0.30 * sphere_thickness(head / 0.085)
        + 0.13 * soft_step(1 - plate, 0.035)
    )


def _vessel_trees(shape: tuple[int, int], unit: float, rng: Generator) -> np.ndarray:
    """Arteries and veins that leave the hila, branch and taper: drawn, then softened."""
    size = (shape[1], shape[0])
    canvas = Image.new("L", size)
    draw, middle = ImageDraw.Draw(canvas), np.tile(size, 2) / 2
    paths = [
        (np.array([sign * rng.uniform(0.10, 0.20), -0.08 + 0.1 * angle]), sign, angle, 0.026)
        for sign in (-1, 1)
        for angle in np.linspace(-1.2, 1.3, 6)
    ]
    while paths:
        point, sign, angle, calibre = paths.pop()
        for _ in range(3):
            start, angle = point, angle + rng.normal(0, 0.13)
            point = start + 0.05 * np.array([sign * np.cos(angle), np.sin(angle)])
            line = np.concatenate([start, point]) * unit + middle
            draw.line(line.tolist(), int(5000 * calibre), max(round(calibre * unit), 1))
        if calibre > 0.007:
            fork = rng.uniform(0.15, 0.5)
            paths += [(point, sign, angle + turn, 0.66 * calibre) for turn in (-fork, fork)]
    return 0.30 * gaussian_filter(np.asarray(canvas, np.float32) / 255, 0.008 * unit)


def _collimate(film: np.ndarray, unit: float) -> np.ndarray:
    """Soft black edges where the collimator closes, and the side marker in lead letters."""
    height, width = film.shape
    marker = Image.new("L", (width, height))
    rows = unit - np.abs(np.arange(height)[:, None] + 0.5 - height / 2)
    cols = unit * ASPECT - np.abs(np.arange(width)[None, :] + 0.5 - width / 2)
    film = film * soft_step(np.minimum(rows, cols) / unit - 0.03, 0.005)
    font, place = ImageFont.load_default(max(0.1 * unit, 8)), (width / 2, height / 2)
    place = (place[0] - 0.93 * unit, place[1] - 0.56 * unit)
    ImageDraw.Draw(marker).text(place, "R", 255, font)
    return np.clip(np.maximum(film, 0.93 * gaussian_filter(np.asarray(marker) / 255, 0.4)), 0, 1)


def _frame(height: int, width: int, unit: float, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of every pixel, a little rotated and bent so that no two sides are equal."""
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5 - height / 2) / unit
    x = (np.arange(width, dtype=np.float32)[None, :] + 0.5 - width / 2) / unit
    turn, shift = rng.normal(0, 0.02), rng.normal(0, 0.02)
    x, y = x + turn * y + shift, y - turn * x
    x = x + 0.012 * smooth_noise(x.shape, rng, 0.45 * unit)
    return x, y + 0.012 * smooth_noise(y.shape, rng, 0.45 * unit)
