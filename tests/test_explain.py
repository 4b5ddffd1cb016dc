import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from factories import lungs, seeded_network
from pytorch_grad_cam import HiResCAM

from pneumonia.explain import Explainer, grad_cam, on_film
from pneumonia.models import MODELS, lung_shares

SIZE = 96


def reference(network, film, target):
    """Grad-CAM by autograd, without hooks or the package (Selvaraju et al. 2017, eq. 1–2)."""
    network = network.requires_grad_(True)
    maps = torch.relu(network.features(film[:, :1])).detach().requires_grad_(True)
    shares = torch.nn.functional.adaptive_avg_pool2d(film[:, 1:], maps.shape[2:])
    logit = network.classifier((maps * shares / shares.sum()).sum((2, 3)))[0, 0]
    (logit if target == "PNEUMONIA" else -logit).backward()
    weights = maps.grad.sum((2, 3), keepdim=True)
    return logit.item(), torch.relu((weights * maps).sum(1))[0].detach().numpy()


@pytest.fixture(scope="module")
def inputs():
    torch.manual_seed(5)
    views = torch.nn.functional.avg_pool2d(torch.randn(8, 1, SIZE * 4, SIZE * 4), 4) * 4
    masks = torch.zeros(8, 1, SIZE, SIZE)
    for number, mask in enumerate(masks):  # two lungs of different sizes
        mask[:, 10 : 80 - number, 8 + number : 40] = mask[:, 5 + number : 90, 56:90] = 1
    return torch.cat([views, masks], 1)


@pytest.fixture(scope="module", params=MODELS)
def network(request, inputs):
    """Random, with logits of both signs and maps that speak for either class in each film."""
    network = seeded_network(request.param)
    with torch.inference_mode():
        mean = torch.relu(network.features(inputs[:, :1])).mean((0, 2, 3))
    weight = network.classifier.weight.detach()
    network.classifier.weight.data = weight - (weight @ mean) / (mean @ mean) * mean
    return network


@pytest.mark.parametrize("target", ["NORMAL", "PNEUMONIA"])
def test_heatmap_equals_autograd_on_the_features(network, target, inputs):
    network, inputs = copy.deepcopy(network).double(), inputs.double()
    logits, attribution, _ = Explainer(copy.deepcopy(network)).explain(inputs[:3])
    assert attribution.dtype == np.float32
    attribution = attribution - network.classifier.bias.item()
    heatmaps = np.maximum(attribution if target == "PNEUMONIA" else -attribution, 0)
    for film, logit, heatmap in zip(inputs, logits, heatmaps, strict=False):
        expected_logit, expected = reference(copy.deepcopy(network), film[None], target)
        assert heatmap.shape == expected.shape and heatmap.max() > 0
        np.testing.assert_allclose(logit, expected_logit, atol=1e-4)
        np.testing.assert_allclose(heatmap, expected, atol=1e-4 * expected.max())


def test_evidence_adds_up_to_the_logit_and_costs_no_accuracy(network, inputs):
    explainer = Explainer(network)
    bare, nothing, embedding = explainer.explain(inputs, attribution=False)
    logits, attribution, again = explainer.explain(inputs)
    assert nothing is None
    np.testing.assert_allclose(logits, bare, atol=1e-5)
    np.testing.assert_allclose(embedding, again, atol=1e-5)
    shares = lung_shares(inputs, attribution.shape[1:])[:, 0].numpy()
    np.testing.assert_allclose((shares * attribution).sum((1, 2)), logits, atol=1e-3)


def test_what_lies_outside_the_lungs_has_no_part_in_the_logit(inputs):
    """No cell without lung has a share, whatever its features are."""
    shares = lung_shares(inputs, (12, 12))
    assert torch.allclose(shares.sum((1, 2, 3)), torch.ones(len(inputs)))
    outside = torch.nn.functional.adaptive_avg_pool2d(inputs[:, 1:], (12, 12)) == 0
    assert outside.any() and not shares[outside].any()
    assert torch.equal(lung_shares(inputs[:, :1], (2, 5)), torch.full((8, 1, 2, 5), 0.1))
    assert lung_shares(0 * inputs, (2, 5)).unique().tolist() == pytest.approx([0.1])


def test_a_map_on_the_film_lies_in_its_lungs_where_the_view_saw_them():
    found = lungs(box=(0.25, 0.25, 0.75, 0.75))
    cells = np.zeros((1, 8, 8), np.float32)
    cells[0, 2, 1] = 5.0  # upper left: the first lung
    (film_map,) = on_film(cells, [found])
    assert film_map.shape == (128, 128) and not film_map[found.mask < 0.5].any()
    y, x = np.unravel_index(film_map.argmax(), film_map.shape)
    side = 1.12 * 64  # of the view, in pixels of the map; around its middle at 64
    expected = 64 - side / 2 + side / 8 * np.array([2.5, 1.5])
    assert np.hypot(*(np.array([y, x]) - expected)) < 3
    flat = on_film(np.full((1, 8, 8), -2.0, np.float32), [found])[0]
    np.testing.assert_allclose(flat, -2.0 * found.mask, atol=1e-6)


