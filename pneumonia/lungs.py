"""Where the lungs are: film → mask, box, and the reason why a film shows none that can be read.

A small U-Net (Ronneberger et al. 2015) looks at the film at 128 × 128 px and answers two kinds of
question: which pixels are lung, and, from its deepest layer, whether there are lungs at all,
whether the greys are inverted, which way is up, and what share of the lungs the film shows.
``pneumonia train-lungs`` trains it on outlines drawn by people; its weights lie beside the models'.
"""

import cmath
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from pneumonia.storage import typed_json
from pneumonia.storage.shipped import CheckpointError, checkpoints_root, shipped_folder
from pneumonia.storage.typed_json import FormatError, check
from pneumonia.storage.weights import load_weights, sha256

SIDE = 128  # px of the picture that the network looks at, and of the mask
BATCH = 16  # films of one forward pass; with more, a CPU waits for memory to be fetched anew
LUNGS = "lungs"  # the folder among the checkpoints
CARD = "lungs.json"
ASKEW = 5.0  # degrees by which lungs are turned in many a film
TURNED = 30.0  # degrees further than which no film is that the network takes for upright


@dataclass(frozen=True)
class Limits:
    """When the lungs of a film do not do, all in 0..1.

    Attributes:
        present: least probability that there are lungs.
        confidence: least Dice that the mask's probabilities let expect.
        inverted: probability from which the greys count as inverted.
        upright: least probability that the film is upright.
        visible: least share of the lungs that the film shows.
    """

    present: float = 0.95
    confidence: float = 0.8
    inverted: float = 0.5
    upright: float = 0.5
    visible: float = 0.82

    def __post_init__(self) -> None:
        check(all(0 <= value <= 1 for value in vars(self).values()), "limits", self)


@dataclass(frozen=True)
class LungsCard:
    """Where the lung finder comes from and how good it is."""

    title: str
    version: str
    sha256: str
    limits: Limits
    training: dict[str, Any]
    data: dict[str, str]
    figures: dict[str, Any]
    file: str = "model.safetensors"

    def __post_init__(self) -> None:
        check(self.file == Path(self.file).name, "file", self.file)


@dataclass(frozen=True, eq=False)
class Lungs:
    """The lungs of one film.

    Attributes:
        mask: ``(128, 128)`` float32 over the whole film, the probability that a pixel is lung.
        tilt: degrees, -25..25, by which the lungs are turned clockwise beyond what is common, in
            the film squashed to a square.
        box: left, top, right, bottom of the lungs in shares of that square's sides once it is
            turned back by the tilt about its middle, 0..1 or, turned, a little outside; the whole
            film where no pixel is lung.
        present: probability 0..1 that there are lungs.
        confidence: 0..1, the Dice that the mask's own probabilities let expect.
        visible: estimated share 0..1 of the lungs that the film shows.
        inverted: probability 0..1 that the greys are inverted.
        upright: probability 0..1 that the film is upright.
        code: ``"ok"``, or why these lungs do not do: ``"no_lungs"``, ``"inverted"``, ``"turned"``,
            ``"cut_off"``.
    """

    mask: np.ndarray = field(repr=False)
    tilt: float
    box: tuple[float, float, float, float]
    present: float
    confidence: float
    visible: float
    inverted: float
    upright: float
    code: str


