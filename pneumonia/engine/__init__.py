"""A faster way to run a network's one pass on a processor: OpenVINO, where it is installed.

``pneumonia export`` writes the graph beside a checkpoint, and beside it what it measured: how far
the graph's answers are from PyTorch's. A graph is used only while that record says that it passed
and that it was made of the very weights that the card names.
"""

from pneumonia.engine.graph import Engine, EngineError, open_graph, write_graph
from pneumonia.engine.record import GRAPH, RECORD, Parity

__all__ = ["GRAPH", "RECORD", "Engine", "EngineError", "Parity", "open_graph", "write_graph"]
