"""A network's weights as a file: safetensors, in half the bytes where that loses nothing."""

import hashlib
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import nn

from pneumonia.storage.atomic import replacing


def write_weights(path: str | Path, network: nn.Module, half: bool) -> None:
    """Write a network's state dict as safetensors, the matrices in float16 if ``half``."""
    state = {
        name: (tensor.half() if half and tensor.ndim > 1 else tensor).contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    with replacing(path) as partial:
        save_file(state, partial)


def load_weights(path: str | Path, network: nn.Module) -> None:
    """Give a network what ``write_weights`` wrote, in float32.

    Raises:
        FileNotFoundError: there is no such file.
        SafetensorError: it is no safetensors file.
        RuntimeError: the weights are those of another network.
    """
    state = load_file(path)
    network.load_state_dict(
        {name: t.float() if t.is_floating_point() else t for name, t in state.items()}
    )


def sha256(path: Path) -> str:
    """Of a file's bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
