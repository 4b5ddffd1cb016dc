"""What the lung finder is taught with: films and their outlines under random framings and greys.

Much wilder than what the models see: the finder has to work on what others crop, turn, pad, invert
and photograph, and to say where it cannot. Pictures without lungs go through the same changes.
"""

import math
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torchvision.io import decode_jpeg, encode_jpeg
from torchvision.transforms.functional import gaussian_blur

from pneumonia.lungs import SIDE, standardise
from pneumonia.preprocess import CANONICAL_SIDE, to_canonical
from pneumonia.synthetic.distractors import draw_distractors, draw_limbs
from pneumonia.training.chance import chance, draw, uniform

FINE = 2 * SIDE  # px at which films are changed; averaging 2 × 2 of them is the antialiasing
WORDS = ("L", "R", "AP", "PORTABLE", "12:41 03/04", "SUPINE", "ERECT", "ID 0042917", "70 kV 2 mAs")


class Truth(NamedTuple):
    """What the finder should answer to N pictures; -1 where it is not asked.

    Attributes:
        masks: ``(N, 1, 128, 128)`` float32, the share of the pixel that is lung.
        present: ``(N,)`` whether there are lungs, 0 or 1.
        inverted: ``(N,)`` whether the greys are, 0 or 1.
        turn: ``(N,)`` quarter turns, 0 to 3.
        shown: ``(N,)`` share of the lungs in the picture, 0..1.
    """

    masks: torch.Tensor
    present: torch.Tensor
    inverted: torch.Tensor
    turn: torch.Tensor
    shown: torch.Tensor


