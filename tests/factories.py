"""What tests are made of: cards, gates, networks, predictions and DICOMs, each by one function."""

from collections.abc import Iterable
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from pydicom.dataset import Dataset
from torch import nn

from pneumonia.card import (
    Calibration,
    Card,
    Conformal,
    Figures,
    GateFile,
    OperatingPoint,
    PassRates,
    Preprocessing,
    Training,
    TrainingData,
    Validation,
    WeightsFile,
)
from pneumonia.checkpoint import save_checkpoint
from pneumonia.evaluation.results import Corrupted, Coverage, Evaluation, ModelResult, Refusals
from pneumonia.evaluation.wording import SHOWN
from pneumonia.gate import Gate, GateResult
from pneumonia.lungs import Lungs, lung_finder
from pneumonia.models import MODELS, ModelSpec, Network, build
from pneumonia.prediction import Prediction
from pneumonia.reading.radiograph import Radiograph
from pneumonia.synthetic.phantom import draw_phantom
from tools.film_files import dicom, saved  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent


def figures(**given: float) -> Figures:
    """Figures of 100 films, all .9 but those given."""
    names = [field.name for field in fields(Figures)][3:]
    return Figures(
        **{"films": 100, "normal": 40, "pneumonia": 60, **dict.fromkeys(names, 0.9), **given}
    )


def card_of(model: str, **changes) -> Card:
    """A card: NORMAL up to 0.3, PNEUMONIA from 0.6."""
    rates = figures(sensitivity=0.953, specificity=0.968)
    card = Card(
        model=model,
        title=MODELS[model].title,
        version="7.8.9",
        preprocessing=Preprocessing(64, lung_finder(torch.device("cpu")).card.sha256),
        calibration=Calibration(1.5, -0.2),
        operating_point=OperatingPoint(0.4),
        conformal=Conformal(0.9, 0.3, 0.6),
        validation=Validation(rates, rates, "a split"),
        training=Training(
            command="pneumonia train",
            initialisation="none",
            recipe={"seed": 0},
            best_epoch=1,
            epochs_run=2,
            data=TrainingData("films", 80, 40, 20, 10),
            device="CPU",
            finished="2001-02-03",
            git_commit=None,
            versions={"torch": "2"},
        ),
        gate=GateFile(passes=PassRates(0.99, 0.98)),
    )
    return replace(card, **changes)


def model_result(card: Card, **changes) -> ModelResult:
    """What an evaluation says of a card's model, measured on four films."""
    result = ModelResult(
        title=card.title,
        weights_sha256=card.weights.sha256,
        operating_point=0.5,
        figures=figures(films=4, normal=2, pneumonia=2),
        intervals=dict.fromkeys(SHOWN, (0.8, 0.95)),
        coverage=Coverage(0.9, 0.9, 0.1),
        corruptions={"clean": Corrupted(0.9, 0.9, 0.9, 0.0, 1.0)},
        probabilities=(0.1, 0.6, 0.4, 0.8),
        ood={"noise": Refusals(6, 1.0)},
    )
    return replace(result, **changes)


def evaluation_of(models: dict[str, ModelResult], **changes) -> Evaluation:
    """An evaluation of these models on the validation films."""
    return replace(Evaluation("pneumonia evaluate", "val", models), **changes)


def open_gate(model: str, limit: float = 1e6) -> Gate:
    """A gate that lets films through whose embedding features are within ``limit`` of 0."""
    channels = {"cnn": 192, "densenet169": 640, "tiny": 8}[model]
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


def random_checkpoints(root: Path, models: Iterable[str]) -> Path:
    """A folder with a checkpoint of each named model, with random weights."""
    for model in models:
        save_checkpoint(root / model, seeded_network(model), card_of(model), open_gate(model))
    return root


def build_tiny() -> Network:
    """A network that does not ship: two convolutions, a 13 × 13 map of a 64-px film."""
    layers = [nn.Conv2d(1, 8, 5, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)]
    layers += [nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, bias=False), nn.BatchNorm2d(16)]
    return Network(nn.Sequential(*layers), 16, embedding="3", dropout=0.1)


TINY = ModelSpec(build_tiny, "Tiny Net", size=64, eval_size=64, learning_rate=1e-3)


def film(height=140, width=160, name="a film.png", notes=(), format="PNG") -> Radiograph:
    """A film that goes from black in its upper left corner to white in the lower right one."""
    ramp = np.linspace(0, 1, height * width, dtype=np.float32).reshape(height, width)
    return Radiograph(ramp, name, format, tuple(notes), 0.0, ramp.shape)


def lungs(code="ok", box=(0.2, 0.2, 0.8, 0.8), tilt=0.0) -> Lungs:
    """Two upright lungs in the middle of the film, found beyond doubt unless ``code`` says else."""
    left, top, right, bottom = (round(128 * edge) for edge in box)
    third = (right - left) // 3
    mask = np.zeros((128, 128), np.float32)
    mask[top:bottom, left : left + third] = mask[top:bottom, right - third : right] = 1
    return Lungs(mask, tilt, box, 1.0, 1.0, 1.0, 0.0, 1.0, code)


ORDER = ("densenet169", "cnn")  # as the page shows them


def prediction(probability=0.8, model="cnn", gate="ok", heat=6.0, radiograph=None) -> Prediction:
    """NORMAL up to 0.3, PNEUMONIA from 0.6, UNCERTAIN between.

    The upper right quarter of the film speaks for the label with ``heat``, the rest with nothing;
    None stands for no heatmap.
    """
    limits = {"NORMAL": probability <= 0.3, "PNEUMONIA": probability >= 0.6}
    label = "PNEUMONIA" if probability >= 0.47 else "NORMAL"
    sign = 1 if label == "PNEUMONIA" else -1
    return Prediction(
        model=model,
        probability=probability,
        label=label,
        threshold=0.47,
        prediction_set=tuple(name for name, plausible in limits.items() if plausible),
        card=card_of(model, weights=WeightsFile(sha256=sha256(model.encode()).hexdigest())),
        attribution=None if heat is None else np.array([[0, sign * heat], [0, 0]], np.float32),
        target=label,
        lungs=lungs(),
        model_input=np.zeros((8, 8), np.float32),
        gate=GateResult(gate),
        radiograph=radiograph or film(),
    )


def both(radiograph, probabilities=(0.8, 0.2), **options) -> list[Prediction]:
    """A prediction of each shipped model for one film, in the page's order."""
    pairs = zip(ORDER, probabilities, strict=True)
    return [prediction(p, model, radiograph=radiograph, **options) for model, p in pairs]


def chest_dicom(**elements) -> Dataset:
    """A drawn chest film of a child as a DICOM that belongs to a study."""
    pixels = (draw_phantom(200, 240, lesions=3, seed=1).pixels * 4095).astype(np.uint16)
    about = {
        "BitsStored": 12,
        "WindowCenter": "2047",
        "WindowWidth": "4095",
        "StudyInstanceUID": "1.2.3.4",
        "SeriesInstanceUID": "1.2.3.5",
        "SOPInstanceUID": "1.2.3.6",
        "StudyDate": "20210304",
        "StudyTime": "101112",
        "StudyID": "S1",
        "PatientAge": "003Y",
        "PatientSex": "F",
        "PatientBirthDate": "20180101",
        "ViewPosition": "AP",
        "BodyPartExamined": "CHEST",
        "PatientOrientation": ["L", "F"],
        "ImagerPixelSpacing": ["0.2", "0.2"],
    }
    return dicom(pixels, **{**about, **elements})


TITLES = {"cnn": "Small CNN", "densenet169": "DenseNet-169"}
