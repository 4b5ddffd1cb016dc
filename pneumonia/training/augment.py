"""The random changes that training lays over films."""

import math

import torch
import torch.nn.functional as F
from torchvision.io import decode_jpeg, encode_jpeg
from torchvision.transforms.functional import gaussian_blur

from pneumonia.preprocess import CANONICAL_SIDE, standardise


class TrainPreset:
    """``EvalPreset`` with random changes, drawn alike for both classes from torch's generator.

    What the classes' files differ in besides the disease is varied until it carries no news: crop
    and zoom (how the child was framed), aspect (the squash to a square), rotation, resolution, blur
    and JPEG quality (compression alone separates the classes at AUROC 0.9999), exposure and gamma
    (film processing), noise, and erased corners (side markers).

    ``crop`` is the least share of the film's side that a crop keeps: 0.6 to be sure to see the
    lungs, less to force the network to find the evidence in part of them.
    """

    def __init__(self, size: int, crop: float = 0.6) -> None:
        self.size, self.crop = size, crop

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """``(N, 1, 224, 224)`` uint8 → ``(N, 1, size, size)`` float32 network input."""
        return standardise(self.change(images), self.size)

    def change(self, images: torch.Tensor) -> torch.Tensor:
        """``(N, 1, 224, 224)`` uint8 → the changed films, float32 in 0..1, same shape."""
        films = self.warp(images.float() / 255)
        return self.expose(torch.stack([self.degrade(film) for film in films]))

    def warp(self, films: torch.Tensor) -> torch.Tensor:
        """Random resized crop, aspect, rotation, shift and mirror in one resampling."""
        n = len(films)
        scale = torch.exp(uniform(n, math.log(self.crop), math.log(1.12)))
        aspect = torch.exp(uniform(n, -0.3, 0.3) / 2)
        angle = uniform(n, -math.pi / 14, math.pi / 14)
        mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
        half_width, half_height = scale * aspect, scale / aspect
        slack = 0.06  # how far the window may reach over the film's edge
        shift_x = uniform(n, -1, 1) * ((1 - half_width).clamp_min(0) + slack)
        shift_y = uniform(n, -1, 1) * ((1 - half_height).clamp_min(0) + slack)
        cos, sin = torch.cos(angle), torch.sin(angle)
        theta = torch.stack(
            [
                torch.stack([half_width * cos * mirror, -half_height * sin, shift_x], 1),
                torch.stack([half_width * sin * mirror, half_height * cos, shift_y], 1),
            ],
            1,
        )
        where = F.affine_grid(theta, list(films.shape), align_corners=False)
        return F.grid_sample(films, where, padding_mode="zeros", align_corners=False)

    def degrade(self, film: torch.Tensor) -> torch.Tensor:
        """Lose detail as scanners, exports and messengers do: ``(1, h, w)`` → the same."""
        if chance(0.35):  # a smaller copy, enlarged again
            small = round(CANONICAL_SIDE * math.exp(draw(math.log(0.25), 0)))
            mode = "bilinear" if chance(0.5) else "bicubic"
            film = F.interpolate(film[None], (small, small), mode=mode, antialias=True)
            film = F.interpolate(film, (CANONICAL_SIDE, CANONICAL_SIDE), mode=mode)[0].clamp(0, 1)
        if chance(0.3):
            sigma = draw(0.3, 2.0)
            film = gaussian_blur(film, [2 * math.ceil(2 * sigma) + 1] * 2, [sigma])
        elif chance(0.2):  # unsharp masking, as film processors do
            film = (film + draw(0.3, 1.5) * (film - gaussian_blur(film, [7, 7], [1.5]))).clamp(0, 1)
        if chance(0.25):
            film = (film + draw(0.005, 0.07) * torch.randn_like(film)).clamp(0, 1)
        if chance(0.5):
            data = encode_jpeg((film * 255).to(torch.uint8), quality=int(draw(10, 95)))
            film = decode_jpeg(data).float() / 255  # pyright: ignore[reportAttributeAccessIssue]
        return film

    def expose(self, films: torch.Tensor) -> torch.Tensor:
        """Gamma, contrast and brightness with clipping, then erased corners and patches."""
        n = len(films)
        gamma = torch.exp(uniform(n, -0.5, 0.5)).view(n, 1, 1, 1)
        gain = torch.exp(uniform(n, -0.4, 0.4)).view(n, 1, 1, 1)
        offset = uniform(n, -0.12, 0.12).view(n, 1, 1, 1)
        films = ((films.clamp_min(1e-4) ** gamma - 0.5) * gain + 0.5 + offset).clamp(0, 1)
        height, width = films.shape[-2:]
        for film in films:
            for left in (True, False):
                if chance(0.25):  # a corner, where the side marker and the text are
                    h, w = int(height * draw(0.05, 0.22)), int(width * draw(0.05, 0.22))
                    rows = slice(0, h) if chance(0.6) else slice(height - h, height)
                    film[:, rows, slice(0, w) if left else slice(width - w, width)] = draw(0, 1)
            if chance(0.2):  # anywhere: electrodes, tubes, labels
                h, w = int(height * draw(0.05, 0.2)), int(width * draw(0.05, 0.2))
                y, x = int(draw(0, height - h)), int(draw(0, width - w))
                film[:, y : y + h, x : x + w] = draw(0, 1)
        return films


def uniform(n: int, low: float, high: float) -> torch.Tensor:
    """``(n,)`` random numbers."""
    return torch.empty(n).uniform_(low, high)


def draw(low: float, high: float) -> float:
    """One of them."""
    return low + (high - low) * torch.rand(()).item()


def chance(p: float) -> bool:
    """True with probability ``p``."""
    return torch.rand(()).item() < p
