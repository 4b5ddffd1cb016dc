"""Is this a frontal chest film like those the models know? If not, its prediction means nothing.

First what the file says of how it was taken, then what anyone can see (colour, an empty image, an
odd shape), whether the lungs are there and whole, and last what the network sees: the film's
distance from the training films in the space of embedding features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pneumonia.lungs import Lungs
from pneumonia.reading.radiograph import Radiograph

COLOURED = 0.12  # mean saturation, 0..1; a scanned film may be tinted
BLANK = 0.02  # standard deviation of the grey values, 0..1
LONG = 2.5  # longer side / shorter side; chest films stay below 2

AGES = (1, 6)  # years: from the first birthday to the day before the sixth
VIEWS = ("AP", "PA")
CHEST = ("CHEST", "THORAX", "LUNG")  # one of them is part of what the file calls the body part

REASONS = {
    "age": "The file says that the patient is {age} years old; the models know children of 1 to 5.",
    "view": "The file says that this is a view from another side ({view}), not a frontal one.",
    "body_part": "The file says that this is no film of the chest ({part}).",
    "colour": "This is a picture in colour, not a chest film.",
    "blank": "There is next to nothing on this picture.",
    "narrow": "Chest films are not as long and narrow as this picture.",
    "no_lungs": "No lungs were found in this picture.",
    "inverted": "The greys of this film are inverted: bones should be white. Invert it.",
    "turned": "This film lies on its side or upside down. Turn it upright.",
    "cut_off": "The lungs are cut off: the film should show both of them whole.",
    "told": "The visitor said that this is no AP film of a child of 1 to 5 years.",
    "unlike": "This does not look like the frontal chest films that the model knows.",
}


@dataclass(frozen=True)
class GateResult:
    """Whether a film is in scope; ``str(result)`` is ``"ok"`` or one English sentence.

    Attributes:
        code: ``"ok"``, or a key of ``REASONS``.
        arguments: what that sentence names.
    """

    code: str
    arguments: Mapping[str, str | int] = field(default_factory=dict, hash=False)

    @property
    def ok(self) -> bool:
        """Whether the film is like those the network knows."""
        return self.code == "ok"

    def __str__(self) -> str:
        return "ok" if self.ok else REASONS[self.code].format(**self.arguments)


@dataclass(frozen=True)
class Gate:
    """The distribution of the training films in the embedding features of one network.

    A film is judged by its Mahalanobis distance to their mean (Lee et al. 2018, "A simple unified
    framework for detecting out-of-distribution samples", with one class), in units of the limit.

    Attributes:
        mean: ``(channels,)`` float32.
        precision: ``(channels, channels)`` float32, the inverse covariance divided by the squared
            limit.
    """

    mean: np.ndarray
    precision: np.ndarray

    def distances(self, embedding: np.ndarray) -> np.ndarray:
        """``(N, channels)`` float embeddings → ``(N,)`` float64 distances; up to 1 is in scope."""
        away = embedding.astype(np.float64) - self.mean
        return np.sqrt(((away @ self.precision) * away).sum(1))

    def check(self, film: Radiograph, lungs: Lungs, embedding: np.ndarray) -> GateResult:
        """Whether the film is like those the network knows, or the first reason why not.

        Args:
            film: as ``read_radiograph`` returned it.
            lungs: those found in it.
            embedding: ``(channels,)`` float, the network's embedding features of the film.
        """
        height, width = film.pixels.shape
        tags = film.tags
        if tags.age is not None and not AGES[0] <= tags.age < AGES[1]:
            return GateResult("age", {"age": int(tags.age)})
        if tags.view and tags.view not in VIEWS:
            return GateResult("view", {"view": tags.view})
        if tags.body_part and not any(word in tags.body_part for word in CHEST):
            return GateResult("body_part", {"part": tags.body_part})
        if film.saturation > COLOURED:
            return GateResult("colour")
        step = max(1, min(height, width) // 256)  # of a large film some pixels say as much as all
        if film.pixels[::step, ::step].std() < BLANK:
            return GateResult("blank")
        if max(height, width) > LONG * min(height, width):
            return GateResult("narrow")
        if lungs.code != "ok":
            return GateResult(lungs.code)
        if not self.distances(embedding[None])[0] <= 1:
            return GateResult("unlike")
        return GateResult("ok")