class LungPreset:
    """Films with outlines → input of the finder and what it should answer.

    Args:
        pictures: ``(M, 1, h, w)`` uint8 natural pictures: without lungs, and behind films. Without
            any, drawn ones stand in.
        limbs: how many hands and as many limbs are drawn, of the pictures without lungs.
    """

    def __init__(self, pictures: torch.Tensor | None = None, limbs: int = 150) -> None:
        drawn = chain(*draw_distractors().values(), draw_limbs(limbs, CANONICAL_SIDE))
        self.drawn = torch.stack([to_canonical(picture) for picture in drawn])
        self.pictures = self.drawn if pictures is None else pictures
        self.stamps = [stamp(word, size) for word in WORDS for size in (12, 20, 32)]

    def __call__(
        self, images: torch.Tensor, outlines: torch.Tensor, whole: torch.Tensor
    ) -> tuple[torch.Tensor, Truth]:
        """A batch: the films, and a tenth as many pictures without lungs.

        Args:
            images: ``(N, 1, 224, 224)`` uint8 films.
            outlines: of the same shape, 255 in the lungs.
            whole: ``(N,)`` bool, the film's own edge cuts no lung off.

        Returns:
            ``(N + N // 10 + 1, 1, 128, 128)`` float32, standardised, and what they show.
        """
        none = len(images) // 10 + 1
        n = len(images) + none
        films = torch.cat([images.float() / 255, *(self.lungless()[None] for _ in range(none))])
        masks = torch.cat([outlines.float() / 255, torch.zeros(none, *outlines.shape[1:])])
        before = masks.mean((1, 2, 3))
        whole = torch.cat([whole, torch.zeros(none, dtype=torch.bool)])

        turn = torch.where(torch.rand(n) < 0.1, torch.randint(1, 4, (n,)), 0)
        theta = windows(n, turn)
        grid = F.affine_grid(theta, [n, 1, FINE, FINE], align_corners=False)
        films, masks = (
            F.grid_sample(torch.cat([films, masks], 1), grid, align_corners=False)
        ).split(1, 1)
        films = expose(films, 0.4)
        beyond = (grid.abs() > 1).any(-1).unsqueeze(1)
        films = torch.where(beyond, self.backgrounds(n), films)
        for film, mask in zip(films, masks, strict=True):
            box(film, mask)
            self.cover(film)
        films = expose(degrade(films), 0.7)
        inverted = torch.rand(n) < 0.15
        films = torch.where(inverted.view(n, 1, 1, 1), 1 - films, films)

        area = theta[:, :, :2].det().abs() * masks.mean((1, 2, 3))  # in films
        shown = torch.where(before > 0, area / before.clamp_min(1e-3), 0.0)
        asked = shown > 0.4
        return standardise(F.avg_pool2d(films, 2)), Truth(
            masks=F.avg_pool2d(masks, 2),
            present=torch.where(shown > 0.3, 1, torch.where(shown < 0.08, 0, -1)),
            inverted=torch.where(asked, inverted.long(), -1),
            turn=torch.where(asked, turn, -1),
            shown=torch.where(whole & (shown > 0.05), shown.clamp(0, 1), -1.0),
        )

    def lungless(self) -> torch.Tensor:
        """A picture without lungs, ``(1, 224, 224)`` 0..1: natural, a field of noise, or drawn."""
        kind = torch.rand(()).item()
        if kind < 0.5:
            return self.natural(CANONICAL_SIDE)
        if kind < 0.65:  # noise of any grain, or all one grey
            side = int(math.exp(draw(math.log(2), math.log(CANONICAL_SIDE))))
            noise = enlarge(torch.randn(1, side, side), CANONICAL_SIDE)
            return (draw(0, 1) + (draw(0, 0.4) if chance(0.7) else 0) * noise).clamp(0, 1)
        return self.drawn[torch.randint(len(self.drawn), ())].float() / 255

    def natural(self, side: int) -> torch.Tensor:
        """A natural picture, ``(1, side, side)`` 0..1."""
        picture = self.pictures[torch.randint(len(self.pictures), ())].float() / 255
        return enlarge(picture, side, "bicubic").clamp(0, 1)

    def backgrounds(self, n: int) -> torch.Tensor:
        """What lies around films, ``(N, 1, 256, 256)``: greys, gradients, noise, pictures."""
        kind, grey = torch.rand(n), torch.rand(n)
        grey = torch.where(kind < 0.35, 0.0, torch.where(kind < 0.6, 1.0, grey))
        ground = grey.view(n, 1, 1, 1).repeat(1, 1, FINE, FINE)
        for i in (kind > 0.8).nonzero().flatten().tolist():
            if kind[i] > 0.95:
                ground[i] = self.natural(FINE)
            else:
                ground[i] = enlarge(torch.rand(1, *torch.randint(1, 6, (2,)).tolist()), FINE)
                if chance(0.5):
                    ground[i] += draw(0.01, 0.2) * torch.randn(1, FINE, FINE)
        return ground.clamp(0, 1)

    def cover(self, film: torch.Tensor) -> None:
        """Patches and burned-in text, in place; what is lung under them is lung still."""
        for _ in range(int(torch.poisson(torch.tensor(0.5)))):
            sides = (int(FINE * math.exp(draw(math.log(0.02), math.log(0.3)))) for _ in range(2))
            somewhere(film, *sides).fill_(draw(0, 1))
        if chance(0.2):
            text = self.stamps[torch.randint(len(self.stamps), ())]
            place = somewhere(film, *text.shape)
            place += (draw(0, 1) - place) * text


def windows(n: int, turn: torch.Tensor) -> torch.Tensor:
    """N random windows ``(N, 2, 3)`` over films that lie turned by ``turn`` ``(N,)`` quarters.

    A third are mild. Half are mirrored in the film, not in the picture: what lies on its side
    keeps its head where it is, so that 90 degrees stay 90.
    """
    wild = torch.rand(n) < 0.65
    close = torch.rand(n) < 0.04  # a small piece of a film, with next to no lung perhaps
    scale = torch.where(wild, uniform(n, -0.6, 0.5), uniform(n, -0.15, 0.15)).exp()
    scale = torch.where(close, uniform(n, 0.2, 0.45), scale)
    aspect = torch.where(wild, uniform(n, -0.45, 0.45), uniform(n, -0.15, 0.15)).exp().sqrt()
    steep = torch.rand(n) < 0.5
    angle = torch.where(steep, uniform(n, -25, 25), 5 * torch.randn(n).clamp(-3, 3))
    angle = torch.deg2rad(angle) + turn * (math.pi / 2)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    width, height = scale * aspect, scale / aspect
    slack = torch.where(wild, 0.35, 0.05)
    x, y = (uniform(n, -1, 1) * ((1 - side).abs() + slack) for side in (width, height))
    cos, sin = angle.cos(), angle.sin()
    rows = [torch.stack([width * cos, -height * sin, x], 1) * mirror[:, None]]
    rows += [torch.stack([width * sin, height * cos, y], 1)]
    return torch.stack(rows, 1)


