"""Logits and their attribution in one forward pass.

Behind average pooling over the lungs and one linear layer, Grad-CAM (Selvaraju et al. 2017) and
HiResCAM (Draelos and Carin 2020) are the class activation map (Zhou et al. 2016): the last maps,
weighted by the classifier's row. The classifier's constant, which no place says, is spread evenly,
so that over the lungs the cells average to the logit: the map keeps its unit and is scaled by
nothing. The cut at 0 is left to whoever shows the map: what lies above speaks for PNEUMONIA, what
lies below for NORMAL, whose score is the negative logit. For a network with another head the
package ``grad-cam`` makes the map.
"""

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from tqdm import tqdm

from pneumonia.lungs import BATCH, SIDE, Lungs, lung_finder
from pneumonia.models import Network, lung_shares
from pneumonia.preprocess import EvalPreset, resample, turned_view


class Explained(NamedTuple):
    """What one pass over N films gives.

    Attributes:
        logits: ``(N,)`` float32, of PNEUMONIA.
        attribution: ``(N, h, w)`` float32 in units of the logit, above 0 for PNEUMONIA, below 0 for
            NORMAL: of ``explain`` the cells of the network's last stage in the view, whose mean
            over the lungs is the logit; of ``explain_images`` on the film, see ``on_film``. None
            if not asked for.
        embedding: ``(N, channels)`` float32, the ``embedding`` layer's maps averaged over the view.
    """

    logits: np.ndarray
    attribution: np.ndarray | None
    embedding: np.ndarray


class Pass(nn.Module):
    """The one graph of a network with a linear head, which every engine runs.

    ``(N, 2, size, size)`` float32 network input → logits ``(N,)``, attribution ``(N, h, w)`` and
    embedding ``(N, channels)``, float32; see ``Explained``.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def walk(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The last maps ``(N, channels, h, w)``, the lungs' shares in them, the embedding."""
        maps = embedding = inputs[:, :1].contiguous(memory_format=torch.channels_last)
        for layer in self.network.features.children():
            maps = layer(maps)
            if layer is self.network.embedding:
                embedding = maps.mean((2, 3))
        maps = self.network.relu(maps)
        return maps, lung_shares(inputs, maps.shape[-2:]), embedding

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        maps, shares, embedding = self.walk(inputs)
        logits = self.network.classifier((maps * shares).sum((2, 3))).squeeze(1)
        heat = torch.einsum("nchw,c->nhw", maps, self.network.classifier.weight[0])
        return logits, heat, embedding


class Explainer:
    """Runs one network, with or without attribution, from any number of threads at a time.

    What it runs is a copy, made for this: frozen, each batch norm that follows a convolution folded
    into it, the channels last in memory.

    Attributes:
        device: where the network lies and its inputs have to.
        graph: the pass of a network with a linear head.
        run: what computes that pass: the graph itself, by PyTorch, or an engine made of it.
    """

    def __init__(self, network: Network) -> None:
        network = copy.deepcopy(network).eval().requires_grad_(False)
        _fold_norms(network.features)
        self.network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.device: torch.device = next(network.parameters()).device
        self.graph = Pass(self.network)
        self.run: Callable[[torch.Tensor], tuple[torch.Tensor, ...]] = self.graph

    def explain(self, inputs: torch.Tensor, attribution: bool = True) -> Explained:
        """Logits, attribution and embedding in one pass.

        Args:
            inputs: ``(N, 2, size, size)`` float32 network input on the network's device.
            attribution: ask for it.
        """
        head: nn.Module = self.network.classifier
        with torch.inference_mode():
            if isinstance(head, nn.Linear):
                logits, heat, embedding = self.run(inputs)
            else:
                maps, shares, embedding = self.graph.walk(inputs)
                logits, heat = head((maps * shares).sum((2, 3))).squeeze(1), None
                if attribution:
                    with torch.inference_mode(False):  # which gradients need
                        heat = grad_cam(head, maps.clone(), shares.clone())
            logits, embedding = logits.float().cpu().numpy(), embedding.float().cpu().numpy()
            if heat is None or not attribution:
                return Explained(logits, None, embedding)
            heat, shares = heat.float().cpu(), lung_shares(inputs, heat.shape[1:])[:, 0].cpu()
        rest = logits - (heat * shares).sum((1, 2)).numpy()  # what no place says: constants
        return Explained(logits, heat.numpy() + rest[:, None, None], embedding)

    def explain_images(
        self, images: torch.Tensor, size: int, attribution: bool = True, progress: bool = False
    ) -> Explained:
        """``explain`` for any number of films whose lungs are found here, in batches.

        Args:
            images: ``(N, 1, 224, 224)`` uint8, N ≥ 1, on any device (see ``to_canonical``).
            size: side of the network's input in px.
            attribution: ask for it.
            progress: show a bar in a terminal.
        """
        preset, find, parts = EvalPreset(size), lung_finder(self.device), []
        bar = tqdm(images.split(BATCH), "Films", unit="batch", disable=None if progress else True)
        for part in bar:
            part = part.to(self.device)
            lungs = find(part)
            explained = self.explain(preset(part, lungs), attribution)
            if explained.attribution is not None:
                explained = explained._replace(attribution=on_film(explained.attribution, lungs))
            parts.append(explained)
        maps = [part.attribution for part in parts if part.attribution is not None]
        return Explained(
            np.concatenate([part.logits for part in parts]),
            np.concatenate(maps) if maps else None,
            np.concatenate([part.embedding for part in parts]),
        )


