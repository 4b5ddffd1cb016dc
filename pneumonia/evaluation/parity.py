"""Do exported graphs answer as PyTorch does?"""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pneumonia.engine import LUNGS, NETWORK, RECORD, Engine, Parity
from pneumonia.prediction import Prediction
from pneumonia.predictor import Predictor
from pneumonia.reading.radiograph import Source
from pneumonia.storage import typed_json


def export_graphs(
    predictor: Predictor, films: Iterable[Source], source: str, folder: str | Path
) -> Parity:
    """Write a predictor's graphs, measure them against PyTorch and write the record beside them.

    Args:
        predictor: run by PyTorch on the CPU.
        films: to compare on.
        source: which films these are, in words.
        folder: gets the graphs and their record; no record is left there where something fails.

    Raises:
        EngineError: OpenVINO is missing, or the network has no such graph.
        RadiographError: a film cannot be read.
    """
    digest, folder = predictor.write_graphs(folder), Path(folder)
    differences, equal = [], True
    with_graph = predictor.run_by({name: Engine(folder / name) for name in (NETWORK, LUNGS)})
    for film in films:
        one, other = predictor.predict(film), with_graph.predict(film)
        assert one.attribution is not None and other.attribution is not None
        heat = np.abs(one.attribution - other.attribution).max()
        differences.append((abs(one.probability - other.probability), heat))
        equal = equal and verdict(one) == verdict(other)
    probability, attribution = np.max(differences, 0).tolist()  # NaN where any is
    parity = Parity(
        weights_sha256=predictor.weights_sha256,
        files_sha256=digest,
        size=predictor.card.preprocessing.size,
        films=len(differences),
        source=source,
        probability=probability,
        attribution=attribution,
        verdicts_equal=equal,
        versions={name: version(name) for name in ("torch", "openvino")},
    )
    typed_json.save(folder / RECORD, parity)
    return parity


def verdict(prediction: Prediction) -> tuple[str, tuple[str, ...], str]:
    """All that is said in words: label, plausible classes, gate."""
    return prediction.label, prediction.prediction_set, prediction.gate.code
