from copy import deepcopy

import pytest
import torch
from factories import card_of, open_gate, seeded_network
from torch.nn.functional import binary_cross_entropy_with_logits

from pneumonia.checkpoint import load_checkpoint, save_checkpoint
from pneumonia.evaluation.corruptions import corrupt_in_turn
from pneumonia.evaluation.shortcuts import covered, transplanted
from pneumonia.models import Network
from pneumonia.preprocess import EvalPreset, to_canonical
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.training.last_layer import forget_outline, refit
from pneumonia.training.loop import predict_logits
from pneumonia.training.provenance import provenance_of
from pneumonia.training.run import Part, recalibrate

LABELS = torch.arange(12) % 2


@pytest.fixture(scope="module")
def films() -> torch.Tensor:
    """Drawn films whose surroundings tell the class: those of PNEUMONIA have brighter shoulders."""
    drawn = [to_canonical(draw_phantom(200, 220, seed=seed).pixels) for seed in range(len(LABELS))]
    images = torch.stack(drawn)
    images[1::2, :, :60] = images[1::2, :, :60].clamp_min(200)
    return images


def loud_network() -> Network:
    """An untrained network whose logits of two films differ by more than the last digit."""
    network = seeded_network("cnn")
    network.classifier.weight.data *= 1000
    return network


def classes_apart(network: torch.nn.Module, inputs: torch.Tensor) -> float:
    logits = predict_logits(network, inputs, torch.device("cpu"))
    return float(logits[LABELS == 1].mean() - logits[LABELS == 0].mean())


def test_covered_lungs_no_longer_tell_the_classes(films):
    network = loud_network()
    whole = EvalPreset(64).images(films)
    hidden = covered(whole)
    assert ((hidden != whole).flatten(1).any(1)).all()  # there are lungs to cover
    before, features = classes_apart(network, hidden), network.features.state_dict()
    features = {name: tensor.clone() for name, tensor in features.items()}
    row = network.classifier.weight.data.clone()
    forget_outline(network, films, LABELS, 64)
    assert abs(classes_apart(network, hidden)) < 1e-2 * abs(before)
    assert abs(classes_apart(network, whole)) > abs(before) / 2
    assert not torch.equal(network.classifier.weight.data, row)
    assert network.classifier.weight.data.norm() < row.norm()  # it lost a component, got none
    for name, tensor in network.features.state_dict().items():
        assert torch.equal(tensor, features[name]), name
    again = network.classifier.weight.data.clone()
    forget_outline(network, films, LABELS, 64)
    torch.testing.assert_close(network.classifier.weight.data, again)


def test_a_classifier_fitted_anew_tells_the_training_films_better(films):
    network = loud_network()
    whole, perturbed = (EvalPreset(64).images(seen) for seen in (films, corrupt_in_turn(films)))
    other = transplanted(films, torch.device("cpu"), LABELS, 64)

    def loss(inputs: torch.Tensor) -> float:
        logits = predict_logits(network, inputs, torch.device("cpu"))
        return float(binary_cross_entropy_with_logits(logits, LABELS.float()))

    before, kept = [loss(seen) for seen in (whole, perturbed, other)], deepcopy(network)
    refit(network, films, LABELS, 64)
    after = [loss(seen) for seen in (whole, perturbed, other)]
    assert sum(after) < sum(before) / 2 and max(after) < max(before)
    for name, tensor in network.features.state_dict().items():
        assert torch.equal(tensor, kept.features.state_dict()[name]), name


def test_the_card_says_that_the_weights_were_changed(films, tmp_path):
    save_checkpoint(tmp_path, loud_network(), card_of("cnn"), open_gate("cnn"))
    part, device, command = Part(films, LABELS, []), torch.device("cpu"), "pneumonia calibrate"
    before = recalibrate(tmp_path, part, part, device, command, 64)  # which may make them float16
    again = recalibrate(tmp_path, part, part, device, command, 64)
    assert again.weights == before.weights and again.training == before.training
    hidden = covered(EvalPreset(64).images(films))

    def told() -> float:
        network, _, _ = load_checkpoint(tmp_path)
        return abs(classes_apart(network, hidden))

    before_it = told()
    command += " --forget-outline"
    card = recalibrate(tmp_path, part, part, device, command, 64, forget=True)
    assert card.training.outline_forgotten_by.startswith(f"{command} (commit ")
    assert card.training.command == before.training.command
    assert card.weights.sha256 != before.weights.sha256
    assert card.float16_moves_probability_by >= before.float16_moves_probability_by > 0
    assert told() < 0.05 * before_it  # float16


def test_what_starts_from_such_weights_says_so(films, tmp_path):
    save_checkpoint(tmp_path, seeded_network("cnn"), card_of("cnn"), open_gate("cnn"))
    part = Part(films[:8], LABELS[:8], [])
    recalibrate(tmp_path, part, part, torch.device("cpu"), "the command", 64, forget=True)
    _, before = provenance_of(str(tmp_path))
    assert "(pneumonia train, then the command (commit " in before["then"]


def test_another_head_than_a_linear_one_is_refused(films):
    network = seeded_network("cnn")
    network.classifier = torch.nn.Sequential(network.classifier)
    with pytest.raises(ValueError, match="Only a linear classifier"):
        forget_outline(network, films, LABELS, 64)
    with pytest.raises(ValueError, match="Only a linear classifier"):
        refit(network, films, LABELS, 64)
