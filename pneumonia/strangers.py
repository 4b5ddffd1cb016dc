"""Drawn pictures that are no films at all, for checks of the gate: blank, noise, text, patterns."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 400
_WORDS = "The quick brown fox jumps over the lazy dog while nobody looks at the film. "


def draw_strangers() -> dict[str, list[np.ndarray]]:
    """kind → pictures ``(400, 400)`` float32 0..1: blank, noise, text, patterns."""
    rng = np.random.default_rng(0)
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
    }
    return {kind: [p.astype(np.float32) for p in drawn] for kind, drawn in pictures.items()}


def _text(size: int, dark: bool) -> np.ndarray:
    picture = Image.new("L", (SIDE, SIDE), 0 if dark else 255)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for line in range(SIDE // size):
        at = (5, line * size * 1.2)
        draw.text(at, _WORDS[3 * line :], fill=255 if dark else 0, font=font)
    return np.asarray(picture, np.float32) / 255
