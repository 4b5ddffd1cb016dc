"""The checks on networks whose answer is known, and on the shipped ones."""

import copy
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import TINY, seeded_network
from scipy.stats import spearmanr

from pneumonia.checkpoint import load_checkpoint
from pneumonia.data.dataset import find_records, split_records
from pneumonia.evaluation.saliency import (
    SaliencyModel,
    agreement,
    air_around,
    cascading_randomization,
    energy_outside_body,
    exchange,
    mean_rank_correlation,
    pointing_game,
    road,
)
from pneumonia.models import Network
from pneumonia.preprocess import to_canonical
from pneumonia.reading.radiograph import read_radiograph
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom


class Brightness(torch.nn.Module):
    """Features that are the film itself, on a coarse grid: heat where it is bright."""

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(films, 8).repeat(1, 2, 1, 1)


@pytest.fixture(scope="module")
def bright() -> SaliencyModel:
    """A network whose heat for PNEUMONIA lies where the film is bright."""
    features = torch.nn.Sequential(Brightness(), torch.nn.BatchNorm2d(2))
    network = Network(features, 2, "0", dropout=0)
    torch.nn.init.constant_(network.classifier.weight, 1.0)
    torch.nn.init.constant_(network.classifier.bias, 1.0)
    return SaliencyModel(network.eval(), 64)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.stack([to_canonical(draw_phantom(224, 256, seed=i).pixels) for i in range(6)])


def test_pointing_is_won_by_a_network_that_sees_brightness(bright, images):
    won = pointing_game(bright, images)
    assert won["rise"] == 1
    assert 0.02 < won["chance"] < 0.3


def test_pointing_is_lost_by_a_network_that_sees_nothing(bright, images):
    blind = copy.deepcopy(bright.network)
    torch.nn.init.zeros_(blind.classifier.weight)
    torch.nn.init.zeros_(blind.classifier.bias)
    lost = pointing_game(SaliencyModel(blind, 64), images)
    assert lost["rise"] == lost["heat"] == lost["logit"] == 0


class Grain(torch.nn.Module):
    """Features that are the film's deviation, on a coarse grid: heat where it is uneven."""

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        pool = torch.nn.functional.avg_pool2d
        return (pool(films**2, 8) - pool(films, 8) ** 2).clamp_min(0).sqrt().repeat(1, 2, 1, 1)


def test_the_exchanged_quarter_is_found_by_a_network_that_sees_what_is_in_it(bright, images):
    network = copy.deepcopy(bright.network)
    network.features[0] = Grain()
    rng = np.random.default_rng(0)
    grainy = (images + torch.from_numpy(rng.normal(0, 60, images.shape))).clamp(0, 255).byte()
    found = exchange(SaliencyModel(network, 64), images, grainy[:5])
    assert found["rise"] == 1 and found["heat"] > found["chance"] == 0.25
    torch.nn.init.zeros_(network.classifier.weight)
    blind = exchange(SaliencyModel(network, 64), images, grainy)
    assert blind == {"rise": 0.25, "heat": 0.25, "chance": 0.25}  # always the first one


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    "check", [cascading_randomization, road, pointing_game, energy_outside_body]
)
def test_films_go_where_the_network_is(check, images):
    figures = check(SaliencyModel(TINY.build().eval().cuda(), 64), images[:2])
    assert all(np.isfinite(value) for value in figures.values())


def test_road_prefers_what_the_network_uses(bright, images):
    scores = road(bright, images)
    assert scores["heat"] > scores["random"] and scores["better"] > 0.8


@pytest.mark.slow
def test_forgetting_changes_the_maps(images):
    kept = cascading_randomization(SaliencyModel(seeded_network("cnn"), 48), images)
    assert list(kept) == ["nothing", "classifier", "last half", "everything"]
    assert kept["nothing"] == 1 and abs(kept["everything"]) < 0.5


def test_a_pasted_marker_catches_no_heat_even_of_a_network_that_sees_brightness(bright, images):
    shares = energy_outside_body(bright, images)
    assert shares["marker"] == 0 < shares["marker_area"]
    assert shares["outside"] < 0.2 * shares["outside_area"]  # and air is no lung


def test_air_is_around_the_child_and_not_in_the_lungs():
    film = np.zeros((100, 100), np.uint8)
    film[20:80, 20:80] = 150  # a body
    film[40:60, 30:45] = 10  # a lung
    air = air_around(film)
    assert air[0, 0] and not air[50, 35] and not air[25, 25]
    assert air.mean() == pytest.approx(1 - 0.36)


def test_a_network_agrees_with_itself(bright, images):
    assert agreement([bright, bright], images) == pytest.approx(1)


def test_agreement_is_the_mean_over_all_pairs_of_networks(bright, images):
    dark = copy.deepcopy(bright.network)
    torch.nn.init.constant_(dark.classifier.weight, -1.0)
    tiny = SaliencyModel(TINY.build().eval(), 64)
    models = [bright, SaliencyModel(dark, 64), tiny]
    pairs = [agreement([models[i], models[j]], images) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert agreement(models, images) == pytest.approx(np.mean(pairs))


def test_rank_correlation_is_that_of_scipy():
    one, other = np.random.default_rng(0).integers(0, 5, (2, 3, 4, 4))  # with ties
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    assert mean_rank_correlation(one, other) == pytest.approx(np.mean(expected))
    assert mean_rank_correlation(np.ones((1, 2, 2)), one[:1, :2, :2]) == 0
    holed = np.where(np.eye(4), np.nan, one)  # cells without lung
    seen = ~np.eye(4, dtype=bool)
    expected = [spearmanr(a[seen], b[seen]).statistic for a, b in zip(one, other, strict=True)]
    assert mean_rank_correlation(holed, other) == pytest.approx(np.mean(expected))


@pytest.mark.slow
@pytest.mark.parametrize("name", available_models())
def test_the_shipped_models_maps_come_from_what_they_learnt(name, images):
    network, card, _ = load_checkpoint(name)
    model = SaliencyModel(network, card.preprocessing.size)
    kept = cascading_randomization(model, images[:3])
    assert all(abs(kept[depth]) < 0.5 for depth in ("classifier", "last half", "everything"))


@pytest.mark.skipif("PNEUMONIA_DATA" not in os.environ, reason="needs films: set PNEUMONIA_DATA")
@pytest.mark.parametrize("name", available_models())
def test_the_shipped_models_find_a_drawn_opacity_in_real_films(name):
    films = split_records(find_records(Path(os.environ["PNEUMONIA_DATA"], "chest_xray")), "val")
    normal = [film for film in films if film.label == 0][::16]
    images = torch.stack([to_canonical(read_radiograph(film.path).pixels) for film in normal])
    network, card, _ = load_checkpoint(name)
    found = pointing_game(SaliencyModel(network, card.preprocessing.size), images)
    assert found["rise"] > 0.9 > 3 * found["chance"] and found["logit"] > 0
    assert found["heat"] > 2 * found["chance"]
