import numpy as np
import pytest
import torch
from factories import card_of, open_gate, seeded_network

from pneumonia.checkpoint import load_checkpoint, save_checkpoint
from pneumonia.evaluation.shortcuts import covered
from pneumonia.preprocess import EvalPreset
from pneumonia.training.forget import forget_outline
from pneumonia.training.loop import predict_logits
from pneumonia.training.run import Part, recalibrate

LABELS = torch.arange(24) % 2


@pytest.fixture(scope="module")
def films() -> torch.Tensor:
    """Films whose frame tells the class: those of PNEUMONIA end in a white one."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(60, 160, (24, 1, 224, 224), generator=generator).byte()
    images[1::2, :, :40] = 255
    return images


def classes_apart(network: torch.nn.Module, inputs: torch.Tensor) -> float:
    logits = predict_logits(network, inputs, torch.device("cpu"))
    return float(logits[LABELS == 1].mean() - logits[LABELS == 0].mean())


def test_covered_lungs_no_longer_tell_the_classes(films):
    network = seeded_network("cnn")
    whole = EvalPreset(64).images(films)
    hidden = covered(whole)
    before, features = classes_apart(network, hidden), network.features.state_dict()
    features = {name: tensor.clone() for name, tensor in features.items()}
    row = network.classifier.weight.data.clone()
    forget_outline(network, films, LABELS, 64)
    assert abs(classes_apart(network, hidden)) < 1e-4 * abs(before)
    assert not torch.equal(network.classifier.weight.data, row)
    assert network.classifier.weight.data.norm() < row.norm()  # it lost a component, got none
    for name, tensor in network.features.state_dict().items():
        assert torch.equal(tensor, features[name]), name
    again = network.classifier.weight.data.clone()
    forget_outline(network, films, LABELS, 64)
    torch.testing.assert_close(network.classifier.weight.data, again)


def test_the_card_says_that_the_weights_were_changed(films, tmp_path):
    save_checkpoint(tmp_path, seeded_network("cnn"), card_of("cnn"), open_gate("cnn"))
    part, device, command = Part(films, LABELS, []), torch.device("cpu"), "pneumonia calibrate"
    before = recalibrate(tmp_path, part, part, device, command, 64)  # which may make them float16
    again = recalibrate(tmp_path, part, part, device, command, 64)
    assert again.weights == before.weights and again.training == before.training
    command += " --forget-outline"
    card = recalibrate(tmp_path, part, part, device, command, 64, forget=True)
    assert card.training.command == f"{before.training.command}, then {command}"
    network, loaded, _ = load_checkpoint(tmp_path)
    assert loaded.weights.sha256 == card.weights.sha256 != before.weights.sha256
    hidden = covered(EvalPreset(64).images(films))
    spread = np.std(predict_logits(network, hidden, device).numpy())
    assert abs(classes_apart(network, hidden)) < 0.05 * spread  # float16