def test_the_map_of_a_turned_view_is_turned_back():
    found = lungs(box=(0.1, 0.2, 0.7, 0.9), tilt=20.0)
    cells = np.zeros((1, 8, 8), np.float32)
    cells[0, 2, 1] = 5.0
    (film_map,) = on_film(cells, [replace(found, mask=np.ones_like(found.mask))])
    x, y = np.unravel_index(film_map.T.argmax(), film_map.shape)
    cell = 1.12 * (0.6 * (1.5 / 8 - 0.5) + 0.7j * (2.5 / 8 - 0.5)) - 0.1 + 0.05j
    expected = 64 + 64j + 128 * cell * np.exp(1j * np.radians(20))  # about the film's middle
    assert abs(x + 1j * y - expected) < 3


@pytest.mark.slow
def test_hirescam_would_say_the_same(network, inputs):
    """Behind pooling the gradient of a cell is its share's (Draelos and Carin 2020)."""
    _, attribution, _ = Explainer(network).explain(inputs[:2])
    attribution = attribution - network.classifier.bias.item()
    attribution = attribution * lung_shares(inputs[:2], attribution.shape[1:])[:, 0].numpy()
    with HiResCAM(network, [network.relu]) as cam:
        maps = cam(inputs[:2], [lambda logit: logit] * 2)
    for one, other in zip(maps, np.maximum(attribution, 0), strict=True):
        enlarged = cv2.resize(scaled(other), one.shape[::-1])
        np.testing.assert_allclose(one, scaled(enlarged), atol=1e-3)


@pytest.mark.slow
def test_the_package_makes_the_same_map_and_serves_other_heads(network, inputs):
    network, inputs = copy.deepcopy(network).double(), inputs.double()
    explainer = Explainer(network)
    with torch.no_grad():
        maps = inputs[:2, :1].contiguous(memory_format=torch.channels_last)
        maps = torch.relu(explainer.network.features(maps))
    shares = lung_shares(inputs[:2], maps.shape[2:])
    heat = grad_cam(network.classifier, maps, shares).numpy()
    ours = explainer.explain(inputs[:2]).attribution - network.classifier.bias.item()
    np.testing.assert_allclose(ours, heat, rtol=0, atol=1e-6 * max(1, heat.max()))

    wide = copy.deepcopy(network)
    hidden = torch.nn.Linear(network.classifier.in_features, 8)
    wide.classifier = torch.nn.Sequential(hidden, torch.nn.Linear(8, 1))  # still linear as a whole
    wide = wide.double()
    logits, heat, _ = Explainer(wide).explain(inputs[:2])
    share = shares[:, 0].numpy()
    np.testing.assert_allclose((share * heat).sum((1, 2)), logits, rtol=1e-3, atol=1e-5)
    with torch.no_grad():  # a linear head as a whole has the map of its one layer
        row = (wide.classifier[1].weight @ hidden.weight)[0]
        bias = wide.classifier(inputs.new_zeros(1, hidden.in_features)).item()
        expected = torch.einsum("nchw,c->nhw", maps, row).numpy() + bias
    np.testing.assert_allclose(heat, expected, rtol=1e-3, atol=1e-4)


def scaled(heat):
    return (heat - heat.min()) / (1e-7 + heat.max() - heat.min())


@pytest.mark.slow
def test_eight_threads_on_both_models_get_the_sequential_results(inputs):
    explainers = [Explainer(seeded_network(name)) for name in MODELS]
    jobs = [(explainer, film[None]) for film in inputs for explainer in explainers] * 2
    sequential = [explainer.explain(film) for explainer, film in jobs]

    def run(job):
        explainer, film = job
        explainer.explain(film, attribution=False)  # passes of the other kind must not disturb
        return explainer.explain(film)

    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(run, jobs))
    for explained, expected in zip(parallel, sequential, strict=True):
        for one, other in zip(explained, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_inner_features_are_the_means_of_the_last_stage_but_one(network, inputs):
    embedding = Explainer(network).explain(inputs[:2]).embedding
    children = list(network.features.children())
    last = next(i for i, child in enumerate(children) if child is network.embedding)
    with torch.inference_mode():
        expected = torch.nn.Sequential(*children[: last + 1])(inputs[:2, :1]).mean((2, 3))
    np.testing.assert_allclose(embedding, expected, atol=1e-5)
    assert embedding.shape[1] in (192, 640)


def hooks(module):
    return sum(len(m._forward_hooks) + len(m._backward_hooks) for m in module.modules())


def test_nothing_is_left_behind_and_the_network_stays_as_it_was(inputs):
    network = seeded_network("cnn").train()
    before = copy.deepcopy(network.state_dict())
    explainer = Explainer(network)
    explainer.explain(inputs[:1])
    with pytest.raises(RuntimeError):  # too small: the pass fails
        explainer.explain(torch.zeros(1, 2, 8, 8))
    for module in (network, explainer.network):
        assert hooks(module) == 0 and all(p.grad is None for p in module.parameters())
    assert network.training and all(p.requires_grad for p in network.parameters())
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


@pytest.mark.parametrize(("name", "before", "after"), [("cnn", 10, 0), ("densenet169", 169, 86)])
def test_what_runs_has_no_norm_behind_a_convolution(name, before, after):
    """All of the CNN's are folded away, and half of DenseNet's, where the others come first."""
    network = seeded_network(name)
    for module, count in ((network, before), (Explainer(network).network, after)):
        assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in module.modules()) == count
