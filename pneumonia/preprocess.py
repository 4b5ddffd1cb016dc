"""Film → model input: the one way in.

Every film is squashed to 224 × 224 pixels of uint8 first, so that nothing but the picture is
left of the file: neither its size nor its shape, which in this data set give the class away.
``EvalPreset`` takes a batch of such images to the network's input, and so does
``training.augment.TrainPreset`` with random changes.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

CANONICAL_SIDE = 224
BATCH = 64  # films of one forward pass, where there are many


def to_canonical(film: np.ndarray) -> torch.Tensor:
    """``(height, width)`` float32 in 0..1 → ``(1, 224, 224)`` uint8 (bilinear, antialiased)."""
    whole = torch.from_numpy(np.ascontiguousarray(film, dtype=np.float32))[None, None]
    side = (CANONICAL_SIDE, CANONICAL_SIDE)
    image = F.interpolate(whole, side, mode="bilinear", antialias=True, align_corners=False)
    return (image[0] * 255).round().clamp(0, 255).to(torch.uint8)


def standardise(films: torch.Tensor, size: int) -> torch.Tensor:
    """``(N, 1, h, w)`` float → ``(N, 1, size, size)``, each film at mean 0 and deviation 1.

    Per film, so that exposure and display contrast, which vary between hospitals, cancel out.
    """
    if films.shape[-1] != size:
        films = F.interpolate(films, (size, size), mode="bilinear", antialias=True)
    deviation, mean = torch.std_mean(films, (1, 2, 3), keepdim=True)
    return (films - mean) / deviation.clamp_min(1e-3)


class EvalPreset:
    """``(N, 1, 224, 224)`` uint8 images → ``(N, 1, size, size)`` float32 network input."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """The network's input, on the device of the images."""
        return standardise(images.float() / 255, self.size)

    def batches(self, images: torch.Tensor, device: torch.device) -> Iterator[torch.Tensor]:
        """The same for any number of images on any device: batch after batch, on ``device``.

        Images cross over as uint8, a quarter of the bytes of what is made of them there.
        """
        for part in images.split(BATCH):
            yield self(part.to(device)).contiguous(memory_format=torch.channels_last)
