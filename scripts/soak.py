"""Thousands of predictions in one process: does it grow, does it leave anything behind?

    python scripts/soak.py
    python scripts/soak.py --films 300

Films of many sizes go through every shipped model, with heatmaps, from four threads at a time. The
exit status is 1 if memory has grown by more than 30 MB after the first tenth, or if a hook, a
thread, an open file or a temporary file is left.
"""

import argparse
import gc
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.checkpoint import available_models
from pneumonia.phantom import draw_phantom
from pneumonia.predictor import Predictor

GROWTH = 30  # MB
THREADS = 4


def state(predictors: list[Predictor]) -> dict[str, int]:
    """What must not grow: hooks, threads, open files, temporary files; and memory in MB."""
    gc.collect()
    modules = [module for p in predictors for module in p._explainer.body.modules()]
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    pages = Path("/proc/self/statm").read_text().split()[1]
    return {
        "hooks": sum(len(getattr(module, name)) for module in modules for name in hooks),
        "threads": threading.active_count(),
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "temporary files": len(list(Path(tempfile.gettempdir()).iterdir())),
        "memory": int(pages) * 4096 // 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=3000, help="predictions (default 3000)")
    count = parser.parse_args().films
    predictors = [Predictor.load(name) for name in available_models()]
    films = [draw_phantom(300 + 60 * n, 420 + 50 * n, seed=n).image() for n in range(12)]

    def predict(number: int) -> float:
        predictor = predictors[number % len(predictors)]
        prediction = predictor.predict(films[number // len(predictors) % len(films)])
        prediction.overlay()
        return prediction.probability

    first: dict[tuple[int, int], float] = {}
    before = {}
    with ThreadPoolExecutor(THREADS) as pool:
        answers = tqdm(pool.map(predict, range(count)), total=count, unit="film", disable=None)
        for number, probability in enumerate(answers):
            key = (number % len(predictors), number // len(predictors) % len(films))
            if abs(first.setdefault(key, probability) - probability) > 1e-6:
                sys.exit(f"soak.py: film {key[1]} got {probability}, before it was {first[key]}.")
            if number == count // 10:
                before = state(predictors)
        after = state(predictors)
    print("\n".join(f"{name}: {before[name]} → {after[name]}" for name in after))
    grown = [name for name in after if after[name] > before[name] + GROWTH * (name == "memory")]
    if grown:
        sys.exit(f"soak.py: grown after the first tenth: {', '.join(grown)}.")
    print(f"{count} predictions, nothing left behind.")


if __name__ == "__main__":
    main()
