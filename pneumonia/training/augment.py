"""The random changes that training lays over films, drawn alike for both classes.

What the classes' films differ in besides the disease is varied until it carries no news, all from
torch's generators. It is done on the films' device; what decides which way to go is drawn on the
CPU, so that a GPU is never waited for.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from pneumonia.lungs import SIDE, box_of, lung_finder
from pneumonia.preprocess import LIMIT, blur, resample, soften, standardise, view_of
from pneumonia.training.chance import chance, draw, uniform
from pneumonia.training.degrade import degrade


@dataclass(frozen=True)
class LocatedFilms:
    """Films with their lungs, N of them; an index or mask of films picks some.

    Attributes:
        images: ``(N, 1, 224, 224)`` uint8.
        masks: ``(N, 1, 128, 128)`` uint8, the probability 0..255 that a pixel is lung.
        boxes: ``(N, 4)`` float32, the lungs' boxes (see ``box_of``), not turned back.
    """

    images: torch.Tensor
    masks: torch.Tensor
    boxes: torch.Tensor

    @classmethod
    def find(cls, images: torch.Tensor, device: torch.device) -> "LocatedFilms":
        """Films whose lungs are found now.

        Args:
            images: ``(N, 1, 224, 224)`` uint8, on that device or the CPU.
            device: where the finder computes; what is found lies on the CPU.
        """
        masks = torch.empty(len(images), 1, SIDE, SIDE, dtype=torch.uint8)
        boxes = torch.empty(len(images), 4)
        for part in torch.arange(len(images)).split(256):
            for number, lungs in zip(part, lung_finder(device)(images[part]), strict=True):
                masks[number, 0] = torch.from_numpy((lungs.mask * 255).round()).to(torch.uint8)
                boxes[number] = torch.tensor(box_of(lungs.mask > 0.5))
        return cls(images, masks, boxes)

    def to(self, device: torch.device) -> "LocatedFilms":
        """The same on another device."""
        return LocatedFilms(*(part.to(device) for part in (self.images, self.masks, self.boxes)))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, some: torch.Tensor) -> "LocatedFilms":
        return LocatedFilms(self.images[some], self.masks[some], self.boxes[some])


class TrainPreset:
    """``EvalPreset`` with random changes.

    Films lose detail and change exposure (compression alone separates the classes at AUROC
    0.9999). The lungs' outline, whose place and shape separate them at .98, is shifted, warped,
    grown and shrunk, and cut off at random. And of a share of the films only the lungs stay: what
    surrounds them, and mostly the outline too, are another film's, so that nothing but the
    inside of the lungs goes with the label.

    Args:
        size: side of the network's input in px.
        crop: the least share of the view's side that a crop keeps.
        cut: share of the films that a window may cut lungs off.
        graft: share of the films whose lungs are set into another film.
        own: share of these that keep their own outline in it.
    """

    def __init__(
        self,
        size: int,
        crop: float = 0.6,
        cut: float = 0.5,
        graft: float = 0.9,
        own: float = 0.2,
    ) -> None:
        self.size, self.crop, self.cut, self.graft, self.own = size, crop, cut, graft, own

    def __call__(self, films: LocatedFilms) -> torch.Tensor:
        """``(N, 2, size, size)`` float32 network input, on the films' device."""
        with films.images.device:
            return self._augment(films)

    def _augment(self, films: LocatedFilms) -> torch.Tensor:
        images = degrade(films.images.float() / 255)
        masks = films.masks.float() / 255
        masks, boxes, beyond = self.cut_off(masks, films.boxes)
        theta = self.reframe(view_of(boxes))
        views, edge = resample(expose(images), theta, self.size)
        hidden = edge | (resample(beyond, theta, self.size)[0] > 0.5)
        masks = self.warp(masks, theta) * ~hidden
        # what no film covers has one colour, that of a frame, or is known to be nothing
        n = len(views)
        colour = torch.where(torch.rand(n) < 0.4, 0.0, uniform(n, -LIMIT, LIMIT)).view(n, 1, 1, 1)
        views = torch.where(hidden, colour, standardise(views, masks))
        erase(views)
        views, masks = self.transplant(views, masks)
        return torch.cat([views * soften(masks), masks], 1)

    def cut_off(
        self, masks: torch.Tensor, boxes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Windows that cut off part of the lungs: their box ends where the window does.

        Returns:
            The masks, the boxes (moved a little), and where the window hides the film,
            ``(N, 1, 128, 128)`` of 0 and 1.
        """
        n, m = len(masks), masks.shape[-1]
        left, top, right, bottom = boxes.unbind(1)
        width, height = right - left, bottom - top
        share = torch.where(torch.rand(4, n) < 0.35, uniform(4 * n, 0, 0.3).view(4, n), -9.0)
        share = share.masked_fill(torch.rand(n) >= self.cut, -9.0)
        first = torch.stack([left + share[0] * width, top + share[1] * height], 1)
        last = torch.stack([right - share[2] * width, bottom - share[3] * height], 1)
        steps = (torch.arange(m) + 0.5) / m
        across = (steps < first[:, :1]) | (steps > last[:, :1])
        down = (steps < first[:, 1:]) | (steps > last[:, 1:])
        beyond = (across[:, None, None, :] | down[:, None, :, None]).float()
        boxes = torch.cat([boxes[:, :2].maximum(first), boxes[:, 2:].minimum(last)], 1)
        jitter = 0.025 * torch.randn(n, 4) * torch.stack([width, height, width, height], 1)
        return masks * (1 - beyond), boxes + jitter, beyond

    def reframe(self, theta: torch.Tensor) -> torch.Tensor:
        """Random crop, aspect, rotation, shift and mirror of views ``(N, 2, 3)``."""
        n = len(theta)
        close = torch.rand(n) < 0.6
        scale = torch.where(close, uniform(n, math.log(self.crop), 0.05), 0.04 * torch.randn(n))
        scale, aspect = scale.exp(), (0.08 * torch.randn(n)).exp()
        angle = torch.deg2rad(8 * torch.randn(n).clamp(-2.5, 2.5))
        inner = window(n, scale * aspect, scale / aspect, angle, 0.03 * torch.randn(2, n))
        shift = theta[:, :, :2] @ inner[:, :, 2:] + theta[:, :, 2:]
        return torch.cat([theta[:, :, :2] @ inner[:, :, :2], shift], 2)

    def warp(self, masks: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        """The masks in the views, wobbling, grown or shrunk, with an edge of random sharpness."""
        n, size = len(masks), self.size
        grid = F.affine_grid(theta, [n, 1, size, size], align_corners=False)
        wobble = F.interpolate(0.03 * torch.randn(n, 2, 5, 5), (size, size), mode="bicubic")
        masks = F.grid_sample(masks, grid + wobble.permute(0, 2, 3, 1), align_corners=False)
        grow = uniform(n, -0.2, 0.2).view(n, 1, 1, 1)
        return soften(masks, grow, draw(0.02, 0.1), draw(0.01, 0.03))

    def transplant(
        self, views: torch.Tensor, masks: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Lungs in another film's surroundings, inside their own outline or the other one's."""
        n = len(views)
        other = torch.randperm(n)
        outline = torch.where(torch.rand(n, 1, 1, 1) < self.own, masks, masks[other])
        grafted = torch.rand(n, 1, 1, 1) < self.graft
        inside = outline * views + (1 - outline) * views[other]
        return torch.where(grafted, inside, views), torch.where(grafted, outline, masks)


def window(
    n: int, width: torch.Tensor, height: torch.Tensor, angle: torch.Tensor, wander: torch.Tensor
) -> torch.Tensor:
    """N random windows ``(N, 2, 3)`` of these half widths and heights, half of them mirrored.

    They lie anywhere inside the picture, and ``wander`` ``(2, N)`` further.
    """
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    x = uniform(n, -1, 1) * (1 - width).clamp_min(0) + wander[0]
    y = uniform(n, -1, 1) * (1 - height).clamp_min(0) + wander[1]
    cos, sin = angle.cos(), angle.sin()
    rows = [torch.stack([width * cos * mirror, -height * sin, x], 1)]
    rows += [torch.stack([width * sin * mirror, height * cos, y], 1)]
    return torch.stack(rows, 1)


def expose(films: torch.Tensor) -> torch.Tensor:
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
            patch(film, 0.05, 0.2, draw(0, 1))
    return films


def cover(inputs: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Network inputs ``(N, 2, s, s)`` whose lungs are painted over in one grey, where ``chosen``.

    Args:
        inputs: see ``EvalPreset``.
        chosen: ``(N,)`` bool.
    """
    n, (views, masks) = len(inputs), inputs.split(1, 1)
    grey = torch.where(torch.rand(n) < 0.5, 0.0, uniform(n, -2, 2)).view(n, 1, 1, 1)
    hidden = (masks > 0.5) & chosen.view(n, 1, 1, 1)
    return torch.cat([torch.where(hidden, grey, views), masks], 1)


def opacify(inputs: torch.Tensor, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Network inputs with an opacity drawn into the lungs, where ``chosen``.

    It is a patchy ellipse with a wavy, blurred edge and a radius of 5 to 20 % of the view's side.
    Like a real one it adds attenuation, and shifts the greys by which lungs are measured. Those by
    which heatmaps are put to the test (``pneumonia.synthetic``) are drawn in another way.

    Args:
        inputs: ``(N, 2, s, s)``, see ``EvalPreset``.
        chosen: ``(N,)`` bool.

    Returns:
        The inputs, and how dense the opacities are in them, ``(N, 1, s, s)`` 0..1.
    """
    (n, _, size, _), (views, masks) = inputs.shape, inputs.split(1, 1)
    deep = (masks * blur(masks, 0.05 * size)).flatten(1) ** 4 + 1e-9
    place = torch.multinomial(deep, 1).view(n, 1, 1, 1)
    steps = torch.arange(size)
    x, y = (steps - place % size) / size, (steps[:, None] - place // size) / size

    def drawn(low: float, high: float) -> torch.Tensor:
        return uniform(n, low, high).view(n, 1, 1, 1)

    def noise(cells: int) -> torch.Tensor:
        return F.interpolate(torch.randn(n, 1, cells, cells), (size, size), mode="bicubic")

    radius, stretch, turn = drawn(-3.0, -1.6).exp(), drawn(-0.4, 0.4).exp(), drawn(0, math.pi)
    along, across = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    depth = 1 - torch.hypot(along * stretch, across / stretch) / radius + 0.3 * noise(8)
    dense = torch.sigmoid(depth / drawn(0.1, 0.35)) * (1 + 0.15 * noise(24))
    dense = (dense * blur(masks, 0.015 * size) * chosen.view(n, 1, 1, 1)).clamp(0, 1)
    soft, white = soften(masks), drawn(2.0, LIMIT)
    whole = views / soft
    whiter = whole + (white - whole).clamp_min(0) * -torch.expm1(-drawn(0.4, 1.6) * dense)
    whiter = standardise(whiter, masks) * soft
    return torch.cat([torch.where(chosen.view(n, 1, 1, 1), whiter, views), masks], 1), dense


def erase(views: torch.Tensor) -> None:
    """Cutout (DeVries and Taylor 2017) of standardised views, in place."""
    for view in views:
        for _ in range(int(torch.poisson(torch.tensor(0.8, device="cpu")))):
            patch(view, 0.08, 0.35, 0.0 if chance(0.5) else draw(-2, 2))


def patch(film: torch.Tensor, least: float, most: float, grey: float) -> None:
    """Paint over a random rectangle, its sides between these shares of the film's, in place."""
    height, width = film.shape[-2:]
    h, w = int(height * draw(least, most)), int(width * draw(least, most))
    y, x = int(draw(0, height - h)), int(draw(0, width - w))
    film[:, y : y + h, x : x + w] = grey
