"""What a model makes of everything but the inside of the lungs: at best nothing.

Three questions: what it says with the lungs covered, what it says of lungs set into another film's
surroundings, and how it does on the films whose surroundings tell the wrong class.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from pneumonia.data.shortcuts import border_profile, out_of_fold, pixel_statistics
from pneumonia.explain import Explainer
from pneumonia.lungs import BATCH, Lungs, box_of, lung_finder
from pneumonia.preprocess import EvalPreset, resample, soften, view_of

CELLS = 16  # of the outline's shape, by side


def covered_logits(explainer: Explainer, size: int, images: torch.Tensor) -> np.ndarray:
    """Logits ``(N,)`` float32 of films whose lungs are painted over in their mean grey.

    Args:
        explainer: the model.
        size: side of its input in px.
        images: ``(N, 1, 224, 224)`` uint8.
    """
    batches = EvalPreset(size).batches(images, explainer.device)
    explained = [explainer.explain(covered(inputs), attribution=False) for inputs in batches]
    return np.concatenate([one.logits for one in explained])


def covered(inputs: torch.Tensor) -> torch.Tensor:
    """Network inputs ``(N, 2, s, s)``, see ``EvalPreset``, with the lungs in their mean grey."""
    views, masks = inputs.split(1, 1)
    return torch.cat([views.masked_fill(masks > 0.5, 0.0), masks], 1)


def transplanted_auroc(
    explainer: Explainer, size: int, images: torch.Tensor, labels: np.ndarray
) -> float:
    """The AUROC of films as ``transplanted`` makes them; labels ``(N,)`` of 0 and 1."""
    device = explainer.device
    inputs = transplanted(images, device, torch.from_numpy(labels), size)
    explained = [explainer.explain(x.to(device), attribution=False) for x in inputs.split(BATCH)]
    return float(roc_auc_score(labels, np.concatenate([one.logits for one in explained])))


def transplanted(
    images: torch.Tensor, device: torch.device, labels: torch.Tensor, size: int
) -> torch.Tensor:
    """Films whose lungs are set into the surroundings and the outline of the other class's.

    A network that answers rightly here has read the inside of the lungs. Nothing is random.

    Args:
        images: N films of both classes, ``(N, 1, 224, 224)`` uint8.
        device: where their lungs are looked for.
        labels: ``(N,)`` of 0 and 1.
        size: side of the network's input in px.

    Returns:
        ``(N, 2, size, size)`` float32 network input, channels last; the labels stay.
    """
    views, masks = EvalPreset(size).views(images, lung_finder(device)(images))
    other = torch.empty(len(labels), dtype=torch.long)
    for label in (0, 1):
        mine, theirs = (labels == label).nonzero()[:, 0], (labels != label).nonzero()[:, 0]
        other[mine] = theirs[torch.arange(len(mine)) % len(theirs)]
    outline = masks[other]
    inside = outline * views + (1 - outline) * views[other]
    inputs = torch.cat([inside * soften(outline), outline], 1)
    return inputs.contiguous(memory_format=torch.channels_last)


def surroundings(
    images: torch.Tensor, labels: np.ndarray, patients: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What tells the classes without a picture of the lungs: name → ``(N,)`` P(PNEUMONIA).

    Three classifiers (gradient-boosted trees, see ``data.shortcuts``) see the film's rim, its grey
    levels without their place, and the outline of its lungs; each judges the films of patients it
    did not learn from.

    Args:
        images: ``(N, 1, 224, 224)`` uint8.
        labels: ``(N,)`` of 0 and 1.
        patients: ``(N,)``.

    Returns:
        It, and ``(N,)`` the fold that each film's classifiers left out, the same of all three.

    Raises:
        ValueError: a class has fewer than two patients.
    """
    lungs = lung_finder(torch.device("cpu"))(images)
    traits = {
        "rim": border_profile(images),
        "grey levels": pixel_statistics(images),
        "lung outline": np.hstack([*outline_traits(lungs).values()]),
    }
    told = {name: out_of_fold(x, labels, patients) for name, x in traits.items()}
    return {name: scores for name, (scores, _) in told.items()}, told["rim"][1]


def conflicting(told: Mapping[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Which films' surroundings tell the wrong class: ``(N,)`` bool.

    Those that at least two of the classifiers call wrongly: "bias-conflicting" in Nam et al. 2020,
    "Learning from Failure".

    Args:
        told: what ``surroundings`` returns first.
        labels: ``(N,)`` of 0 and 1.
    """
    return np.sum([(p >= 0.5) != labels for p in told.values()], axis=0) >= 2


def outline_traits(lungs: Sequence[Lungs]) -> dict[str, np.ndarray]:
    """``box``, ``(N, 6)``: its edges, width and height; ``shape``, ``(N, 256)``: the mask in it."""
    boxes = torch.tensor([box_of(one.mask > 0.5) for one in lungs])
    masks = torch.from_numpy(np.stack([one.mask for one in lungs]))[:, None]
    on = (masks > 0.5).float()
    shape = F.avg_pool2d(resample(on, view_of(boxes), 4 * CELLS)[0], 4).flatten(1)
    return {
        "box": torch.cat([boxes, boxes[:, 2:] - boxes[:, :2]], 1).numpy(),
        "shape": shape.numpy(),
    }
