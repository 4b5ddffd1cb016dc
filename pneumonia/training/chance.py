"""Random numbers of augmentation, from torch's generators."""

import torch


def uniform(n: int, low: float, high: float) -> torch.Tensor:
    """``(n,)`` random numbers."""
    return torch.empty(n).uniform_(low, high)


def draw(low: float, high: float) -> float:
    """One of them."""
    return low + (high - low) * torch.rand((), device="cpu").item()


def chance(p: float) -> bool:
    """True with probability ``p``."""
    return torch.rand((), device="cpu").item() < p