def box(film: torch.Tensor, mask: torch.Tensor) -> None:
    """Pillar and letter boxes, as shutters and players draw them, in place: what they hide is
    gone."""
    if not chance(0.12):
        return
    grey = 0.0 if chance(0.6) else draw(0, 1)
    for axis in (1, 2):
        if chance(0.6):
            first, last = (int(FINE * draw(0, 0.18)) for _ in range(2))
            last = first if chance(0.6) else last
            for start, length in ((0, first), (FINE - last, last)):
                film.narrow(axis, start, length).fill_(grey)
                mask.narrow(axis, start, length).fill_(0)


def degrade(films: torch.Tensor) -> torch.Tensor:
    """Lose detail: sixths of the batch share resolution, blur and noise; JPEG is each film's."""
    for index in torch.randperm(len(films)).chunk(6):
        part = films[index]
        if chance(0.35):
            small = int(FINE * math.exp(draw(math.log(0.15), 0)))
            part = F.interpolate(part, (small, small), mode="bilinear", antialias=True)
            part = F.interpolate(part, (FINE, FINE), mode="bilinear")
        if chance(0.35):
            sigma = draw(0.3, 3.0)
            part = gaussian_blur(part, [2 * math.ceil(2 * sigma) + 1] * 2, [sigma])
        elif chance(0.25):
            part = part + draw(0.3, 2) * (part - gaussian_blur(part, [9, 9], [2.0]))
        if chance(0.35):
            part = part + draw(0.005, 0.12) * torch.randn_like(part)
        films[index] = part.clamp(0, 1)
    for film in films:
        if chance(0.2):
            file = encode_jpeg((film * 255).to(torch.uint8), quality=int(draw(8, 90)))
            film.copy_(decode_jpeg(file).float() / 255)  # pyright: ignore[reportAttributeAccessIssue]
    return films


def expose(films: torch.Tensor, strength: float) -> torch.Tensor:
    """Gamma, contrast and brightness with clipping."""
    n = len(films)
    gamma, gain = (uniform(n, -strength, strength).exp().view(n, 1, 1, 1) for _ in range(2))
    offset = strength * uniform(n, -0.2, 0.2).view(n, 1, 1, 1)
    return ((films.clamp(1e-4, 1) ** gamma - 0.5) * gain + 0.5 + offset).clamp(0, 1)


def stamp(word: str, size: int) -> torch.Tensor:
    """A text as it is burned into films, ``(h, w)`` 0..1, at most 256 px wide."""
    font = ImageFont.load_default(size)
    *_, right, bottom = font.getbbox(word)
    picture = Image.new("L", (min(int(right) + 4, FINE), int(bottom) + 4))
    ImageDraw.Draw(picture).text((2, 2), word, fill=255, font=font)
    return torch.from_numpy(np.asarray(picture, np.float32) / 255)


def somewhere(film: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A random place of this size in a film ``(1, 256, 256)``: a view of it."""
    y, x = int(draw(0, FINE - height)), int(draw(0, FINE - width))
    return film[0, y : y + height, x : x + width]


def enlarge(picture: torch.Tensor, side: int, mode: str = "bilinear") -> torch.Tensor:
    """``(1, h, w)`` float → ``(1, side, side)``."""
    return F.interpolate(picture[None], (side, side), mode=mode)[0]
