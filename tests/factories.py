"""What tests are made of: cards, gates, networks and predictions, each by one function."""

from pathlib import Path

import numpy as np
import torch

from pneumonia.gate import Gate, GateResult
from pneumonia.models import MODELS, build
from pneumonia.predictor import Prediction
from pneumonia.reading.radiograph import Radiograph

ROOT = Path(__file__).resolve().parent.parent


def card_of(model: str) -> dict:
    """The parts of a card that a prediction needs."""
    return {
        "model": model,
        "title": MODELS[model].title,
        "preprocessing": {"grid": 224, "size": 64, "standardise": "per film"},
        "calibration": {"temperature": 1.5, "bias": -0.2},
        "operating_point": {"threshold": 0.4},
        "validation": {"clean": {"sensitivity": 0.95, "specificity": 0.97}},
        "conformal": {"coverage": 0.9, "normal_to": 0.3, "pneumonia_from": 0.6},
    }


def open_gate(model: str, limit: float = 1e6) -> Gate:
    """A gate that lets films through whose embedding features are within ``limit`` of 0."""
    channels = {"cnn": 160, "densenet169": 640}[model]
    precision = np.eye(channels, dtype=np.float32) / np.float32(limit) ** 2
    return Gate(np.zeros(channels, np.float32), precision)


def seeded_network(model: str, seed: int = 0) -> torch.nn.Module:
    """A network whose normalisations are not at their neutral start, so that mistakes show."""
    torch.manual_seed(seed)
    network = build(model)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.7, 1.3)
            torch.nn.init.normal_(module.bias, std=0.2)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.7, 1.3)
    torch.nn.init.normal_(network.classifier.weight, std=0.1)
    return network.eval()


def prediction(probability=0.8, model="cnn", heat=6.0, name="a.png", notes=(), gate="ok"):
    """NORMAL up to 0.3, PNEUMONIA from 0.6, UNCERTAIN between."""
    rates = {"sensitivity": 0.953, "specificity": 0.968}
    limits = {"normal_to": 0.3, "pneumonia_from": 0.6}
    classes = ["NORMAL"] * (probability <= 0.3) + ["PNEUMONIA"] * (probability >= 0.6)
    label = "PNEUMONIA" if probability >= 0.5 else "NORMAL"
    return Prediction(
        model=model,
        probability=probability,
        label=label,
        threshold=0.5,
        prediction_set=tuple(classes),
        card={"title": TITLES[model], "validation": {"clean": rates}, "conformal": limits},
        attribution=np.array([[0, heat], [0, 0]], np.float32) * (1 if label == "PNEUMONIA" else -1),
        target=label,
        model_input=np.zeros((8, 8), np.float32),
        gate=GateResult(gate),
        radiograph=Radiograph(np.full((60, 90), 0.5, np.float32), name, "PNG", tuple(notes), 0.0),
    )


TITLES = {"cnn": "Small CNN", "densenet169": "DenseNet-169"}
