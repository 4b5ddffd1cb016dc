"""A faster way to run the networks on a processor: OpenVINO, where it is installed.

``pneumonia export`` writes the graphs of a model and of the lung finder beside a checkpoint, and
beside them what it measured: how far their answers are from PyTorch's. They are used only while
that record says that they passed and that they were made of the very weights that the card names.
"""

from pneumonia.engine.graph import Engine, EngineError, open_graphs, write_graphs
from pneumonia.engine.record import LUNGS, NETWORK, RECORD, Parity

__all__ = [
    "LUNGS",
    "NETWORK",
    "RECORD",
    "Engine",
    "EngineError",
    "Parity",
    "open_graphs",
    "write_graphs",
]
