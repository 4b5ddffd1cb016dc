"""Modules → OpenVINO's graphs in files → engines that run them."""

import hashlib
import queue
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pneumonia.engine.record import LUNGS, NETWORK, RECORD, Parity
from pneumonia.storage import typed_json
from pneumonia.storage.typed_json import FormatError


class EngineError(RuntimeError):
    """An engine that cannot be used; ``str(error)`` says why and what to do."""


class Engine:
    """A graph compiled for this processor, in float32, called from any number of threads.

    It takes as many threads as PyTorch has when it is made.
    """

    def __init__(self, graph: str | Path) -> None:
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        core = _openvino().Core()
        core.set_property({"ENABLE_MMAP": False})  # or a new export would change a running engine
        self._compiled = core.compile_model(str(graph), "CPU", options)
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()  # a request serves one at a time

    def __call__(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """``(N, …)`` float32 on the CPU → what the module answers."""
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            found = request.infer([inputs.contiguous().numpy()])  # its outputs are copies
        finally:
            self._idle.put(request)
        return tuple(torch.from_numpy(found[i]) for i in range(len(found)))


def write_graphs(modules: Mapping[str, tuple[nn.Module, torch.Tensor]], folder: str | Path) -> str:
    """Write graphs in float32, for any number of films.

    Args:
        modules: by name of the file, a module on the CPU and an input of it, ``(2, …)`` float32.
        folder: gets the files; an older record there is deleted first.

    Returns:
        The SHA-256 of all files.

    Raises:
        EngineError: OpenVINO is not installed.
    """
    ov, folder = _openvino(), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    for name, (module, example) in modules.items():
        with warnings.catch_warnings():  # of sizes that become constants, as they should
            warnings.simplefilter("ignore")
            shape = [-1, *example.shape[1:]]
            graph = ov.convert_model(module, example_input=example, input=shape)
        ov.save_model(graph, str(folder / name), compress_to_fp16=False)
    return files_sha256(folder)


def open_graphs(
    folder: str | Path, weights_sha256: Mapping[str, str], size: int
) -> dict[str, Engine]:
    """The engines of exported graphs that may stand in for PyTorch.

    Args:
        folder: where ``pneumonia export`` wrote them.
        weights_sha256: of the weights that they have to be made of, by name of the file.
        size: side in px of the input that the network has to take.

    Raises:
        EngineError: there are none, they are of other weights, they did not pass, or OpenVINO is
            missing.
    """
    folder = Path(folder)
    again = f"export it anew with `pneumonia export {folder}`, or use engine='torch'."
    if not (folder / RECORD).is_file():
        raise EngineError(f"There is no graph in {str(folder)!r} that was measured: {again}")
    _openvino()
    try:
        parity = typed_json.load(Parity, folder / RECORD)
        if (parity.weights_sha256, parity.size) != (dict(weights_sha256), size):
            raise FormatError("it is of other weights")
        if not parity.passed:
            raise FormatError("it does not answer as PyTorch does")
        if files_sha256(folder) != parity.files_sha256:
            raise FormatError("it is not the measured one")
        return {name: Engine(folder / name) for name in (NETWORK, LUNGS)}
    except (OSError, FormatError, RuntimeError) as error:  # the last is OpenVINO's
        reason = str(error).partition("\n")[0]
        raise EngineError(
            f"The graph in {str(folder)!r} cannot be used ({reason}): {again}"
        ) from error


def files_sha256(folder: Path) -> str:
    """Of the graphs in that folder, weights included."""
    files = [
        (folder / name).with_suffix(end) for name in (NETWORK, LUNGS) for end in (".xml", ".bin")
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _openvino() -> Any:
    if find_spec("openvino") is None:
        raise EngineError(
            "The engine 'openvino' needs the package openvino: pip install 'pneumonia[fast]'"
        )
    import openvino

    return openvino
