"""Logits and their attribution in one forward pass: Grad-CAM of the package ``grad-cam``, unscaled.

Grad-CAM (Selvaraju et al. 2017) weighs the last maps by the gradient of a class's score. For these
networks (mean pooling, one linear layer) the result splits the logit itself: its cells average to
logit − bias. So the package's per-film scaling to 0..1 is left out, and the map keeps the unit of
the logit: a film without evidence has a weak map instead of an arbitrary one. The cut at 0 is left
to whoever shows the map: what lies above speaks for PNEUMONIA, what lies below is the Grad-CAM of
NORMAL, whose score is the negative logit.
"""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.fx.experimental.optimization import fuse

from pneumonia.models import Network


class Explained(NamedTuple):
    """What one pass over N films gives.

    Attributes:
        logits: ``(N,)`` float32, of PNEUMONIA.
        attribution: ``(N, h, w)`` float32 on the network's last grid, in units of the logit: above
            0 for PNEUMONIA, below 0 for NORMAL, on average logit − bias. None if not asked for.
        embedding: ``(N, channels)`` float32, the ``embedding`` layer's maps averaged over the film.
    """

    logits: np.ndarray
    attribution: np.ndarray | None
    embedding: np.ndarray


class Explainer:
    """Runs one network, with or without attribution, from any number of threads at a time.

    What it runs is a copy, made for this: frozen, each batch norm that follows a convolution folded
    into it, the channels last in memory. Grad-CAM, which listens to a layer through hooks, gets
    the last maps and a head of its own each time: a heatmap costs little more than the bare pass,
    and no thread sees another's film.
    """

    def __init__(self, network: Network) -> None:
        network = copy.deepcopy(network).eval().requires_grad_(False)
        self.body = fuse(_Body(network), inplace=True).to(memory_format=torch.channels_last)
        self.classifier = network.classifier

    def explain(self, inputs: torch.Tensor, attribution: bool = True) -> Explained:
        """Logits, attribution and embedding features in one pass.

        Args:
            inputs: ``(N, 1, size, size)`` float32 network input on the network's device.
            attribution: ask for it.
        """
        with torch.no_grad():
            maps, embedding = self.body(inputs.contiguous(memory_format=torch.channels_last))
            head = _Head(self.classifier)
            logits = None if attribution else head(maps)
        heat = None
        if attribution:
            from pytorch_grad_cam import GradCAM  # which takes as long to import as torch

            cam = GradCAM(head, [head.relu])
            cam(maps.requires_grad_(), [lambda logit: logit] * len(maps))
            hooks, logits = cam.activations_and_grads, cam.outputs.detach()
            activations, gradients = hooks.activations[0].numpy(), hooks.gradients[0].numpy()
            heat = cam.get_cam_image(maps, head.relu, None, activations, gradients)
            heat = (heat * heat[0].size).astype(np.float32)
            hooks.release()  # or the maps would stay until garbage is collected
        return Explained(logits.float().cpu().numpy(), heat, embedding.float().cpu().numpy())


class _Body(nn.Module):
    """``network.features`` → the last maps, and the embedding ones averaged over the film."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.features, self.embedding = network.features, network.embedding

    def forward(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        for layer in self.features.children():
            films = layer(films)
            if layer is self.embedding:
                embedding = films.mean((2, 3))
        return films, embedding


class _Head(nn.Module):
    """The last maps → logits, as ``Network.forward`` ends."""

    def __init__(self, classifier: nn.Linear) -> None:
        super().__init__()
        self.relu, self.classifier = nn.ReLU(), classifier

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.relu(maps).mean((2, 3))).squeeze(1)
