"""A pass → OpenVINO's graph in a file → an engine that runs it."""

import hashlib
import queue
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pneumonia.engine.record import GRAPH, RECORD, Parity
from pneumonia.storage import typed_json
from pneumonia.storage.typed_json import FormatError


class EngineError(RuntimeError):
    """An engine that cannot be used; ``str(error)`` says why and what to do."""


class Engine:
    """A graph compiled for this processor, in float32, called from any number of threads.

    It takes as many threads as PyTorch has when it is made.
    """

    def __init__(self, graph: str | Path) -> None:
        ov = _openvino()
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._compiled = ov.Core().compile_model(str(graph), "CPU", options)
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()  # a request serves one at a time

    def __call__(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """``(N, 2, size, size)`` float32 on the CPU → logits, attribution and embedding."""
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            found = request.infer([inputs.contiguous().numpy()])  # its outputs are copies
        finally:
            self._idle.put(request)
        return tuple(torch.from_numpy(found[i]) for i in range(3))


def write_graph(network_pass: nn.Module, size: int, folder: str | Path) -> str:
    """Write the graph of a pass, in float32 and for any number of films.

    Args:
        network_pass: ``(N, 2, size, size)`` float32 → three tensors, on the CPU.
        size: side of its input in px.
        folder: gets the graph's two files; an older record there is deleted first.

    Returns:
        The SHA-256 of the two files.

    Raises:
        EngineError: OpenVINO is not installed.
    """
    ov, folder = _openvino(), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    with warnings.catch_warnings():  # of sizes that become constants, as they should
        warnings.simplefilter("ignore")
        example = torch.rand(2, 2, size, size)
        graph = ov.convert_model(network_pass, example_input=example, input=[-1, 2, size, size])
    ov.save_model(graph, str(folder / GRAPH), compress_to_fp16=False)
    return graph_sha256(folder)


def open_graph(folder: str | Path, weights_sha256: str, size: int) -> Engine:
    """The engine of an exported graph that may stand in for PyTorch.

    Args:
        folder: where ``pneumonia export`` wrote it.
        weights_sha256: of the weights that it has to be made of.
        size: side in px of the input that it has to take.

    Raises:
        EngineError: there is none, it is of other weights, it did not pass, or OpenVINO is missing.
    """
    folder = Path(folder)
    again = f"export it anew with `pneumonia export {folder.name}`."
    if not (folder / RECORD).is_file():
        raise EngineError(f"There is no graph in {str(folder)!r} that was measured: {again}")
    try:
        parity = typed_json.load(Parity, folder / RECORD)
        if (parity.weights_sha256, parity.size) != (weights_sha256, size):
            raise EngineError(f"The graph in {str(folder)!r} is of other weights: {again}")
        if not parity.passed:
            raise EngineError(
                f"The graph in {str(folder)!r} does not answer as PyTorch does (probabilities "
                f"differ by up to {parity.probability:.2g}): use engine='torch'."
            )
        _openvino()
        if graph_sha256(folder) != parity.graph_sha256:
            raise EngineError(f"The graph in {str(folder)!r} is not the measured one: {again}")
        return Engine(folder / GRAPH)
    except (OSError, FormatError) as error:
        raise EngineError(f"The graph in {str(folder)!r} cannot be used ({error}): {again}") from error


def graph_sha256(folder: Path) -> str:
    """Of both files of the graph in that folder."""
    files = (folder / GRAPH, (folder / GRAPH).with_suffix(".bin"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _openvino() -> Any:
    if find_spec("openvino") is None:
        raise EngineError(
            "The engine 'openvino' needs the package openvino: pip install 'pneumonia[fast]'"
        )
    import openvino

    return openvino
