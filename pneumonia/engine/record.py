"""What was measured of an exported graph, kept beside it as ``engine.json``."""

from dataclasses import dataclass, field

from pneumonia.storage.typed_json import check

GRAPH = "engine.xml"  # its weights lie in engine.bin
RECORD = "engine.json"
TOLERANCE = 0.001  # of a probability


@dataclass(frozen=True)
class Parity:
    """How an exported graph answers, beside PyTorch with the same weights.

    Attributes:
        weights_sha256: of the weights it was made of.
        graph_sha256: of its two files.
        size: side of its input in px.
        films: how many were compared, of which kind in ``source``.
        probability: largest difference between probabilities, 0..1.
        attribution: largest difference between heatmaps, in log-odds.
        verdicts_equal: whether each film got the same label, plausible classes and gate code.
        versions: of what made it.
    """

    weights_sha256: str
    graph_sha256: str
    size: int
    films: int
    source: str
    probability: float
    attribution: float
    verdicts_equal: bool
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self.films > 0 and self.probability >= 0, "parity", self)

    @property
    def passed(self) -> bool:
        """Whether the graph may stand in for PyTorch."""
        return self.verdicts_equal and self.probability <= TOLERANCE