class LungNet(nn.Module):
    """``(N, 1, 128, 128)`` float32, standardised → logits of the mask and of the film.

    A U-Net whose decoder adds the encoder's maps instead of stacking them. Returns
    ``(N, 1, 128, 128)``, lung, and ``(N, 7)``: lungs there, inverted, turned by 0, 90, 180 and 270
    degrees, share of the lungs shown.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (16, 32, 64, 96, 128)
        pairs = list(zip((1, *widths), widths, strict=False))
        self.down = nn.ModuleList([nn.Sequential(_conv(a, b), _conv(b, b)) for a, b in pairs])
        self.bridge = nn.ModuleList([nn.Conv2d(b, a, 1) for a, b in pairs[1:]])
        self.up = nn.ModuleList([_conv(a, a) for a, _ in pairs[1:]])
        self.mask = nn.Conv2d(widths[0], 1, 1)
        self.look = _conv(widths[-1], widths[-1])
        self.film = nn.Sequential(nn.Linear(2 * widths[-1], 64), nn.ReLU(), nn.Linear(64, 7))

    def forward(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        maps = []
        for level, block in enumerate(self.down):
            films = block(F.max_pool2d(films, 2) if level else films)
            maps.append(films)
        deep = maps.pop()
        seen = self.look(deep)
        film = self.film(torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1))
        for bridge, up in zip(reversed(self.bridge), reversed(self.up), strict=True):
            deep = up(F.interpolate(bridge(deep), scale_factor=2.0) + maps.pop())
        return self.mask(deep), film


class LungFinder:
    """A trained ``LungNet``, called from any number of threads.

    Attributes:
        device: where it computes.
        card: of its weights.
        network: it, for who exports it.
        run: what computes it: the network itself, by PyTorch, or an engine made of it.
    """

    def __init__(self, network: LungNet, card: LungsCard) -> None:
        network = network.eval().requires_grad_(False)
        self.network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.run: Callable[[torch.Tensor], tuple[torch.Tensor, ...]] = self.network
        self.card = card
        self.device: torch.device = next(network.parameters()).device

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> "LungFinder":
        """The finder in that folder.

        Raises:
            CheckpointError: its files are missing, damaged or of another network.
        """
        folder = Path(folder)
        try:
            card = typed_json.load(LungsCard, folder / CARD)
            weights = folder / card.file
            if sha256(weights) != card.sha256:
                raise FormatError(f"the file {card.file} is damaged or not that of its card")
            load_weights(weights, network := LungNet())
        except Exception as error:
            raise CheckpointError(
                f"The lung finder {str(folder)!r} cannot be used ({error}): fetch it again, or "
                "train it anew with `pneumonia train-lungs`."
            ) from error
        return cls(network.to(device), card)

    def __call__(self, images: torch.Tensor, batch: int = BATCH) -> list[Lungs]:
        """The lungs of each film.

        Args:
            images: ``(N, 1, h, w)`` uint8, films squashed to one size of at least 128 px, on any
                device.
            batch: films at a time.
        """
        found = []
        for films in images.split(batch):
            with torch.inference_mode():
                inputs = network_input(films.to(self.device))
                masks, answers = self.run(inputs.to(memory_format=torch.channels_last))
                turns = answers[:, 2:6].softmax(1)[:, :1]
                answers = torch.cat([answers[:, [0, 1, 6]].sigmoid(), turns], 1).tolist()
                masks = masks.sigmoid()[:, 0].cpu().numpy()
            found += [self._judge(*one) for one in zip(masks, answers, strict=True)]
        return found

    def _judge(self, mask: np.ndarray, answers: list[float]) -> Lungs:
        present, inverted, visible, upright = answers
        on, limits = mask > 0.5, self.card.limits
        confidence = 2 * float(mask[on].sum()) / float(on.sum() + mask.sum() + 1e-6)
        code = "ok"
        if present < limits.present or confidence < limits.confidence:
            code = "no_lungs"
        elif inverted > limits.inverted:
            code = "inverted"
        elif upright < limits.upright:
            code = "turned"
        elif visible < limits.visible:
            code = "cut_off"
        tilt = tilt_of(on)
        box = box_of(on, tilt)
        return Lungs(mask, tilt, box, present, confidence, visible, inverted, upright, code)


def lung_finder(device: torch.device) -> LungFinder:
    """The finder among the checkpoints, or the shipped one where they have none; loaded once.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    folder = checkpoints_root() / LUNGS
    return _load(folder if folder.is_dir() else shipped_folder("checkpoints") / LUNGS, device)


_load = functools.cache(LungFinder.load)


def network_input(images: torch.Tensor) -> torch.Tensor:
    """``(N, 1, h, w)`` uint8 films → ``(N, 1, 128, 128)`` float32, each at mean 0, deviation 1."""
    films = images.float() / 255
    return standardise(F.interpolate(films, (SIDE, SIDE), mode="bilinear", antialias=True))


def standardise(films: torch.Tensor) -> torch.Tensor:
    """``(N, 1, h, w)`` float → the same, each film at mean 0 and deviation 1."""
    deviation, mean = torch.std_mean(films, (1, 2, 3), keepdim=True)
    return (films - mean) / deviation.clamp_min(1e-3)


def tilt_of(on: np.ndarray) -> float:
    """Degrees by which the lungs of a ``(h, w)`` bool mask are turned clockwise beyond ``ASKEW``.

    The mask is cut in two across its middle, and once more across the direction that gives: that
    of both parts' long axes, from their second moments (Hu 1962), where a long part weighs more
    than a round one, such as a lung that lost its base. Beyond ``TURNED`` degrees it is 0: they say
    nothing then.
    """
    if not on.any():
        return 0.0
    places, angle = _places(on), 0.0
    places -= places.mean()
    for _ in range(2):
        right = (places * cmath.rect(1, -angle)).real > 0
        if right.all() or not right.any():
            return 0.0
        parts = [places[side] - places[side].mean() for side in (right, ~right)]
        long = sum((part**2).sum() / ((abs(part) ** 2).sum() or 1) for part in parts)
        angle = cmath.phase(-long) / 2
    degrees = math.degrees(angle)
    return 0.0 if abs(degrees) > TURNED else degrees - float(np.clip(degrees, -ASKEW, ASKEW))


def box_of(on: np.ndarray, tilt: float = 0.0) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a ``(h, w)`` bool mask, in shares of the picture's sides.

    From the 1st to the 99th percentile of the mask's pixels along each side, so that a few stray
    ones do not count. The sides are those of the picture turned back by ``tilt`` degrees.
    """
    if not on.any():
        return 0.0, 0.0, 1.0, 1.0
    upright, edges = _places(on) * cmath.rect(1, -math.radians(tilt)), []
    for along, pixels in ((upright.real, on.shape[1]), (upright.imag, on.shape[0])):
        counts, steps = np.histogram(along + 0.5, 2 * pixels, (-0.5, 1.5))
        share = np.concatenate([[0], np.cumsum(counts) / len(along)])
        edges.append(np.interp((0.01, 0.99), share, steps))
    (left, right), (top, bottom) = edges
    return float(left), float(top), float(right), float(bottom)


def _places(on: np.ndarray) -> np.ndarray:
    """Of a mask's pixels, from the picture's middle: across in shares of its width + i · down."""
    rows, columns = np.nonzero(on)
    height, width = on.shape
    return (columns + 0.5) / width - 0.5 + 1j * ((rows + 0.5) / height - 0.5)


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
