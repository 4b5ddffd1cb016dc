"""What scanners, exports and messengers take from films in training: detail.

Compression alone separates the classes of the films at AUROC 0.9999.
"""

import io
import math
from functools import cache

import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.io import decode_jpeg, encode_jpeg
from torchvision.transforms.functional import gaussian_blur

from pneumonia.preprocess import CANONICAL_SIDE
from pneumonia.training.chance import chance, draw


def degrade(films: torch.Tensor) -> torch.Tensor:
    """Lose detail as scanners, exports and messengers do: ``(N, 1, 224, 224)`` → the same.

    Fours of films, drawn anew each time, lose the same: a GPU has more to do at a time.
    """
    changed = torch.empty_like(films)
    for index in torch.randperm(len(films)).split(4):
        changed[index] = degrade_alike(films[index])
    return changed


def degrade_alike(films: torch.Tensor) -> torch.Tensor:
    """The same loss for all films ``(N, 1, 224, 224)``."""
    if chance(0.35):  # a smaller copy, enlarged again
        small = round(CANONICAL_SIDE * math.exp(draw(math.log(0.25), 0)))
        mode = "bilinear" if chance(0.5) else "bicubic"
        films = F.interpolate(films, (small, small), mode=mode, antialias=True)
        films = F.interpolate(films, (CANONICAL_SIDE, CANONICAL_SIDE), mode=mode).clamp(0, 1)
    if chance(0.3):
        sigma = draw(0.3, 2.0)
        films = gaussian_blur(films, [2 * math.ceil(2 * sigma) + 1] * 2, [sigma])
    elif chance(0.2):  # unsharp masking, as film processors do
        blurred = gaussian_blur(films, [7, 7], [1.5])
        films = (films + draw(0.3, 1.5) * (films - blurred)).clamp(0, 1)
    if chance(0.25):
        films = (films + draw(0.005, 0.07) * torch.randn_like(films)).clamp(0, 1)
    if chance(0.5):
        films = compress(films, int(draw(10, 95)))
    return films


def compress(films: torch.Tensor, quality: int) -> torch.Tensor:
    """What a JPEG of that quality leaves of films ``(N, 1, 224, 224)``."""
    if films.device.type != "cpu":
        return quantise(films, quality)
    files = [encode_jpeg((film * 255).to(torch.uint8), quality=quality) for film in films]
    return torch.stack([decode_jpeg(file) for file in files]) / 255  # pyright: ignore[reportArgumentType]


def quantise(films: torch.Tensor, quality: int) -> torch.Tensor:
    """The same where libjpeg does not run, by what JPEG loses: its coefficients' last digits."""
    basis, table = cosines_and_table(quality, films.device)
    side = films.shape[-1] // 8
    blocks = (films * 255).floor().sub(128).view(-1, side, 8, side, 8).transpose(2, 3)
    coefficients = (basis @ blocks @ basis.T / table).round() * table
    blocks = (basis.T @ coefficients @ basis + 128).round().clamp(0, 255)
    return blocks.transpose(2, 3).reshape(films.shape) / 255


@cache
def cosines_and_table(quality: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The cosine transform of 8 px, and libjpeg's steps of its ``(8, 8)`` coefficients."""
    k = torch.arange(8.0, device=device)
    basis = 0.5 * torch.cos((k + 0.5) * k[:, None] * math.pi / 8)
    basis[0] /= math.sqrt(2)
    Image.new("L", (8, 8)).save(file := io.BytesIO(), "JPEG", quality=quality)
    with Image.open(file) as picture:
        table = picture.quantization[0]  # pyright: ignore[reportAttributeAccessIssue]
    return basis, torch.tensor(table, device=device).view(8, 8).float()