def on_film(attribution: np.ndarray, lungs: Sequence[Lungs]) -> np.ndarray:
    """The cells of N views → maps of the whole films.

    Args:
        attribution: ``(N, h, w)`` float32.
        lungs: of the N films.

    Returns:
        ``(N, 128, 128)`` float32, bilinear between the cells' middles, and 0 outside the lungs.
    """
    theta = turned_view(lungs)
    scale = torch.linalg.inv(theta[:, :, :2])  # back from the film to the view
    back = torch.cat([scale, -scale @ theta[:, :, 2:]], 2)
    maps, _ = resample(torch.from_numpy(attribution)[:, None], back, SIDE)
    masks = np.stack([one.mask for one in lungs])
    return maps[:, 0].numpy() * np.where(masks > 0.5, masks, 0)


def grad_cam(head: nn.Module, maps: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Signed Grad-CAM by the package ``grad-cam``, for any head behind average pooling.

    Args:
        head: ``(N, channels)`` → ``(N, 1)``.
        maps: ``(N, channels, h, w)`` float32 ≥ 0, the network's last.
        shares: ``(N, 1, h, w)`` float32, each cell's in the average.

    Returns:
        ``(N, h, w)`` float32 in units of the logit.
    """
    from pytorch_grad_cam import GradCAM  # which takes as long to import as torch
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    pooled = nn.Sequential(nn.ReLU(), _Pool(shares), head)
    cam = GradCAM(pooled, [pooled[0]])
    cam(maps.requires_grad_(), [ClassifierOutputTarget(0)] * len(maps))  # pyright: ignore[reportArgumentType]
    hooks = cam.activations_and_grads
    activations, gradients = hooks.activations[0].cpu().numpy(), hooks.gradients[0].cpu().numpy()
    hooks.release()  # or the maps would stay until garbage is collected
    heat = cam.get_cam_image(maps, pooled[0], [], activations, gradients)  # not scaled to 0..1
    return torch.from_numpy(heat * heat[0].size).float()


class _Pool(nn.Module):
    """``(N, channels, h, w)`` → ``(N, channels)``, averaged with these shares."""

    def __init__(self, shares: torch.Tensor) -> None:
        super().__init__()
        self.shares = shares

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return (maps * self.shares).sum((2, 3))


def _fold_norms(module: nn.Module) -> None:
    """Fold each batch norm that follows a convolution among its parent's layers into it."""
    for parent in module.modules():
        before = None
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.BatchNorm2d) and before and isinstance(before[1], nn.Conv2d):
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], layer))
                setattr(parent, name, nn.Identity())
            before = name, layer
