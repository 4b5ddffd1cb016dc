"""``evaluation.json``, typed: what was measured of the models, for report, model cards and page."""

from dataclasses import dataclass, field
from pathlib import Path

from pneumonia.card import Figures
from pneumonia.storage import typed_json
from pneumonia.storage.typed_json import FormatError


@dataclass(frozen=True)
class Coverage:
    """Shares of the films of each class whose true class is plausible, and of UNCERTAIN films."""

    normal: float
    pneumonia: float
    uncertain: float


@dataclass(frozen=True)
class Calls:
    """Films in scope that are called NORMAL or PNEUMONIA, and how many of them wrongly."""

    films: int
    wrong: int


@dataclass(frozen=True)
class CauseSensitivity:
    """How many films show a pneumonia of one cause; the share that is called PNEUMONIA."""

    films: int
    sensitivity: float


@dataclass(frozen=True)
class Corrupted:
    """Figures on films under one corruption.

    Attributes:
        auroc: and ``sensitivity``, ``specificity``: as in ``Figures``.
        label_flip_rate: share of films that get another label than when clean.
        gate_pass_rate: share of films that the gate lets through.
    """

    auroc: float
    sensitivity: float
    specificity: float
    label_flip_rate: float
    gate_pass_rate: float


@dataclass(frozen=True)
class Refusals:
    """How many pictures that are no chest films were tried; the share that the gate refused."""

    pictures: int
    refused: float


@dataclass(frozen=True)
class Bin:
    """Films of about the same probability, a point of a reliability curve.

    Attributes:
        probability: their mean P(PNEUMONIA), the two classes weighing the same, as they do where
            the probabilities are calibrated.
        normal: how many of them are NORMAL.
        pneumonia: how many of them are PNEUMONIA.
    """

    probability: float
    normal: int
    pneumonia: int


def even(share: float, normal: int, pneumonia: int) -> float:
    """A share of PNEUMONIA in some of so many films, as if there were as many of either class."""
    return share * normal / (share * normal + (1 - share) * pneumonia)


@dataclass(frozen=True)
class MedmnistC:
    """Balanced errors (half of both error rates together, 0..1) on ``films`` films.

    Attributes:
        clean: on the films as they are.
        errors: corruption → mean over its five severities.
    """

    films: int
    clean: float
    errors: dict[str, float]


@dataclass(frozen=True)
class Conflicting:
    """Films whose rim, greys and outline tell the wrong class (see ``shortcuts.conflicting``).

    Attributes:
        normal: and ``pneumonia``: how many there are.
        specificity: and ``sensitivity``: the model's on them; None where there are none.
    """

    normal: int
    pneumonia: int
    specificity: float | None = None
    sensitivity: float | None = None


