"""Taking out of a trained classifier how the classes differ, on average, with the lungs covered."""

import torch
from torch import nn
from tqdm import tqdm

from pneumonia.evaluation.shortcuts import covered
from pneumonia.explain import Explainer
from pneumonia.lungs import BATCH
from pneumonia.models import Network
from pneumonia.preprocess import EvalPreset


def forget_outline(network: Network, images: torch.Tensor, labels: torch.Tensor, size: int) -> None:
    """Change a network's classifier, in place: with lungs covered, classes have one mean logit.

    Its row loses the component along which the mean pooled features of either class's films differ
    when their lungs are painted over. That holds for these films; others, and the order of logits
    about the means, may still tell the classes, and the features stay what they are (mean
    projection: Haghighatkhah et al. 2022, "Better hit the nail on the head than beat around the
    bush: removing protected attributes with a single projection").

    Args:
        network: trained; computes where it lies.
        images: ``(N, 1, 224, 224)`` uint8 training films.
        labels: ``(N,)`` of 0 and 1, both there.
        size: side of the network's input in px.

    Raises:
        ValueError: the network's classifier is not linear.
    """
    if not isinstance(network.classifier, nn.Linear):
        raise ValueError("The outline can be forgotten by a linear classifier only; this has none.")
    explainer, pooled = Explainer(network), []
    batches = EvalPreset(size).batches(images, explainer.device)
    parts = -(-len(images) // BATCH)
    with torch.inference_mode():
        for inputs in tqdm(batches, "Lungs covered", parts, unit="batch", disable=None):
            maps, shares, _ = explainer.graph.walk(covered(inputs))
            pooled.append((maps * shares).sum((2, 3)).cpu())
    features = torch.cat(pooled).double()
    told = features[labels == 1].mean(0) - features[labels == 0].mean(0)
    row = network.classifier.weight.data[0]
    before = row.cpu().double()
    row.copy_(before - told * (before @ told) / (told @ told).clamp_min(1e-12))
