"""Drawn pictures that are no chest films, to be refused: blank, noise, text, hands, limbs …"""

from functools import cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumonia.synthetic.fields import (
    bezier_distance,
    ellipse,
    hollow_bone,
    smooth_noise,
    sphere_thickness,
)

SIDE = 400
JOINTS = (0, 0.5, 0.8, 1)  # of a finger, from the knuckle to the tip
_WORDS = "The quick brown fox jumps over the lazy dog while nobody looks at the film. "


def draw_distractors(seed: int = 0) -> dict[str, list[np.ndarray]]:
    """kind → pictures ``(400, 400)`` float32 0..1; the seed is of noise and hands."""
    return {kind: [one.copy() for one in drawn] for kind, drawn in _distractors(seed).items()}


@cache
def _distractors(seed: int) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    blob = np.exp(-2 * (x**2 + y**2))
    checks = ((np.indices((SIDE, SIDE)) // 25).sum(0) % 2).astype(np.float32)
    white = [rng.normal(0.5, spread, (SIDE, SIDE)).clip(0, 1) for spread in (0.05, 0.2, 0.5)]
    grains = [np.kron(rng.random((SIDE // n, SIDE // n)), np.ones((n, n))) for n in (4, 20, 50)]
    pictures = {
        "blank": [np.full((SIDE, SIDE), grey) for grey in (0, 0.5, 1)],
        "noise": white + grains,
        "text": [_text(size, dark) for size in (12, 24, 60) for dark in (True, False)],
        "patterns": [
            (x + 1) / 2,
            (y + 1) / 2,
            blob,
            1 - blob,
            checks,
            (abs(x) < 0.3).astype(float),
        ],
        "hands": [_hand(x * side, y, rng) for side in (1, -1, 1)],
    }
    return {kind: [p.astype(np.float32) for p in drawn] for kind, drawn in pictures.items()}


def draw_limbs(count: int, side: int = 224) -> list[np.ndarray]:
    """``count`` hands and ``count`` limbs, each another: ``(side, side)`` float32 0..1."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    pictures = []
    for _ in range(count):
        zoom, mirror = rng.uniform(0.7, 1.6), rng.choice([-1, 1])
        across, down = rng.uniform((-0.3, -0.4), (0.3, 0.4))
        pictures += [_hand(mirror * zoom * x + across, zoom * y + down, rng), _limb(x, y, rng)]
    return [picture.astype(np.float32) for picture in pictures]


def _limb(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A radiograph of long bones that meet in a joint, one or two on either side, in the flesh."""
    turn, wide, joint = rng.uniform((0, 0.25, -0.8), (np.pi, 0.7, 0.8))
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    flesh = sphere_thickness(np.abs(u + 0.1 * np.sin(2 * v)) / wide)
    film = rng.uniform(0, 0.1) + rng.uniform(0.2, 0.45) * flesh
    flare = 1 + 0.6 * np.exp(-(((v - joint) / 0.25) ** 2))
    for side in (-1, 1):
        for _ in range(rng.integers(1, 3)):
            at, radius = rng.uniform((-0.5, 0.12), (0.5, 0.4)) * wide
            ends = [(at, joint + 0.06 * side), (at + rng.uniform(-0.1, 0.1), 2.5 * side)]
            reach = bezier_distance(u, v, ends, pieces=3) / (radius * flare)
            film += rng.uniform(0.2, 0.55) * hollow_bone(np.where(side * (v - joint) > 0, reach, 9))
    return (film + rng.uniform(0, 0.04) * smooth_noise(x.shape, rng, rng.uniform(2, 12))).clip(0, 1)


def _hand(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A radiograph of a hand: each finger a row of hollow bones, the flesh around them."""
    wrist = np.array([0.02, 0.62])
    knuckles = [(-0.34, 0.34), (-0.24, 0.0), (-0.06, -0.06), (0.12, -0.03), (0.28, 0.08)]
    tips = [(-0.72, 0.0), (-0.4, -0.62), (-0.08, -0.8), (0.24, -0.68), (0.52, -0.4)]
    flesh = sphere_thickness(ellipse(x + 0.02, y - 0.32, 0.4, 0.46, 0)) + sphere_thickness(
        bezier_distance(x, y, [wrist, (0, 2)]) / 0.22
    )
    bone = hollow_bone(bezier_distance(x, y, [(-0.07, 0.78), (-0.07, 2)]) / 0.08)
    bone += hollow_bone(bezier_distance(x, y, [(0.09, 0.8), (0.09, 2)]) / 0.06)
    for knuckle, tip in zip(knuckles, tips, strict=True):
        knuckle = np.array(knuckle)
        tip = np.array(tip) + rng.normal(0, 0.03, 2)
        flesh = np.maximum(
            flesh, 0.8 * sphere_thickness(bezier_distance(x, y, [wrist, knuckle, tip]) / 0.11)
        )
        joints = [
            wrist + 0.25 * (knuckle - wrist),
            *(knuckle + t * (tip - knuckle) for t in JOINTS),
        ]
        for i, (start, end) in enumerate(pairwise(joints)):
            gap = 0.08 * (end - start)
            reach = bezier_distance(x, y, [start + gap, end - gap], pieces=1)
            bone = np.maximum(bone, hollow_bone(reach / (0.055 - 0.006 * i)))
    for _ in range(8):  # the carpus
        cx, cy = wrist + rng.uniform((-0.14, -0.06), (0.14, 0.12))
        bone = np.maximum(bone, 0.9 * sphere_thickness(ellipse(x - cx, y - cy, 0.07, 0.06, 0)))
    film = 0.04 + 0.3 * flesh.clip(0, 1.2) + 0.5 * bone.clip(0, 1)
    return (film + 0.01 * smooth_noise(film.shape, rng, 3)).clip(0, 1)


def _text(size: int, dark: bool) -> np.ndarray:
    picture = Image.new("L", (SIDE, SIDE), 0 if dark else 255)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for line in range(SIDE // size):
        at = (5, line * size * 1.2)
        draw.text(at, _WORDS[3 * line :], fill=255 if dark else 0, font=font)
    return np.asarray(picture, np.float32) / 255
