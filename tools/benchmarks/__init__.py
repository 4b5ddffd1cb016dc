"""The parts of tools/benchmark.py, and what they share: taking turns, and rows of a table."""

import statistics
import time
from collections.abc import Callable

import torch
from tqdm import tqdm


def interleaved_medians(
    cases: dict[str, Callable[[], object]], rounds: int, about: str
) -> dict[str, float]:
    """Median seconds of each case; all take their turn in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for number in tqdm(range(rounds + 2), about, unit="round", disable=None, leave=False):
        for name, call in cases.items():
            began = time.perf_counter()
            call()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if number > 1:  # the first two warm up
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def ratio_row(what: str, base: float, seconds: float, films: int = 1) -> dict:
    """A row: ``base`` seconds by these seconds; above 1 is faster than the base."""
    return {"what": what, "ratio": base / seconds, "seconds": seconds / films}
