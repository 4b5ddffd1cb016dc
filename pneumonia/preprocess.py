"""Film → model input: the one way in.

The lungs are found first, on the film squashed to 224 × 224 pixels of uint8, so that nothing but
the picture is left of the file: neither its size nor its shape, which in this data set give the
class away. What a model gets is the *view*: this picture cropped to the box of the lungs (and
turned back where they lie more than a little askew), its greys measured by those inside them, and
dimmed outside (``soften`` leaves a fifth of the contrast there), with the mask of the lungs beside
it. So the film's frame has little way in. A view of the file itself would be finer than any that
the models learnt from. ``training.augment.TrainPreset`` does the same with random changes, turns
among them, and turns nothing back.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from pneumonia.lungs import BATCH, Lungs, lung_finder

CANONICAL_SIDE = 224
MARGIN = 1.12  # side of the view by side of the lungs' box
LIMIT = 4.0  # deviations from the lungs' mean grey; what lies further off says no more


def to_canonical(film: np.ndarray) -> torch.Tensor:
    """``(height, width)`` float32 in 0..1 → ``(1, 224, 224)`` uint8 (bilinear, antialiased)."""
    whole = torch.from_numpy(np.ascontiguousarray(film, dtype=np.float32))[None, None]
    side = (CANONICAL_SIDE, CANONICAL_SIDE)
    image = F.interpolate(whole, side, mode="bilinear", antialias=True, align_corners=False)
    return (image[0] * 255).round().clamp(0, 255).to(torch.uint8)


class EvalPreset:
    """Films and their lungs → ``(N, 2, size, size)`` float32 network input.

    The first channel is the view, standardised by the lungs' greys and dimmed outside; the second
    is the mask of the lungs in it, 0..1.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, images: torch.Tensor, lungs: Sequence[Lungs]) -> torch.Tensor:
        """The network's input, on the device of the images.

        Args:
            images: ``(N, 1, 224, 224)`` uint8, the films (see ``to_canonical``).
            lungs: theirs.
        """
        views, masks = self.views(images, lungs)
        return torch.cat([views * soften(masks), masks], 1)

    def views(
        self, images: torch.Tensor, lungs: Sequence[Lungs]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Both channels before the first is dimmed by the second, ``(N, 1, size, size)`` each."""
        theta = turned_view(lungs).to(images.device)
        masks = torch.from_numpy(np.stack([one.mask for one in lungs]))[:, None]
        masks, beyond = resample(masks.to(images.device), theta, self.size)
        masks = masks * ~beyond
        views, _ = resample(images.float() / 255, theta, self.size)
        return standardise(views, masks).masked_fill(beyond, 0.0), masks

    def images(self, images: torch.Tensor) -> torch.Tensor:
        """The same of ``(N, 1, 224, 224)`` uint8 images, whose lungs are found here."""
        return self(images, lung_finder(images.device)(images))

    def batches(self, images: torch.Tensor, device: torch.device) -> Iterator[torch.Tensor]:
        """The same of any number of images on any device: batch after batch, on ``device``.

        Images cross over as uint8, a quarter of the bytes of what is made of them there.
        """
        for part in images.split(BATCH):
            yield self.images(part.to(device)).contiguous(memory_format=torch.channels_last)


def hide(inputs: torch.Tensor, lungs: Sequence[Lungs], regions: torch.Tensor) -> torch.Tensor:
    """Network inputs with a region of each film replaced by what surrounds it in the lungs.

    Args:
        inputs: ``(N, 2, size, size)`` float32, as ``EvalPreset`` makes them.
        lungs: of these films.
        regions: ``(N, 1, h, w)`` float 0..1 over the whole films, 1 where they are to be hidden.
    """
    size = inputs.shape[-1]
    regions = resample(regions, turned_view(lungs).to(inputs.device), size)[0]
    views, masks = inputs.split(1, 1)
    seen, sigma = masks * (1 - regions), 0.08 * size
    around = blur(torch.cat([views * seen, seen], 1), sigma)
    fill = around[:, :1] / around[:, 1:].clamp_min(1e-3) * soften(masks)
    return torch.cat([views + regions * (fill - views), masks], 1)


def turned_view(lungs: Sequence[Lungs]) -> torch.Tensor:
    """The views of N films, as ``view_of`` has them, turned as the lungs are: ``(N, 2, 3)``."""
    angle = torch.deg2rad(torch.tensor([one.tilt for one in lungs]))
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    return turn @ view_of(torch.tensor([one.box for one in lungs]))


def view_of(boxes: torch.Tensor) -> torch.Tensor:
    """``(N, 4)`` boxes of lungs → ``(N, 2, 3)``, from the view's coordinates to the film's.

    Both run from -1 to 1, as ``torch.nn.functional.affine_grid`` has them.
    """
    left, top, right, bottom = boxes.unbind(1)
    zero = torch.zeros_like(left)
    rows = [torch.stack([(right - left) * MARGIN, zero, left + right - 1], 1)]
    rows += [torch.stack([zero, (bottom - top) * MARGIN, top + bottom - 1], 1)]
    return torch.stack(rows, 1)


def resample(
    pictures: torch.Tensor, theta: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """``(N, C, h, w)`` seen through ``theta``, ``(N, C, size, size)``, and where that is beyond.

    Beyond the edge the picture goes on as it ends; ``(N, 1, size, size)`` bool says where.
    """
    grid = F.affine_grid(theta, [len(pictures), 1, size, size], align_corners=False)
    seen = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return seen, (grid.abs() > 1).any(-1).unsqueeze(1)


def standardise(views: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """``(N, 1, s, s)`` views → the same with mean 0 and deviation 1 inside the lungs, within ± 4.

    Exposure and display contrast, which vary between hospitals, cancel out, and what lies around
    the lungs has no part in it.
    """
    weight = (masks > 0.5).float() + 1e-4
    weight = weight / weight.sum((2, 3), keepdim=True)
    mean = (views * weight).sum((2, 3), keepdim=True)
    deviation = ((views - mean) ** 2 * weight).sum((2, 3), keepdim=True).sqrt()
    return ((views - mean) / deviation.clamp_min(5e-3)).clamp(-LIMIT, LIMIT)


def soften(
    masks: torch.Tensor, grow: float | torch.Tensor = 0.35, width: float = 0.1, sigma: float = 0.03
) -> torch.Tensor:
    """``(N, 1, s, s)`` masks, grown and with a soft edge, so that no sharp outline is shown.

    Far from the mask ``sigmoid((grow - 0.5) / width)`` is left, 0.18 by default.

    Args:
        masks: 0..1.
        grow: raises the blurred mask, so that it reaches further; below 0 it shrinks.
        width: of the edge, in levels of the blurred mask.
        sigma: of the blur, in shares of the side.
    """
    blurred = blur(masks, sigma * masks.shape[-1])
    return torch.sigmoid((blurred - 0.5 + grow) / width)


def blur(pictures: torch.Tensor, sigma: float) -> torch.Tensor:
    """``(N, C, h, w)`` float32 blurred by a Gaussian of ``sigma`` px, mirrored at the edges.

    As torchvision's ``gaussian_blur``, but by columns and then by rows, which is less work, and
    without torchvision, which takes about as long to import as PyTorch.
    """
    reach, channels = math.ceil(2.5 * sigma), pictures.shape[1]
    away = torch.arange(-reach, reach + 1, device=pictures.device, dtype=pictures.dtype) / sigma
    kernel = torch.softmax(-0.5 * away**2, 0).expand(channels, 1, 1, -1)
    pictures = F.pad(pictures, [reach] * 4, mode="reflect")
    pictures = F.conv2d(pictures, kernel.transpose(2, 3), groups=channels)
    return F.conv2d(pictures, kernel, groups=channels)
