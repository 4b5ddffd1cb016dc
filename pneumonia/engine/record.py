"""What was measured of exported graphs, kept beside them as ``engine.json``."""

from dataclasses import dataclass, field

from pneumonia.storage.typed_json import check

NETWORK, LUNGS = "engine.network.xml", "engine.lungs.xml"  # their weights lie beside them, in .bin
RECORD = "engine.json"
TOLERANCE = 0.001  # of a probability
HEAT_TOLERANCE = 0.01  # of a heatmap, in log-odds: nobody sees it on a scale to 15


@dataclass(frozen=True)
class Parity:
    """How exported graphs answer, beside PyTorch with the same weights.

    Attributes:
        weights_sha256: of the weights they were made of, by graph.
        files_sha256: of the graphs' files.
        size: side of the network's input in px.
        films: how many were compared, of which kind in ``source``.
        probability: largest difference between probabilities, 0..1; NaN if one was no number.
        attribution: largest difference between heatmaps, in log-odds; or NaN.
        verdicts_equal: whether each film got the same label, plausible classes and gate code.
        versions: of what made it.
    """

    weights_sha256: dict[str, str]
    files_sha256: str
    size: int
    films: int
    source: str
    probability: float
    attribution: float
    verdicts_equal: bool
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self.films > 0 and not self.probability < 0, "parity", self)  # NaN may be

    @property
    def passed(self) -> bool:
        """Whether the graphs may stand in for PyTorch."""
        close = self.probability <= TOLERANCE and self.attribution <= HEAT_TOLERANCE
        return self.verdicts_equal and close
