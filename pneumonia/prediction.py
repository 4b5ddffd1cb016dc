"""What a model says of a film."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from PIL import Image

from pneumonia.card import Card
from pneumonia.gate import GateResult
from pneumonia.lungs import Lungs
from pneumonia.overlay import overlay
from pneumonia.reading.radiograph import Radiograph

Label = Literal["NORMAL", "PNEUMONIA"]


@dataclass(frozen=True)
class Prediction:
    """One model's answer for one film.

    Attributes:
        model: the checkpoint's model name, such as ``"cnn"``: a key of ``models.MODELS``.
        probability: calibrated P(PNEUMONIA), 0..1.
        label: ``"PNEUMONIA"`` from the card's operating point on, else ``"NORMAL"``.
        threshold: that operating point, a probability.
        prediction_set: the classes plausible at this probability, none, one or both:
            class-conditional conformal prediction, which keeps the true class of at least
            ``coverage`` (see the card) of the films of either class.
        card: the model's card; ``card.validation`` has sensitivity and specificity.
        attribution: ``(128, 128)`` float32 over the whole film: the calibrated log-odds that each
            place speaks for PNEUMONIA (for lungs that showed it everywhere), below 0 where it
            speaks for NORMAL, 0 outside the lungs; in the network's cells, of which this is an
            enlargement, the mean over the lungs is the log-odds of the probability. None if not
            asked for.
        target: the class the heatmap explains: the predicted one unless another was asked for.
        lungs: the lungs that were found in the film, which is all that the network sees.
        model_input: ``(size, size)`` float32: what went into the network, standardised.
        gate: whether the film is one of those the model knows: if not, the rest means nothing.
        radiograph: the film as it was read.
    """

    model: str
    probability: float
    label: Label
    threshold: float
    prediction_set: tuple[str, ...]
    card: Card = field(repr=False)
    attribution: np.ndarray | None = field(repr=False)
    target: Label
    lungs: Lungs = field(repr=False)
    model_input: np.ndarray = field(repr=False)
    gate: GateResult
    radiograph: Radiograph

    @property
    def heatmap(self) -> np.ndarray | None:
        """``(128, 128)`` float32 ≥ 0: the log-odds each place speaks for the explained class."""
        if self.attribution is None:
            return None
        return np.maximum(self.attribution if self.target == "PNEUMONIA" else -self.attribution, 0)

    @property
    def in_scope(self) -> bool:
        """Whether the gate let the film through."""
        return self.gate.ok

    @property
    def verdict(self) -> str:
        """The one plausible class, or ``"UNCERTAIN"`` where there is none or both are."""
        return self.prediction_set[0] if len(self.prediction_set) == 1 else "UNCERTAIN"

    def overlay(self, opacity: float = 0.7) -> Image.Image:
        """The film with its evidence over it, RGB, at the film's own size and aspect.

        What raised the probability is warm, what lowered it is cool, as on the page.

        Raises:
            ValueError: the prediction was made without a heatmap.
        """
        if self.attribution is None:
            raise ValueError("This prediction has no heatmap: predict with heatmap=True.")
        return overlay(self.radiograph.pixels, self.attribution, opacity)


def refused_together(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Of one film, one per model: where one refuses it, those that do not have its reason too."""
    reason = next((p.gate for p in predictions if not p.in_scope), None)
    return [replace(p, gate=reason) if reason and p.in_scope else p for p in predictions]
