"""What models make of everything but the inside of the lungs, on drawn films."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pneumonia.data.dataset import Record
from pneumonia.evaluation.answers import Answer
from pneumonia.evaluation.changed import on_conflicting
from pneumonia.evaluation.results import Conflicting
from pneumonia.evaluation.shortcuts import conflicting, covered, surroundings, transplanted
from pneumonia.preprocess import EvalPreset, to_canonical
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.training.run import Part, films_of_an_epoch


@pytest.fixture(scope="module")
def images():
    drawn = [to_canonical(draw_phantom(240, 272, seed=seed).pixels) for seed in range(40)]
    return torch.stack(drawn)


def test_covered_lungs_are_their_mean_grey_and_nothing_else_changes(images):
    inputs = EvalPreset(64).images(images[:2])
    before, (views, masks) = inputs.clone(), covered(inputs).split(1, 1)
    lungs = masks > 0.5
    assert lungs.any() and not views[lungs].any() and before[:, :1][lungs].any()
    assert torch.equal(views[~lungs], before[:, :1][~lungs]) and torch.equal(masks, before[:, 1:])
    assert torch.equal(inputs, before)


def test_transplanted_lungs_wear_the_other_class(images):
    labels, cpu = torch.tensor([0, 1] * 4), torch.device("cpu")
    inputs = transplanted(images[:8], cpu, labels, 64)
    assert inputs.shape == (8, 2, 64, 64)
    brighter = images[:8].clone()
    brighter[0] = (brighter[0].float() / 255).sqrt().mul(255).to(torch.uint8)
    again = transplanted(brighter, cpu, labels, 64)
    # its own lungs' inside, and what surrounds those of the one film set into it
    changed = (again != inputs).flatten(1).any(1)
    assert changed.nonzero()[:, 0].tolist() == [0, 1]


def test_films_whose_rim_and_greys_tell_the_wrong_class_are_found_and_seen_more_often(images):
    labels = np.array([0, 1] * 20)
    framed = images.clone()
    shown = labels.copy()
    shown[:4] = 1 - shown[:4]  # four films wear the other class's frame
    for film, label in zip(framed, shown, strict=True):
        if label:
            film[:, :14], film[:, -14:], film[:, :, :14], film[:, :, -14:] = 0, 0, 0, 0
    told, _ = surroundings(framed, labels, np.arange(40))
    assert list(told) == ["rim", "grey levels", "lung outline"]
    assert ((told["rim"] > 0.5) == shown).mean() > 0.8
    against = conflicting(told, labels)
    assert against[:4].all() and against[4:].mean() < 0.2

    films = [Record(Path(), int(label), f"{n:02}", "train") for n, label in enumerate(labels)]
    part = Part(framed, torch.from_numpy(labels), films)
    misled = against.nonzero()[0].tolist()
    assert films_of_an_epoch(part, 2).tolist() == [*range(40), *misled, *misled]


def test_calls_of_conflicting_films_by_hand():
    said = [Answer(0.5, label, (True, True), True) for label in (0, 1, 1, 0, 1)]
    labels, against = np.array([0, 0, 1, 1, 1]), np.array([1, 1, 1, 0, 0], bool)
    assert on_conflicting(said, labels, against) == Conflicting(2, 1, 0.5, 1.0)
    none = on_conflicting(said, labels, np.zeros(5, bool))
    assert none == Conflicting(0, 0, None, None)
