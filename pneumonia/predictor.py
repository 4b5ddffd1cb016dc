"""Film → prediction: what the page, the scripts and other programs all call."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pneumonia.card import Card
from pneumonia.checkpoint import load_checkpoint
from pneumonia.explain import Explainer
from pneumonia.gate import Gate, GateResult
from pneumonia.models import Network
from pneumonia.overlay import overlay
from pneumonia.preprocess import EvalPreset, to_canonical
from pneumonia.reading.radiograph import Radiograph, Source, read_radiograph


@dataclass(frozen=True)
class Prediction:
    """One model's answer for one film.

    Attributes:
        model: the checkpoint's model name, ``"cnn"`` or ``"densenet169"``.
        probability: calibrated P(PNEUMONIA), 0..1.
        label: ``"PNEUMONIA"`` from the card's operating point on, else ``"NORMAL"``.
        threshold: that operating point, a probability.
        prediction_set: the classes plausible at this probability, none, one or both:
            class-conditional conformal prediction, which keeps the true class of at least
            ``coverage`` (see the card) of the films of either class.
        card: the model's card; ``card.validation`` has sensitivity and specificity.
        attribution: ``(h, w)`` float32 on the network's last grid: the calibrated log-odds each
            cell speaks for PNEUMONIA (for a film that showed it everywhere), below 0 where it
            speaks for NORMAL; None if not asked for.
        target: the class the heatmap explains: the predicted one unless another was asked for.
        model_input: ``(size, size)`` float32: what went into the network, standardised.
        gate: whether the film is one of those the model knows: if not, the rest means nothing.
        radiograph: the film as it was read.
    """

    model: str
    probability: float
    label: str
    threshold: float
    prediction_set: tuple[str, ...]
    card: Card = field(repr=False)
    attribution: np.ndarray | None = field(repr=False)
    target: str
    model_input: np.ndarray = field(repr=False)
    gate: GateResult
    radiograph: Radiograph

    @property
    def heatmap(self) -> np.ndarray | None:
        """``(h, w)`` float32 ≥ 0: the log-odds each cell speaks for the explained class."""
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
        """The film with the heatmap over it, RGB, at the film's own size and aspect.

        Raises:
            ValueError: the prediction was made without a heatmap.
        """
        if self.heatmap is None:
            raise ValueError("This prediction has no heatmap: predict with heatmap=True.")
        return overlay(self.radiograph.pixels, self.heatmap, opacity)


class Predictor:
    """One model, loaded once, called from any number of threads.

    >>> predictor = Predictor.load("densenet169")
    >>> prediction = predictor.predict("film.dcm")
    >>> prediction.label, round(prediction.probability, 2)
    """

    def __init__(self, network: Network, card: Card, gate: Gate) -> None:
        self.card, self.gate = card, gate
        self.name: str = card.model
        self.title: str = card.title
        self.temperature: float = card.calibration.temperature
        self.bias: float = card.calibration.bias
        self.threshold: float = card.operating_point.threshold
        self.limits: tuple[float, float] = (
            card.conformal.normal_to,
            card.conformal.pneumonia_from,
        )
        self._preset = EvalPreset(card.preprocessing.size)
        self._explainer = Explainer(network)
        self.device: torch.device = network.classifier.weight.device

    @classmethod
    def load(cls, name: str | Path, device: str = "auto") -> "Predictor":
        """A shipped model by name, or any checkpoint folder.

        Args:
            name: ``"cnn"``, ``"densenet169"`` or the path of a folder that scripts/train.py wrote.
            device: ``"auto"`` (the GPU where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` …

        Raises:
            CheckpointError: the checkpoint is missing, damaged or of another version.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(*load_checkpoint(name, device))

    def predict(
        self,
        source: Source,
        heatmap: bool = True,
        target: str | None = None,
    ) -> Prediction:
        """The prediction for one film.

        Args:
            source: path, bytes, binary file, PIL image, array (see ``read_radiograph``), or a film
                already read, which is how two models share one decoding.
            heatmap: also make the heatmap, in the same forward pass.
            target: the class the heatmap explains, by default the predicted one.

        Raises:
            RadiographError: the source cannot be read as a film.
        """
        return self.predict_batch([source], heatmap, target)[0]

    def predict_batch(
        self,
        sources: Sequence[Source],
        heatmap: bool = True,
        target: str | None = None,
        batch_size: int = 32,
    ) -> list[Prediction]:
        """Predictions for several films in their order; see ``predict``.

        Raises:
            RadiographError: for the first source that cannot be read. To go on past such files,
                read them with ``read_radiograph`` and pass what was read.
        """
        predictions: list[Prediction] = []
        odds = math.log(self.threshold / (1 - self.threshold))
        cut = self.temperature * (odds - self.bias)  # the operating point as a logit
        for start in range(0, len(sources), batch_size):
            films = [read_radiograph(source) for source in sources[start : start + batch_size]]
            images = torch.stack([to_canonical(film.pixels) for film in films])
            inputs = self._preset(images).to(self.device)
            logits, maps, embedding = self._explainer.explain(inputs, heatmap)
            model_input = inputs[:, 0].cpu().numpy()
            for i, (film, logit) in enumerate(zip(films, logits, strict=True)):
                label = "PNEUMONIA" if logit >= cut else "NORMAL"
                log_odds = float(logit) / self.temperature + self.bias
                probability = 0.5 + 0.5 * math.tanh(log_odds / 2)  # the sigmoid, without overflow
                predictions.append(
                    Prediction(
                        model=self.name,
                        probability=probability,
                        label=label,
                        threshold=self.threshold,
                        prediction_set=self._plausible(probability),
                        card=self.card,
                        attribution=None
                        if maps is None
                        else maps[i] / np.float32(self.temperature),
                        target=target or label,
                        model_input=model_input[i],
                        gate=self.gate.check(film, embedding[i]),
                        radiograph=film,
                    )
                )
        return predictions

    def _plausible(self, probability: float) -> tuple[str, ...]:
        normal_to, pneumonia_from = self.limits
        classes = {"NORMAL": probability <= normal_to, "PNEUMONIA": probability >= pneumonia_from}
        return tuple(name for name, plausible in classes.items() if plausible)
