"""How fast it is: ratios measured in one run on drawn films, times for information.

    python -m tools.benchmark
    python -m tools.benchmark --rounds 5 --only one batch        # a quick look at two parts

Machines are noisy, so what is compared takes turns, round by round, and medians are taken; no part
bears with what another has loaded, as each has a process of its own. Parts:
"one" (one film against the bare network), "batch" (films a second), "read" (a film read in a
process of its own against one read here), "folder" (files against the bare network), "page"
(visitors against the predictor), "start" (seconds and memory of a new process), "training" (an
epoch against a plain loop's). A ratio above 1 is faster than what it is measured against.
"""

import argparse
import os
import platform
import shlex
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from pneumonia.predictor import Predictor
from pneumonia.storage.atomic import write_json
from pneumonia.storage.shipped import available_models
from tools.benchmarks import inference, page, training

PARTS = {
    "one": inference.one,
    "batch": inference.batch,
    "read": inference.read,
    "folder": inference.folder,
    "page": page.page,
    "start": inference.start,
    "training": training.training,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--rounds", type=int, default=20, help="turns each takes (default 20)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write benchmark.json and .md here")
    return parser.parse_args()


def measure(part: str, args: argparse.Namespace) -> list[dict]:
    """The rows of a part."""
    return PARTS[part]([Predictor.load(name, args.device) for name in available_models()], args)


def markdown(report: dict) -> str:
    lines = [
        f"# Benchmark\n\n`{report['command']}` on {report['machine']}. Ratios are measured in one "
        "run; above 1 is faster than what it is measured against. Seconds are for information.\n",
        "| | ratio | seconds |\n|---|---|---|",
    ]
    for row in report["rows"]:
        if "ratio" in row:
            lines.append(f"| {row['what']} | {row['ratio']:.2f} | {row['seconds']:.4f} |")
        else:
            lines.append(f"| {row['what']} | | {row['value']:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    args = arguments()
    args.only = list(args.only)  # the parts themselves do not cross into another process
    rows = []
    for part in (part for part in PARTS if part in args.only):
        with ProcessPoolExecutor(1, get_context("spawn")) as own:
            rows += own.submit(measure, part, args).result()
    report = {
        "command": shlex.join(["python", "-m", "tools.benchmark", *sys.argv[1:]]),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "rows": rows,
    }
    print(text := markdown(report))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        write_json(args.out / "benchmark.json", report)
        (args.out / "benchmark.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
