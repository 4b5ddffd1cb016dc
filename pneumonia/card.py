"""What turns a network's weights into verdicts, and where they come from: ``card.json``, typed.

One schema for everyone who reads or writes a card. A card is refused, in one sentence, where a
field is missing or holds what it cannot mean, so nothing behind it need check again.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumonia.storage import typed_json
from pneumonia.storage.typed_json import check

LABELS = ("NORMAL", "PNEUMONIA")


@dataclass(frozen=True)
class Figures:
    """How good a model is on a set of films, at one operating point.

    Attributes:
        films: how many, of which ``normal`` and ``pneumonia``.
        auroc: and all that follow: in 0..1, NaN where a class that it needs is missing or
            nobody measured it.
    """

    films: int
    normal: int
    pneumonia: int
    auroc: float
    accuracy: float
    sensitivity: float
    specificity: float
    brier: float
    average_precision: float = math.nan
    balanced_accuracy: float = math.nan
    f1: float = math.nan
    ece: float = math.nan


@dataclass(frozen=True)
class Preprocessing:
    """How a film becomes the network's input.

    Attributes:
        size: side in px of the network's input.
        lungs_sha256: of the weights of the lung finder; empty for a network of whole films, which
            can be compared (see ``training.comparison``) but not used.
        standardise: by which greys.
    """

    size: int
    lungs_sha256: str = ""
    standardise: str = "inside the lungs"

    def __post_init__(self) -> None:
        check(0 < self.size <= 4096, "preprocessing", self)


@dataclass(frozen=True)
class Calibration:
    """P(PNEUMONIA) = sigmoid(logit / temperature + bias)."""

    temperature: float
    bias: float

    def __post_init__(self) -> None:
        finite = math.isfinite(self.temperature) and math.isfinite(self.bias)
        check(finite and self.temperature > 0, "calibration", self)


@dataclass(frozen=True)
class OperatingPoint:
    """From which probability on a film is called PNEUMONIA, and by which rule it was chosen."""

    threshold: float
    rule: str = ""

    def __post_init__(self) -> None:
        check(0 < self.threshold < 1, "operating_point", self)


@dataclass(frozen=True)
class Conformal:
    """Up to which probability NORMAL is plausible and from which PNEUMONIA is.

    The true class of about ``coverage`` of the films of either class is among the plausible.
    """

    coverage: float
    normal_to: float
    pneumonia_from: float

    def __post_init__(self) -> None:
        values = (self.coverage, self.normal_to, self.pneumonia_from)
        check(all(0 <= value <= 1 for value in values), "conformal", self)

    @property
    def uncertain(self) -> tuple[float, float]:
        """Between which probabilities the verdict is UNCERTAIN, the lower one first."""
        low, high = sorted((self.normal_to, self.pneumonia_from))
        return low, high


@dataclass(frozen=True)
class Validation:
    """Figures on the validation films as they are, and corrupted; which films these are."""

    clean: Figures
    perturbed: Figures
    split: str


@dataclass(frozen=True)
class TrainingData:
    """Which films trained the network, and how many of how many patients."""

    name: str
    films: int
    patients: int
    validation_films: int
    validation_patients: int


@dataclass(frozen=True)
class Training:
    """How the weights came about: enough to do it again.

    Attributes:
        refitted_by: the command that fitted the classifier anew when it was trained, and the commit
            of its code (see ``training.last_layer``); None where nothing did.
        outline_forgotten_by: the same of what made it forget the outline.
    """

    command: str
    initialisation: str
    recipe: dict[str, Any]
    best_epoch: int
    epochs_run: int
    data: TrainingData
    device: str
    finished: str
    versions: dict[str, str]
    git_commit: str | None = None
    pretraining: dict[str, Any] | None = None
    refitted_by: str | None = None
    outline_forgotten_by: str | None = None

    @property
    def classifier_changed_by(self) -> tuple[str, ...]:
        """The commands that changed the classifier when it was trained, in their order."""
        by = (self.refitted_by, self.outline_forgotten_by)
        return tuple(dict.fromkeys(filter(None, by)))


@dataclass(frozen=True)
class PassRates:
    """Shares of the validation films that the gate lets through."""

    clean: float
    perturbed: float


@dataclass(frozen=True)
class WeightsFile:
    """The weights beside the card; without a hash they are not written yet."""

    file: str = "model.safetensors"
    sha256: str = ""

    def __post_init__(self) -> None:
        check(self.file == Path(self.file).name, "weights", self.file)


@dataclass(frozen=True)
class GateFile:
    """The gate's parameters beside the card, and what the gate does with validation films."""

    passes: PassRates
    file: str = "gate.safetensors"
    sha256: str = ""

    def __post_init__(self) -> None:
        check(self.file == Path(self.file).name, "gate", self.file)


@dataclass(frozen=True)
class Card:
    """A model: what its weights mean, how good it is and how it was made.

    Attributes:
        model: the network's name in ``models.MODELS``.
        title: its name for people.
        float16_moves_probability_by: the most that storing the weights in float16 changed a
            probability; None where nothing was rounded.
    """

    model: str
    title: str
    version: str
    preprocessing: Preprocessing
    calibration: Calibration
    operating_point: OperatingPoint
    conformal: Conformal
    validation: Validation
    training: Training
    gate: GateFile
    weights: WeightsFile = WeightsFile()
    labels: tuple[str, ...] = LABELS
    float16_moves_probability_by: float | None = None
    calibrated_by: str | None = None

    def __post_init__(self) -> None:
        check(self.labels == LABELS, "labels", self.labels)

    @classmethod
    def load(cls, path: str | Path) -> "Card":
        """The card in that file.

        Raises:
            OSError: the file cannot be read.
            FormatError: a field is missing, of another type or makes no sense.
        """
        return typed_json.load(cls, path)

    def save(self, path: str | Path) -> None:
        """Write the card; whoever reads meanwhile meets the old one or the new, never half."""
        typed_json.save(path, self)


def switched_on(recipe: dict[str, Any]) -> dict[str, Any]:
    """The settings that are not off, as were those that a run is older than."""
    return {name: value for name, value in recipe.items() if value}
