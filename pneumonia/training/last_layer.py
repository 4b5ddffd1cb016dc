"""What is done to a trained network's classifier alone: its features stay what they are.

Both change its one linear layer in place, and both are told in the card (see ``calibrate``).
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from pneumonia.evaluation.corruptions import corrupt_in_turn
from pneumonia.evaluation.shortcuts import covered, transplanted
from pneumonia.explain import Explainer
from pneumonia.lungs import BATCH
from pneumonia.models import Network
from pneumonia.preprocess import EvalPreset

STAYS = 0.003  # weight of the squared change of what a feature adds, in its standard deviations
SMOOTHING = 0.05  # of the labels, as in training


def refit(network: Network, images: torch.Tensor, labels: torch.Tensor, size: int) -> None:
    """Fit the classifier anew to training films seen as validation films are.

    They are seen as they are, perturbed, and, weighing half as much, with their lungs set into the
    surroundings of the other class's. Training sees crops, and moves features and classifier at
    once; what the features hold is used better when the classifier is fitted last, and it learns
    what is true of all three (Kirichenko, Izmailov and Wilson 2023, "Last layer re-training is
    sufficient for robustness to spurious correlations"). Classes weigh the same; the further the
    classifier moves from what it was, the more it costs.

    Args:
        network: trained; computes where it lies.
        images: ``(N, 1, 224, 224)`` uint8 training films.
        labels: ``(N,)`` of 0 and 1, both there.
        size: side of the network's input in px.

    Raises:
        ValueError: the network's classifier is not linear.
    """
    layer, explainer, preset = linear(network), Explainer(network), EvalPreset(size)
    seen = (
        (preset.batches(images, explainer.device), "As they are", 1.0),
        (preset.batches(corrupt_in_turn(images), explainer.device), "Perturbed", 1.0),
        (
            transplanted(images, explainer.device, labels, size).split(BATCH),
            *("In other surroundings", 0.5),
        ),
    )
    parts = [_pooled(explainer, batches, len(images), title) for batches, title, _ in seen]
    target = labels.double()
    of_class = torch.where(labels == 1, 0.5 / target.mean(), 0.5 / (1 - target.mean()))
    weights = torch.cat([of_class * share for *_, share in seen])
    weights /= weights.sum()
    features, targets = torch.cat(parts), target.repeat(len(parts))
    targets = targets * (1 - SMOOTHING) + SMOOTHING / 2
    center, scale = features.mean(0), features.std(0) + 1e-6
    features = (features - center) / scale
    before = layer.weight.data[0].cpu().double() * scale
    row = before.clone().requires_grad_()
    bias = (layer.bias.data.cpu().double() + center @ (before / scale)).requires_grad_()
    optimizer = torch.optim.LBFGS([row, bias], max_iter=150, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        said = features @ row + bias
        wrong = F.binary_cross_entropy_with_logits(said, targets, weights, reduction="sum")
        whole = wrong + STAYS * (row - before).square().sum()
        whole.backward()
        return whole

    optimizer.step(loss)
    layer.weight.data[0] = row.detach() / scale
    layer.bias.data[:] = bias.detach() - center @ (row.detach() / scale)


def forget_outline(network: Network, images: torch.Tensor, labels: torch.Tensor, size: int) -> None:
    """Take out of the classifier how the classes differ, on average, with the lungs covered.

    Its row loses the component along which the mean pooled features of either class's films differ
    when their lungs are painted over. That holds for these films; others, and the order of logits
    about the means, may still tell the classes (mean projection: Haghighatkhah et al. 2022, "Better
    hit the nail on the head than beat around the bush: removing protected attributes with a single
    projection").

    Args, Raises: as of ``refit``.
    """
    layer, explainer = linear(network), Explainer(network)
    batches = map(covered, EvalPreset(size).batches(images, explainer.device))
    features = _pooled(explainer, batches, len(images), "Lungs covered")
    told = features[labels == 1].mean(0) - features[labels == 0].mean(0)
    row = layer.weight.data[0]
    before = row.cpu().double()
    row.copy_(before - told * (before @ told) / (told @ told).clamp_min(1e-12))


def linear(network: Network) -> nn.Linear:
    """The network's classifier.

    Raises:
        ValueError: it is not linear.
    """
    if not isinstance(network.classifier, nn.Linear):
        raise ValueError("Only a linear classifier can be changed so; this model has another.")
    return network.classifier


def _pooled(
    explainer: Explainer, batches: Iterable[torch.Tensor], films: int, title: str
) -> torch.Tensor:
    """``(N, channels)`` float64: the last maps of the films, averaged over their lungs."""
    pooled = []
    with torch.inference_mode():
        for inputs in tqdm(batches, title, -(-films // BATCH), unit="batch", disable=None):
            maps, shares, _ = explainer.graph.walk(inputs.to(explainer.device))
            pooled.append((maps * shares).sum((2, 3)).cpu())
    return torch.cat(pooled).double()
