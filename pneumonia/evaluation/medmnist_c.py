"""MedMNIST-C's thirteen corruptions of PneumoniaMNIST, each at five severities.

Di Salvo et al. 2024, "MedMNIST-C: Comprehensive benchmark and improved classifier robustness by
simulating realistic image corruptions": the parameters are those of the package ``medmnistc``
0.1.0, the functions those that it calls (Pillow, torchvision, numpy), but seeded.
"""

import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torchvision.transforms.functional import adjust_gamma, gaussian_blur, to_pil_image

Change = Callable[[Image.Image, float, np.random.Generator], "Image.Image | np.ndarray"]


def _jpeg(film: Image.Image, quality: float, rng: np.random.Generator) -> Image.Image:
    film.save(file := io.BytesIO(), "JPEG", quality=int(quality))
    return Image.open(file)


def _pixelate(film: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    small = film.resize((int(film.width * share), int(film.height * share)), Image.Resampling.BOX)
    return small.resize(film.size, Image.Resampling.BOX)


def _impulse(film: Image.Image, amount: float, rng: np.random.Generator) -> np.ndarray:
    pixels, chance = np.array(film), rng.random((film.height, film.width))
    pixels[chance < amount] = np.where(rng.random(film.size[::-1]) < 0.5, 255, 0)[chance < amount]
    return pixels


def _noisy(change: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]) -> Change:
    def apply(film: Image.Image, level: float, rng: np.random.Generator) -> np.ndarray:
        noisy = change(np.asarray(film) / 255, level, rng)
        return (noisy.clip(0, 1) * 255).astype(np.uint8)

    return apply


def _gamma(film: Image.Image, gamma: float, rng: np.random.Generator) -> Image.Image:
    return adjust_gamma(film, gamma)  # pyright: ignore[reportReturnType, reportArgumentType]


def _contrast(film: Image.Image, factor: float, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(film).enhance(factor)


def _brightness(film: Image.Image, factor: float, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(film).enhance(factor)


def _blur(film: Image.Image, kernel: float, rng: np.random.Generator) -> Image.Image:
    return gaussian_blur(film, [int(kernel)] * 2)  # pyright: ignore[reportReturnType, reportArgumentType]


SUITE: dict[str, tuple[Change, tuple[float, ...]]] = {
    "pixelate": (_pixelate, (0.8, 0.7, 0.6, 0.5, 0.4)),
    "JPEG": (_jpeg, (50, 30, 15, 10, 7)),
    "Gaussian noise": (
        _noisy(lambda film, c, rng: film + rng.normal(scale=c, size=film.shape)),
        (0.04, 0.05, 0.06, 0.07, 0.08),
    ),
    "speckle noise": (
        _noisy(lambda film, c, rng: film + film * rng.normal(scale=c, size=film.shape)),
        (0.05, 0.07, 0.1, 0.15, 0.2),
    ),
    "impulse noise": (_impulse, (0.005, 0.01, 0.013, 0.017, 0.02)),
    "shot noise": (
        _noisy(lambda film, c, rng: rng.poisson(film * c) / c),
        (300, 200, 150, 100, 80),
    ),
    "Gaussian blur": (_blur, (3, 5, 7, 9, 11)),
    "brightness up": (_brightness, (1.1, 1.2, 1.3, 1.4, 1.5)),
    "brightness down": (_brightness, (0.9, 0.8, 0.7, 0.6, 0.5)),
    "contrast up": (_contrast, (1.1, 1.2, 1.3, 1.4, 1.6)),
    "contrast down": (_contrast, (0.9, 0.8, 0.7, 0.6, 0.4)),
    "gamma up": (_gamma, (1.1, 1.2, 1.3, 1.4, 1.6)),
    "gamma down": (_gamma, (0.9, 0.8, 0.7, 0.6, 0.4)),
}


def corrupt(images: torch.Tensor, name: str, severity: int) -> torch.Tensor:
    """``(N, 1, h, w)`` uint8 films → the same under a corruption of ``SUITE``.

    Args:
        images: the films.
        name: of the corruption.
        severity: 0 to 4.
    """
    change, levels = SUITE[name]
    rng = np.random.default_rng(severity)
    films = [np.array(change(to_pil_image(film), levels[severity], rng)) for film in images]
    return torch.from_numpy(np.stack(films))[:, None]