@dataclass(frozen=True)
class ModelResult:
    """What was measured of one model on N films.

    Attributes:
        title: the model's name for people.
        weights_sha256: of the weights that were measured.
        operating_point: the threshold, a probability.
        figures: on the films as they are.
        intervals: name of a figure → its 95 % interval, bootstrap by patient.
        coverage: by the limits of the card.
        corruptions: name → figures; ``"clean"`` first, alone if the others were not asked for.
        probabilities: N calibrated probabilities of PNEUMONIA.
        ood: kind of pictures that are no chest films → what the gate did.
        medmnist_c: None where it was not asked for.
        covered_auroc: on the films as they are, but with the lungs painted over: what their outline
            and surroundings alone tell, at best nothing (0.5).
        covered_spread: standard deviation of the log-odds then, of what it is otherwise: how much
            they tell. An AUROC knows the order of films alone.
        transplanted_auroc: with each film's lungs in the surroundings and the outline of a film of
            the other class.
        conflicting: on the films whose shortcuts tell the wrong class.
        held_out_coverage: by limits set on half of the patients, measured on the other half; None
            where these films did not set the card's limits either.
        reliability: the films by probability, the least probable first; empty where an older run
            did not count them.
        calls: by verdict, with UNCERTAIN and the gate; all other figures are of every film.
        causes: what caused the pneumonia, where the files' names tell → how often it is seen.
    """

    title: str
    weights_sha256: str
    operating_point: float
    figures: Figures
    intervals: dict[str, tuple[float, float]]
    coverage: Coverage
    corruptions: dict[str, Corrupted]
    probabilities: tuple[float, ...]
    ood: dict[str, Refusals]
    medmnist_c: MedmnistC | None = None
    covered_auroc: float | None = None
    covered_spread: float | None = None
    transplanted_auroc: float | None = None
    conflicting: Conflicting | None = None
    held_out_coverage: Coverage | None = None
    reliability: tuple[Bin, ...] = ()
    calls: Calls | None = None
    causes: dict[str, CauseSensitivity] = field(default_factory=dict)

    @property
    def changed_films(self) -> int:
        """On how many films each change was tried: as many of either class."""
        return 2 * min(self.figures.normal, self.figures.pneumonia)

    @property
    def even_curve(self) -> list[tuple[float, float, float]]:
        """Of each bin its probability, the share of PNEUMONIA and of all films in it.

        The two classes weigh the same, as they do where the probabilities are calibrated.
        """
        normal, pneumonia = self.figures.normal, self.figures.pneumonia
        return [
            (
                one.probability,
                even(one.pneumonia / (one.normal + one.pneumonia), normal, pneumonia),
                (one.normal / normal + one.pneumonia / pneumonia) / 2,
            )
            for one in self.reliability
        ]

    @property
    def even_ece(self) -> float | None:
        """Expected calibration error of that curve; None where no bins were counted."""
        gaps = [abs(share - probability) * films for probability, share, films in self.even_curve]
        return sum(gaps) if gaps else None


@dataclass(frozen=True)
class Difference:
    """By how much one model is ahead of another, and the 95 % interval of that."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """``first`` − ``second`` (names of models), on the same films."""

    first: str
    second: str
    auroc: Difference
    accuracy: Difference
    brier: Difference


@dataclass(frozen=True)
class HeatmapChecks:
    """The figures of each check of one model's heatmaps; see the functions of ``saliency``."""

    cascading_randomization: dict[str, float]
    road: dict[str, float]
    pointing_game: dict[str, float]
    exchange: dict[str, float]
    energy_outside_body: dict[str, float]


@dataclass(frozen=True)
class Saliency:
    """The heatmaps put to the test.

    Attributes:
        films: on how many.
        normal: on how many films of NORMAL the two that change them.
        models: name → checks.
        agreement: mean rank correlation of two models' maps of the same film; None of one model.
    """

    films: int
    normal: int
    models: dict[str, HeatmapChecks]
    agreement: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """One run of ``pneumonia evaluate``.

    Attributes:
        command: what was typed.
        split: whose films: ``"val"`` or ``"test"``.
        models: name → what was measured.
        comparisons: the model with the highest AUROC against each of the others.
        skipped: a sentence for each file that could not be read.
        saliency: None if the heatmaps were not checked.
        surroundings: what tells the classes of these films without a picture of the lungs → its
            AUROC (see ``shortcuts.surroundings``).
    """

    command: str
    split: str
    models: dict[str, ModelResult]
    comparisons: tuple[Comparison, ...] = ()
    skipped: tuple[str, ...] = ()
    saliency: Saliency | None = None
    surroundings: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> "Evaluation":
        """The evaluation in that file.

        Raises:
            OSError: the file cannot be read.
            FormatError: it is no evaluation of this version.
        """
        try:
            return typed_json.load(cls, path)
        except FormatError as error:
            raise FormatError(
                f"The evaluation {str(path)!r} cannot be used: {error}. "
                "Run pneumonia evaluate anew."
            ) from error

    def save(self, path: str | Path) -> None:
        """Write the evaluation; whoever reads meanwhile meets the old one or the new."""
        typed_json.save(path, self)
