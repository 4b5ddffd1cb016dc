"""Film → prediction: what the page, the scripts and other programs all call."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
import torch
from torch import nn

from pneumonia.card import LABELS, Card
from pneumonia.checkpoint import CheckpointError, checkpoint_folder, load_checkpoint
from pneumonia.engine import LUNGS, NETWORK, Engine, EngineError, open_graphs, write_graphs
from pneumonia.explain import Explainer, on_film
from pneumonia.gate import Gate
from pneumonia.lungs import BATCH, SIDE, lung_finder
from pneumonia.models import Network, pick_device
from pneumonia.prediction import Label, Prediction
from pneumonia.preprocess import EvalPreset, hide, to_canonical
from pneumonia.reading.radiograph import Radiograph, Source, read_radiograph

EngineName = Literal["auto", "torch", "openvino"]
Logits = TypeVar("Logits", float, np.ndarray)


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
        self.threshold: float = card.operating_point.threshold
        self._preset = EvalPreset(card.preprocessing.size)
        self.explainer = Explainer(network)
        self.device: torch.device = self.explainer.device
        self.engine: str = "torch"
        self._find_lungs = lung_finder(self.device)

    @classmethod
    def load(
        cls, name: str | Path, device: str = "auto", engine: EngineName = "auto"
    ) -> "Predictor":
        """A shipped model by name, any checkpoint folder, or a model of the Hugging Face Hub.

        Args:
            name: ``"cnn"`` or another shipped model, the path of a checkpoint folder, or
                ``"hf://OWNER/NAME@REVISION"``, which is downloaded once and cached.
            device: ``"auto"`` (the GPU where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` …
            engine: what computes the networks: ``"torch"``; ``"openvino"``, graphs that
                ``pneumonia export`` wrote into the folder, on the CPU only; ``"auto"``, those
                where they can be used and passed their comparison with PyTorch, else PyTorch.

        Raises:
            CheckpointError: the checkpoint or the lung finder is missing, damaged or of another
                version, or the Hub does not give it.
            EngineError: OpenVINO was asked for and cannot be used.
            ValueError: there is no such device or engine here.
        """
        if engine not in get_args(EngineName):
            names = ", ".join(get_args(EngineName))
            raise ValueError(f"There is no engine {engine!r}: choose from {names}.")
        folder = checkpoint_folder(name)
        predictor = cls(*load_checkpoint(folder, pick_device(device)))
        if engine != "torch":
            try:
                return predictor.use_graphs(folder)
            except EngineError:
                if engine == "openvino":
                    raise
        return predictor

    @classmethod
    def load_all(
        cls, names: Iterable[str | Path], device: str = "auto", engine: EngineName = "auto"
    ) -> list["Predictor"]:
        """Several models whose results can be told apart; see ``load``.

        Raises:
            CheckpointError, EngineError, ValueError: as there, or two are of one model.
        """
        predictors = [cls.load(name, device, engine) for name in names]
        if len({predictor.name for predictor in predictors}) < len(predictors):
            raise CheckpointError(
                "Two of the checkpoints are of one model, so that nobody could tell their results "
                "apart: take one at a time."
            )
        return predictors

    def use_graphs(self, folder: str | Path) -> "Predictor":
        """The same predictor run by the exported graphs in that folder instead of PyTorch.

        Raises:
            EngineError: they cannot be used, or the device is no CPU.
        """
        if self.device.type != "cpu":
            raise EngineError("The engine 'openvino' computes on the CPU: use device='cpu'.")
        return self.run_by(open_graphs(folder, self.weights_sha256, self._preset.size))

    def run_by(self, engines: Mapping[str, Engine]) -> "Predictor":
        """The same predictor with its networks run by these engines; this one stays as it is."""
        other = copy.copy(self)
        other.engine = "openvino"
        other.explainer, other._find_lungs = (
            copy.copy(self.explainer),
            copy.copy(self._find_lungs),
        )
        other.explainer.run, other._find_lungs.run = engines[NETWORK], engines[LUNGS]
        return other

    def write_graphs(self, folder: str | Path) -> str:
        """Write the networks as graphs for OpenVINO; returns their files' SHA-256.

        Raises:
            EngineError: OpenVINO is missing, or the network's head is not linear.
        """
        if not isinstance(self.explainer.network.classifier, nn.Linear):
            raise EngineError(f"{self.title} has a head that only PyTorch runs.")
        view = torch.rand(2, 2, self._preset.size, self._preset.size)
        films = torch.rand(2, 1, SIDE, SIDE)
        graphs = {NETWORK: (self.explainer.graph, view), LUNGS: (self._find_lungs.network, films)}
        return write_graphs(graphs, folder)

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Of the weights of each network that an exported graph is made of."""
        return {NETWORK: self.card.weights.sha256, LUNGS: self._find_lungs.card.sha256}

    def predict(
        self, source: Source, *, heatmap: bool = True, target: Label | None = None
    ) -> Prediction:
        """The prediction for one film.

        Args:
            source: path, bytes, binary file, PIL image, array (see ``read_radiograph``), or a film
                already read, which is how two models share one decoding.
            heatmap: also make the heatmap, in the same forward pass.
            target: the class the heatmap explains, by default the predicted one.

        Raises:
            RadiographError: the source cannot be read as a film.
            ValueError: there is no such class.
        """
        return self.predict_batch([source], heatmap=heatmap, target=target)[0]

    def predict_batch(
        self,
        sources: Iterable[Source],
        *,
        heatmap: bool = True,
        target: Label | None = None,
        batch_size: int = BATCH,
    ) -> list[Prediction]:
        """Predictions for several films in their order; see ``predict``.

        Args:
            sources: each as ``predict`` takes it.
            heatmap: also make the heatmaps.
            target: the class they explain, by default each film's predicted one.
            batch_size: films of a forward pass, from 1; more take more memory.

        Raises:
            RadiographError: for the first source that cannot be read. To go on past such files,
                read them with ``read_radiograph`` and pass what was read.
            ValueError: there is no such class, or no film in a batch.
        """
        batches = self.predict_iter(sources, heatmap=heatmap, target=target, batch_size=batch_size)
        return list(batches)

    def predict_iter(
        self,
        sources: Iterable[Source],
        *,
        heatmap: bool = True,
        target: Label | None = None,
        batch_size: int = BATCH,
    ) -> Iterator[Prediction]:
        """As ``predict_batch``, one after the other: of many films only a batch is in memory.

        Raises:
            RadiographError, ValueError: as there, when the first film of that batch is asked for.
        """
        if batch_size < 1:
            raise ValueError(f"A batch has 1 film or more, not {batch_size}.")
        if target not in (None, *LABELS):
            raise ValueError(f"There is no class {target!r}: choose from {', '.join(LABELS)}.")
        waiting = iter(sources)
        while batch := [read_radiograph(source) for source in islice(waiting, batch_size)]:
            yield from self._predict(batch, heatmap, target)

    def occlude(self, source: Source, regions: np.ndarray) -> np.ndarray:
        """What the model would say if part of the film were hidden: the question of cause.

        Each region is replaced by what surrounds it in the lungs, one at a time, in one batch.

        Args:
            source: as ``predict`` takes it.
            regions: ``(N, h, w)`` bool or float 0..1 over the whole film, at any resolution.

        Returns:
            ``(N,)`` float64, calibrated P(PNEUMONIA) with each region hidden.

        Raises:
            RadiographError: the source cannot be read as a film.
        """
        film = read_radiograph(source)
        image = to_canonical(film.pixels)[None].to(self.device)
        lungs = self._find_lungs(image)
        inputs = self._preset(image, lungs).expand(len(regions), -1, -1, -1)
        hidden = torch.from_numpy(np.asarray(regions, np.float32))[:, None].to(self.device)
        inputs = hide(inputs, lungs * len(regions), hidden)
        logits = self.explainer.explain(inputs, attribution=False).logits
        return np.array([self._calibrated(float(logit))[1] for logit in logits])

    def _predict(
        self, films: list[Radiograph], heatmap: bool, target: Label | None
    ) -> Iterator[Prediction]:
        """One pass over a batch."""
        images = torch.stack([to_canonical(film.pixels) for film in films]).to(self.device)
        lungs = self._find_lungs(images)
        inputs = self._preset(images, lungs)
        logits, maps, embeddings = self.explainer.explain(inputs, heatmap)
        if maps is not None:
            maps = on_film(self._log_odds(maps), lungs)
        model_inputs = inputs[:, 0].cpu().numpy()
        for i, film in enumerate(films):
            label, probability = self._calibrated(float(logits[i]))
            yield Prediction(
                model=self.name,
                probability=probability,
                label=label,
                threshold=self.threshold,
                prediction_set=self._plausible(probability),
                card=self.card,
                attribution=None if maps is None else maps[i],
                target=target or label,
                lungs=lungs[i],
                model_input=model_inputs[i],
                gate=self.gate.check(film, lungs[i], embeddings[i]),
                radiograph=film,
            )

    def _calibrated(self, logit: float) -> tuple[Label, float]:
        """The label and P(PNEUMONIA) of a logit."""
        log_odds = self._log_odds(logit)
        # compared as log-odds: probabilities near 1 are all the same number
        label = LABELS[log_odds >= math.log(self.threshold / (1 - self.threshold))]
        return label, 0.5 + 0.5 * math.tanh(log_odds / 2)  # the sigmoid, without overflow

    def _log_odds(self, logits: Logits) -> Logits:
        """Calibrated; of floats or arrays."""
        return logits / self.card.calibration.temperature + self.card.calibration.bias

    def _plausible(self, probability: float) -> tuple[str, ...]:
        limits = self.card.conformal
        classes = {
            "NORMAL": probability <= limits.normal_to,
            "PNEUMONIA": probability >= limits.pneumonia_from,
        }
        return tuple(name for name, plausible in classes.items() if plausible)
