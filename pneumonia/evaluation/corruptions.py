"""Films as the world delivers them: named, fixed changes.

Unlike the training augmentation these are few, moderate and not random, so that the figures under
each of them can be compared from run to run.
"""

import math
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


def window(
    width: float = 1,
    height: float = 1,
    x: float = 0,
    y: float = 0,
    angle: float = 0,
    fill: float = 0,
) -> Corruption:
    """What a window over the film shows, squashed to the film's own shape.

    Args:
        width: of the window, in shares of the film's; and its ``height``.
        x: moves the window to the right, in shares of the film's width; ``y`` down.
        angle: turns it, in degrees.
        fill: the grey beyond the film's edge, 0..1.
    """
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    rows = [[width * cos, -height * sin, 2 * x], [width * sin, height * cos, 2 * y]]

    def change(films: torch.Tensor) -> torch.Tensor:
        theta = torch.tensor([rows], dtype=films.dtype).expand(len(films), 2, 3)
        where = F.affine_grid(theta, list(films.shape), align_corners=False)
        return F.grid_sample(films - fill, where, align_corners=False) + fill

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
    # how others frame their films
    **{
        f"window {side} {colour}": window(side, side, fill=fill)
        for side in (1.25, 1.5)
        for colour, fill in (("black", 0), ("grey", 0.5), ("white", 1))
    },
    "tight .7": window(0.7, 0.7),
    "pillar box 1.3": window(width=1.3),
    "letter box 1.3": window(height=1.3),
    "width .7": window(width=0.7),
    "height .7": window(height=0.7),
    "shift left .15": window(x=0.15),
    "shift right .15": window(x=-0.15),
    "shift up .15": window(y=0.15),
    "shift down .15": window(y=-0.15),
    "rotated 15°": window(angle=15),
    "rotated back 15°": window(angle=-15),
}
IN_PLACE = {"clean", "blur", "low contrast", "markers masked", "noise"} | {
    name for name in CORRUPTIONS if name.startswith(("JPEG", "gamma")) or "resolution" in name
}  # these change greys alone


def corrupt(images: torch.Tensor, name: str) -> torch.Tensor:
    """``(N, 1, 224, 224)`` uint8 films → the same films changed as ``CORRUPTIONS[name]`` says."""
    return (CORRUPTIONS[name](images.float() / 255) * 255).round().clamp(0, 255).to(torch.uint8)


def corrupt_outlines(outlines: torch.Tensor, name: str) -> torch.Tensor:
    """Outlines ``(N, 1, 224, 224)`` uint8 of 0 and 255, moved as the change moves their films.

    What the change brings in from beyond the film's edge is not lung.
    """
    if name in IN_PLACE:
        return outlines
    change, masks = CORRUPTIONS[name], outlines.float() / 255
    beyond = change(torch.zeros_like(masks[:1]))
    return (change(masks) - beyond > 0.5).to(torch.uint8) * 255


def corrupt_in_turn(images: torch.Tensor) -> torch.Tensor:
    """Each film under one perturbation, all of them in turn (and never ``clean``)."""
    names = [name for name in CORRUPTIONS if name != "clean"]
    changed = torch.empty_like(images)
    for first, name in enumerate(names[: len(images)]):
        changed[first :: len(names)] = corrupt(images[first :: len(names)], name)
    return changed
