"""Logits and their evidence in one forward pass: Grad-CAM of the package ``grad-cam``, unscaled.

Grad-CAM (Selvaraju et al. 2017) weighs the last maps by the gradient of a class's score. For these
networks (mean pooling, one linear layer) the result splits the logit itself: its cells average to
logit − bias. So the package's per-film scaling to 0..1 is left out, and the map keeps the unit of
the logit: a film without evidence has a weak map instead of an arbitrary one. The cut at 0 is left
to whoever shows the map: what lies above speaks for PNEUMONIA, what lies below is the Grad-CAM of
NORMAL, whose score is the negative logit.
"""

import threading
from typing import NamedTuple

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from torch import nn

from .models import Network


class Explained(NamedTuple):
    """What one pass over N films gives.

    Attributes:
        logits: ``(N,)`` float32, of PNEUMONIA.
        evidence: ``(N, h, w)`` float32 on the network's last grid, in units of the logit: above 0
            for PNEUMONIA, below 0 for NORMAL, on average logit − bias. None if not asked for.
        inner: ``(N, channels)`` float32, the network's ``inner`` maps averaged over the film.
    """

    logits: np.ndarray
    evidence: np.ndarray | None
    inner: np.ndarray


class Explainer:
    """Runs one network, with or without evidence, from any number of threads at a time.

    Hooks on a shared network see the activations of every thread, so one lock surrounds each pass,
    and the hooks are there only during it. The network is frozen but for the scale of its last
    normalisation: autograd starts there, and a heatmap costs little more than the bare pass.
    """

    def __init__(self, network: Network) -> None:
        self.network = network.eval().requires_grad_(False)
        norms = [m for m in network.features.modules() if isinstance(m, nn.BatchNorm2d)]
        norms[-1].weight.requires_grad_(True)
        self.lock = threading.Lock()

    def explain(self, inputs: torch.Tensor, evidence: bool = True) -> Explained:
        """Logits, evidence and inner features in one pass.

        Args:
            inputs: ``(N, 1, size, size)`` float32 network input on the network's device.
            evidence: ask for it.
        """
        inner: list[torch.Tensor] = []
        with self.lock:
            listener = self.network.inner.register_forward_hook(
                lambda module, args, maps: inner.append(maps.detach().mean((2, 3)))
            )
            try:
                if evidence:
                    logits, maps = self._cam(inputs)
                else:
                    with torch.inference_mode():
                        logits, maps = self.network(inputs), None
            finally:
                listener.remove()
        return Explained(
            logits.detach().float().cpu().numpy(), maps, inner[0].float().cpu().numpy()
        )

    def _cam(self, inputs: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
        cam = GradCAM(self.network, [self.network.relu])
        hooks = cam.activations_and_grads
        try:
            with torch.enable_grad():
                cam(inputs, [lambda logit: logit] * len(inputs))
            activations, gradients = hooks.activations[0].numpy(), hooks.gradients[0].numpy()
            maps = cam.get_cam_image(inputs, self.network.relu, None, activations, gradients)
        finally:  # not "with GradCAM(...)": that one swallows IndexErrors
            hooks.release()
            self.network.zero_grad(set_to_none=True)
        cells = maps.shape[1] * maps.shape[2]
        return cam.outputs, (maps * cells).astype(np.float32)
