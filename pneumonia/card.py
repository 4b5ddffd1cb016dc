"""What turns a network's weights into verdicts, and where they come from: ``card.json``, typed.

One schema for everyone who reads or writes a card. A card is refused, in one sentence, where a
field is missing or holds what it cannot mean, so nothing behind it need check again.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")

CARD = "card.json"
LABELS = ("NORMAL", "PNEUMONIA")


class CardError(ValueError):
    """A card that cannot be used; ``str(error)`` says which field and why."""


def _check(sensible: bool, where: str, value: object) -> None:
    if not sensible:
        raise CardError(f"its {where} makes no sense ({value})")


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
    """Sides in px of the image that a film is squashed to and of the network's input."""

    grid: int
    size: int
    standardise: str = "per film"

    def __post_init__(self) -> None:
        _check(0 < self.size <= 4096 and 0 < self.grid <= 4096, "preprocessing", self)


@dataclass(frozen=True)
class Calibration:
    """P(PNEUMONIA) = sigmoid(logit / temperature + bias)."""

    temperature: float
    bias: float

    def __post_init__(self) -> None:
        finite = math.isfinite(self.temperature) and math.isfinite(self.bias)
        _check(finite and self.temperature > 0, "calibration", self)


@dataclass(frozen=True)
class OperatingPoint:
    """From which probability on a film is called PNEUMONIA, and by which rule it was chosen."""

    threshold: float
    rule: str = ""

    def __post_init__(self) -> None:
        _check(0 < self.threshold < 1, "operating_point", self)


@dataclass(frozen=True)
class Conformal:
    """Up to which probability NORMAL is plausible and from which PNEUMONIA is.

    The true class of at least ``coverage`` of the films of either class is among the plausible.
    """

    coverage: float
    normal_to: float
    pneumonia_from: float

    def __post_init__(self) -> None:
        values = (self.coverage, self.normal_to, self.pneumonia_from)
        _check(all(0 <= value <= 1 for value in values), "conformal", self)

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
    """How the weights came about: enough to do it again."""

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
        _check(self.file == Path(self.file).name, "weights", self.file)


@dataclass(frozen=True)
class GateFile:
    """The gate's parameters beside the card, and what the gate does with validation films."""

    passes: PassRates
    file: str = "gate.safetensors"
    sha256: str = ""

    def __post_init__(self) -> None:
        _check(self.file == Path(self.file).name, "gate", self.file)


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
        _check(self.labels == LABELS, "labels", self.labels)

    @classmethod
    def load(cls, path: str | Path) -> "Card":
        """The card in that file; see ``read``."""
        return read(cls, path)

    def save(self, path: str | Path) -> None:
        """Write the card; whoever reads meanwhile meets the old one or the new, never half."""
        write_json(path, asdict(self, dict_factory=without_none))


def checkpoints_root() -> Path:
    """The folder of the shipped checkpoints, asked for anew at each call.

    Returns:
        ``$PNEUMONIA_CHECKPOINTS`` where that is set, else what an installed wheel brought, else
        the checkout's ``checkpoints/``.
    """
    chosen = os.environ.get("PNEUMONIA_CHECKPOINTS")
    return Path(chosen) if chosen else shipped_folder("checkpoints")


def shipped_folder(name: str) -> Path:
    """A folder of the checkout, or the copy of it that an installed wheel carries."""
    package = Path(__file__).resolve().parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name


def available_models(root: str | Path | None = None) -> list[str]:
    """Names of the checkpoints under ``root`` (default: the shipped ones), sorted."""
    return sorted(card.parent.name for card in Path(root or checkpoints_root()).glob(f"*/{CARD}"))


def read(schema: type[T], path: str | Path) -> T:
    """A JSON file as the dataclass ``schema``; fields that it does not name are passed over.

    Raises:
        OSError: the file cannot be read.
        CardError: a field is missing, of another type or makes no sense.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise CardError(f"it is not JSON ({error})") from error
    return _parse(schema, content, "")


def write_json(path: str | Path, content: object) -> None:
    """Write JSON so that a reader never meets half a file."""
    with replacing(path) as partial:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A file to write, which takes the place of ``path`` once it is whole.

    Whoever reads meanwhile meets the old file or the new one; an error leaves the old one.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def without_none(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A ``dict_factory`` of ``asdict``: what nobody knows is left out of the file."""
    return {name: value for name, value in pairs if value is not None}


def _parse(kind: Any, value: Any, where: str) -> Any:
    """A JSON value as the type that the schema names; ``where`` is its place in the file."""
    if kind is Any:
        return value
    if get_origin(kind) is UnionType:  # only ever "X | None"
        return None if value is None else _parse(get_args(kind)[0], value, where)
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, dict):
            raise CardError(f"its {where or 'content'} is no group of fields")
        types = get_type_hints(kind)
        prefix = f"{where}." if where else ""
        required = {f.name for f in fields(kind) if f.default is MISSING}
        if missing := required - value.keys():
            raise CardError(f"it lacks the field {prefix}{min(missing)}")
        return kind(**{n: _parse(types[n], value[n], prefix + n) for n in types if n in value})
    within, kind = get_args(kind), get_origin(kind) or kind
    if kind is tuple and isinstance(value, list):
        if within[-1] is not ... and len(value) != len(within):
            raise CardError(f"its {where} should hold {len(within)} values, not {len(value)}")
        return tuple(_parse(within[0], item, where) for item in value)
    if kind is dict and isinstance(value, dict):
        return {name: _parse(within[1], item, f"{where}.{name}") for name, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise CardError(f"its {where} should be of type {kind.__name__}, not {value!r}")
    return value
