"""Five tests that heatmaps can fail, and how far those of two networks agree.

Does a map depend on what the network learnt (cascading randomisation)? Does the network's answer
depend on what the map marks (ROAD)? Does the map find an opacity whose place is known (pointing
game), or the quarter of the lungs that is another child's (exchange)? Does it mark places where no
lung can be (energy outside the body)?

Films are ``(N, 1, 224, 224)`` uint8 images, and heat is that for PNEUMONIA unless said.
"""

import copy
import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_grad_cam.metrics.road import ROADCombined
from scipy.ndimage import binary_fill_holes, distance_transform_edt, label
from scipy.stats import rankdata
from torch import nn

from pneumonia.explain import Explainer
from pneumonia.lungs import SIDE, lung_finder
from pneumonia.models import Network, lung_shares
from pneumonia.preprocess import CANONICAL_SIDE, MARGIN, EvalPreset, soften, standardise
from pneumonia.synthetic.opacity import Lesion, opacity

DRAWS = 8  # of random parameters: one may by chance give maps like the trained ones, or opposite


class SaliencyModel:
    """A network with all that is needed to make heat of images.

    Attributes:
        network: in eval mode, on any device; it must not change afterwards.
        size: side of its input in px.
    """

    def __init__(self, network: Network, size: int) -> None:
        self.network, self.size = network, size
        self._explainer = Explainer(network)

    def inputs(self, images: torch.Tensor) -> torch.Tensor:
        """``(N, 2, size, size)`` float32 network input, on the CPU."""
        batches = EvalPreset(self.size).batches(images, self._explainer.device)
        return torch.cat([batch.cpu() for batch in batches])

    def cells(self, inputs: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """What the network makes of its inputs, see ``inputs``.

        Returns:
            Logits ``(N,)`` and attribution ``(N, h, w)`` of the view's cells, float32, in units of
            the logit, below 0 where it speaks for NORMAL and NaN where there is no lung.
        """
        logits, attribution, _ = self._explainer.explain(inputs.to(self._explainer.device))
        assert attribution is not None  # it was asked for
        shares = lung_shares(inputs, attribution.shape[1:])[:, 0].numpy()
        return logits, np.where(shares > 0.1 / shares[0].size, attribution, np.nan)

    def on_films(self, images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Logits ``(N,)`` and attribution on the films ``(N, 128, 128)``, float32 (see above)."""
        logits, attribution, _ = self._explainer.explain_images(images, self.size)
        assert attribution is not None  # it was asked for
        return logits, attribution

    def logits_of(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits ``(N,)`` of network inputs, there and back on the CPU."""
        return self.network(inputs.to(self._explainer.device)).cpu()


def cascading_randomization(
    saliency_model: SaliencyModel, images: torch.Tensor
) -> dict[str, float]:
    """The cascading parameter randomisation test: does a map depend on what was learnt?

    Parameters are drawn anew from the network's end to its beginning (Adebayo et al. 2018, "Sanity
    checks for saliency maps").

    Args:
        saliency_model: of the trained network.
        images: N films.

    Returns:
        How much is randomised (``nothing``, ``classifier``, ``last half``, ``everything``) → mean
        rank correlation with the trained network's maps over ``DRAWS``: near 0 if they depend on
        what was learnt.
    """
    inputs = saliency_model.inputs(images)
    trained = saliency_model.cells(inputs)[1]
    kept: dict[str, list[float]] = {}
    with torch.random.fork_rng():
        for draw in range(DRAWS):
            torch.manual_seed(draw)
            network = copy.deepcopy(saliency_model.network)
            children = list(network.features.children())
            network.classifier.reset_parameters()
            cuts = {"classifier": len(children), "last half": len(children) // 2, "everything": 0}
            for depth, first in cuts.items():
                for module in nn.ModuleList(children[first:]).modules():
                    if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
                        module.reset_parameters()
                forgotten = SaliencyModel(network, saliency_model.size).cells(inputs)[1]
                kept.setdefault(depth, []).append(mean_rank_correlation(trained, forgotten))
    return {"nothing": 1.0} | {depth: float(np.mean(values)) for depth, values in kept.items()}


def mean_rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Mean over films of Spearman's correlation of two stacks of maps ``(N, h, w)``.

    Cells that are NaN in either do not count. It is 0 for a map that is the same everywhere.
    """
    values = []
    for one, two in zip(first, second, strict=True):
        seen = ~(np.isnan(one) | np.isnan(two))
        ranks = [rankdata(map_[seen]) for map_ in (one, two)]
        one, two = (rank - rank.mean() for rank in ranks)
        spread = math.sqrt((one**2).sum() * (two**2).sum())
        values.append((one * two).sum() / spread if spread > 0 else 0.0)
    return float(np.mean(values))


def road(saliency_model: SaliencyModel, images: torch.Tensor) -> dict[str, float]:
    """Remove and debias (Rong et al. 2022, package ``grad-cam``): does what the map marks matter?

    Pixels are removed from the most and from the least marked on; the score is half the difference
    of what that does to the logit of the predicted class.

    Returns:
        ``heat`` and ``random``: mean scores of the network's maps and of random maps of the same
        coarseness, as ROAD favours coarse maps; ``better``: the share of films whose map scores
        higher than the random one.
    """
    inputs = saliency_model.inputs(images)
    logits, cells = saliency_model.cells(inputs)
    signs, rng = np.where(logits >= 0, 1, -1).astype(np.float32), np.random.default_rng(0)
    heat = np.maximum(np.nan_to_num(signs[:, None, None] * cells), 0)
    chance = np.where(np.isnan(cells), 0, rng.random(heat.shape, dtype=np.float32))
    targets = [lambda output, sign=sign: sign * output for sign in signs]
    metric, scores = ROADCombined([20, 40, 60, 80]), []

    def logits_of(views: torch.Tensor) -> torch.Tensor:
        return saliency_model.logits_of(torch.cat([views, inputs[:, 1:]], 1))  # the lungs stay

    with torch.random.fork_rng():
        for maps in (heat, chance):
            torch.manual_seed(0)
            large = enlarge(maps, saliency_model.size)
            large /= np.maximum(large.max((1, 2), keepdims=True), 1e-9)
            # any callable will do
            scores.append(metric(inputs[:, :1], large, targets, logits_of))  # pyright: ignore[reportArgumentType]
    return {
        "heat": float(scores[0].mean()),
        "random": float(scores[1].mean()),
        "better": float((scores[0] > scores[1]).mean()),
    }


def pointing_game(saliency_model: SaliencyModel, images: torch.Tensor) -> dict[str, float]:
    """The pointing game (Zhang et al. 2018) with an opacity of known place drawn into each film.

    Args:
        saliency_model: of the network.
        images: N films without opacities. Each gets one, of 10 % of its width, somewhere in its
            lungs.

    Returns:
        ``rise``: the share of films whose attribution rises most inside the opacity or within half
        a cell of it; ``heat``: of those whose attribution is then highest there; ``chance``: the
        share of the lungs that counts as inside; ``logit``: the mean rise of the logit.
    """
    rng, side = np.random.default_rng(0), CANONICAL_SIDE
    found = lung_finder(torch.device("cpu"))(images)
    lesions, changed = [], []
    for number, (image, lungs) in enumerate(zip(images, found, strict=True)):
        depth = np.asarray(distance_transform_edt(lungs.mask > 0.5))
        y, x = rng.choice(np.argwhere(depth >= 0.6 * depth.max()))
        lesion = Lesion(x=(x + 0.5) / SIDE, y=(y + 0.5) / SIDE, radius=0.1)
        film = opacity(image[0].numpy() / np.float32(255), lesion, strength=1.2, seed=number)
        changed.append(torch.from_numpy((film * 255).round().astype(np.uint8))[None])
        lesions.append(lesion)
    changed = torch.stack(changed)
    (logits, before), (raised, after) = map(saliency_model.on_films, (images, changed))
    cells = saliency_model.cells(saliency_model.inputs(images[:1]))[1].shape[1]
    # with what speaks against pneumonia: an opacity may only weaken that
    before, after = enlarge(before, side), enlarge(after, side)
    hits = {"rise": [], "heat": [], "chance": []}
    for lesion, lungs, old, new in zip(lesions, found, before, after, strict=True):
        cell = MARGIN * (lungs.box[2] - lungs.box[0]) / cells  # in shares of the film's width
        inside = lesion.distance(side, side) < 1 + cell / 2 / lesion.radius
        lung = enlarge(lungs.mask[None], side)[0] > 0.5
        hits["rise"].append(inside.flat[np.where(lung, new - old, -np.inf).argmax()])
        hits["heat"].append(inside.flat[np.where(lung, new, -np.inf).argmax()])
        hits["chance"].append((inside & lung).sum() / max(lung.sum(), 1))
    rise = float((raised - logits).mean())
    return {**{k: float(np.mean(v)) for k, v in hits.items()}, "logit": rise}


def exchange(
    saliency_model: SaliencyModel, normal: torch.Tensor, pneumonia: torch.Tensor
) -> dict[str, float]:
    """The pointing game with what real films show instead of what is drawn.

    In each film without pneumonia a quarter of the lungs, left or right and upper or lower in the
    view, is replaced by that of a film with pneumonia, and so in turn are the other three. Nobody
    knows whether this quarter shows the pneumonia, so that no network can reach 1.

    Args:
        saliency_model: of the network.
        normal: N films of NORMAL.
        pneumonia: N films of PNEUMONIA, one for each; those of one too many are left out.

    Returns:
        ``rise``: the share of the changed films whose mean attribution rises most in that quarter;
        ``heat``: of those where it is then highest there; ``chance``.
    """
    n = min(len(normal), len(pneumonia))
    inputs, others = map(saliency_model.inputs, (normal[:n], pneumonia[:n]))
    masks, middle = inputs[:, 1:], saliency_model.size // 2
    soft = soften(masks)
    views, theirs = inputs[:, :1] / soft, others[:, :1] / soften(others[:, 1:])

    def quarters(inputs: torch.Tensor) -> np.ndarray:
        cells = saliency_model.cells(inputs)[1]
        half = cells.shape[1] // 2
        rows = (cells[:, :half], cells[:, -half:])
        parts = [part for row in rows for part in (row[:, :, :half], row[:, :, -half:])]
        lungs = [np.isfinite(part).sum((1, 2)) for part in parts]
        sums = [np.nansum(part, (1, 2)) for part in parts]
        return np.stack(sums, 1) / np.maximum(np.stack(lungs, 1), 1)

    before, hits = quarters(inputs), {"rise": [], "heat": []}
    for number in range(4):
        put = torch.zeros_like(masks)
        top, left = number // 2 * middle, number % 2 * middle
        put[..., top : top + middle, left : left + middle] = 1
        mixed = torch.lerp(views, theirs, put * masks)
        after = quarters(torch.cat([standardise(mixed, masks) * soft, masks], 1))
        hits["rise"].append((after - before).argmax(1) == number)
        hits["heat"].append(after.argmax(1) == number)
    return {**{key: float(np.mean(value)) for key, value in hits.items()}, "chance": 0.25}


def energy_outside_body(saliency_model: SaliencyModel, images: torch.Tensor) -> dict[str, float]:
    """The share of heat (for the predicted class) where nothing should be found.

    Returns:
        ``outside``: in the air around the child; ``marker``: in the corner of a bright square
        pasted there; ``outside_area`` and ``marker_area``: the shares of the film that these are.
    """
    corner = np.s_[8:40, 8:40]
    marked = images.clone()
    marked[:, 0, 12:36, 12:36] = 255
    heats = []
    for films in (images, marked):
        logits, attribution = saliency_model.on_films(films)
        signs = np.where(logits >= 0, 1, -1).astype(np.float32)
        heats.append(enlarge(np.maximum(signs[:, None, None] * attribution, 0), CANONICAL_SIDE))
    rows = {"outside": [], "outside_area": [], "marker": []}
    for image, heat, again in zip(images, *heats, strict=True):
        air = air_around(image[0].numpy())
        rows["outside"].append(heat[air].sum() / max(heat.sum(), 1e-9))
        rows["outside_area"].append(air.mean())
        rows["marker"].append(again[corner].sum() / max(again.sum(), 1e-9))
    area = 32 * 32 / CANONICAL_SIDE**2
    return {**{k: float(np.mean(v)) for k, v in rows.items()}, "marker_area": area}


def air_around(film: np.ndarray) -> np.ndarray:
    """Where a film ``(h, w)`` uint8 shows the air around the child: dark, and up to its edge."""
    body = binary_fill_holes(film > 0.12 * 255)
    areas = np.zeros(film.shape, np.int32)
    label(~np.asarray(body), output=areas)
    edge = np.unique(np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]]))
    return np.isin(areas, edge[edge > 0])


def agreement(saliency_models: Sequence[SaliencyModel], images: torch.Tensor) -> float:
    """Mean rank correlation of the networks' maps of the same films, over all pairs of networks.

    In the lungs' cells, at 8 × 8 cells where the maps are of different sizes.
    """
    maps = [model.cells(model.inputs(images))[1] for model in saliency_models]
    if len({stack.shape for stack in maps}) > 1:
        maps = [enlarge(stack, 8) for stack in maps]
    return float(np.mean([mean_rank_correlation(*pair) for pair in combinations(maps, 2)]))


def enlarge(maps: np.ndarray, side: int) -> np.ndarray:
    """``(N, h, w)`` → ``(N, side, side)`` float32, bilinear."""
    stack = torch.from_numpy(np.ascontiguousarray(maps))[:, None]
    return F.interpolate(stack, (side, side), mode="bilinear", align_corners=False)[:, 0].numpy()
