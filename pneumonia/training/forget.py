"""Taking out of a trained classifier what it says of lungs that it does not see."""

import torch
from tqdm import tqdm

from pneumonia.evaluation.shortcuts import covered
from pneumonia.explain import Explainer
from pneumonia.lungs import BATCH
from pneumonia.models import Network
from pneumonia.preprocess import EvalPreset


def forget_outline(network: Network, images: torch.Tensor, labels: torch.Tensor, size: int) -> None:
    """Change a network's classifier, in place, to tell no class where the lungs are covered.

    Its row loses the component along which the pooled features of the classes' films differ when
    their lungs are painted over, so that films of either class then have the same mean logit (mean
    projection: Haghighatkhah et al. 2022, "Better hit the nail on the head than beat around the
    bush: removing protected attributes with a single projection").

    Args:
        network: trained; computes where it lies.
        images: ``(N, 1, 224, 224)`` uint8 training films.
        labels: ``(N,)`` of 0 and 1, both there.
        size: side of the network's input in px.
    """
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
