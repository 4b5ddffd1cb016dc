"""Films as the world delivers them: named, fixed changes.

Unlike the training augmentation these are few, moderate and not random, so that the figures under
each of them can be compared from run to run.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torchvision.io import decode_jpeg, encode_jpeg
from torchvision.transforms.functional import InterpolationMode, gaussian_blur, rotate

Corruption = Callable[[torch.Tensor], torch.Tensor]


def jpeg(quality: int) -> Corruption:
    """Through a JPEG file of this quality."""

    def change(films: torch.Tensor) -> torch.Tensor:
        images = (films * 255).round().to(torch.uint8)
        files = [encode_jpeg(image, quality=quality) for image in images]
        return torch.stack([decode_jpeg(file) for file in files]) / 255  # pyright: ignore[reportArgumentType]

    return change


def resolution(share: float) -> Corruption:
    """Through a copy of ``share`` of the film's side."""

    def change(films: torch.Tensor) -> torch.Tensor:
        small = F.interpolate(films, scale_factor=share, mode="bilinear", antialias=True)
        return F.interpolate(small, films.shape[-2:], mode="bilinear")

    return change


def window(width: float, height: float) -> Corruption:
    """The middle ``width`` × ``height`` of the film fills it; black beyond the film's edge."""

    def change(films: torch.Tensor) -> torch.Tensor:
        theta = torch.tensor([[width, 0, 0], [0, height, 0]], dtype=films.dtype)
        where = F.affine_grid(
            theta.expand(len(films), 2, 3), list(films.shape), align_corners=False
        )
        return F.grid_sample(films, where, padding_mode="zeros", align_corners=False)

    return change


def mask_corners(films: torch.Tensor) -> torch.Tensor:
    """Black squares over the corners, where side markers and texts are."""
    films, side = films.clone(), films.shape[-1] // 6
    for rows in (slice(side), slice(-side, None)):
        for columns in (slice(side), slice(-side, None)):
            films[..., rows, columns] = 0
    return films


def noise(films: torch.Tensor) -> torch.Tensor:
    """Gaussian noise of 3 % of the grey range, the same for all films."""
    generator = torch.Generator().manual_seed(0)
    return (films + 0.03 * torch.randn(films.shape[1:], generator=generator)).clamp(0, 1)


CORRUPTIONS: dict[str, Corruption] = {
    "clean": lambda films: films,
    "JPEG 75": jpeg(75),
    "JPEG 50": jpeg(50),
    "JPEG 30": jpeg(30),
    "blur": lambda films: gaussian_blur(films, [7, 7], [1.2]),
    "half resolution": resolution(1 / 2),
    "quarter resolution": resolution(1 / 4),
    "gamma 0.7": lambda films: films**0.7,
    "gamma 1.4": lambda films: films**1.4,
    "low contrast": lambda films: 0.3 + 0.4 * films,
    "tight crop": window(0.85, 0.85),
    "loose crop": window(1.1, 1.1),
    "wider": window(0.8, 1),
    "taller": window(1, 0.8),
    "markers masked": mask_corners,
    "noise": noise,
    "rotated 5°": lambda films: rotate(films, 5, InterpolationMode.BILINEAR),
}


def corrupt(images: torch.Tensor, name: str) -> torch.Tensor:
    """``(N, 1, 224, 224)`` uint8 films → the same films changed as ``CORRUPTIONS[name]`` says."""
    return (CORRUPTIONS[name](images.float() / 255) * 255).round().clamp(0, 255).to(torch.uint8)


def corrupt_in_turn(images: torch.Tensor) -> torch.Tensor:
    """Each film under one perturbation, all of them in turn (and never ``clean``)."""
    names = [name for name in CORRUPTIONS if name != "clean"]
    changed = torch.empty_like(images)
    for first, name in enumerate(names[: len(images)]):
        changed[first :: len(names)] = corrupt(images[first :: len(names)], name)
    return changed
