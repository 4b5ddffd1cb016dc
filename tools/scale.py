"""How the time for an archive grows with its films, and what ten million would take.

    python -m tools.scale --films DIR --out docs/archive-plan
    python -m tools.scale --films DIR --sizes 200 400 --core-hour 0.05     # a quick look

Archives of each size are made of hard links to the films of DIR (which needs not hold as many) and
scored by `pneumonia score-archive` with the fast model. At the two smallest sizes every model and
`pneumonia predict` take their turn: what the second takes longer than the first is without the
start, which Ray has more of. OUT gets
``growth.json``, ``README.md`` with the plan, and ``growth.png``.
"""

import argparse
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pneumonia.reading.archive import find_films
from pneumonia.storage.atomic import write_json
from pneumonia.storage.shipped import available_models

FAST = "cnn"
GOAL = 10_000_000  # films of the plan


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1000, 3000, 10_000, 30_000], metavar="N"
    )
    parser.add_argument(
        "--core-hour", type=float, default=0.04, metavar="PRICE", help="of a rented core (0.04)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="by default nothing is written")
    return parser.parse_args()


def link(films: list[Path], count: int, folder: Path) -> Path:
    """A folder of ``count`` films under names of their own."""
    for number in range(count):
        film = films[number % len(films)]
        place = folder / f"{number // 1000:03}" / f"{number:06}{film.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(film, place)
        except OSError:  # another file system
            place.symlink_to(film.resolve())
    return folder


def seconds(*words: object) -> float:
    """Of one command of this project, its start included."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "pneumonia", *map(str, words)], check=False)
    if done.returncode not in (0, 1):  # 1: films that could not be read
        raise SystemExit(done.returncode)
    return time.perf_counter() - began


def measure(films: list[Path], sizes: list[int], scratch: Path) -> dict:
    """Seconds by size with the fast model; by model and command at the two smallest sizes."""
    growth, compared = {}, {}
    for count in sorted(sizes):
        archive = link(films, count, scratch / f"films-{count}")
        took = seconds("score-archive", archive, "--out", scratch / f"{count}", "--model", FAST)
        growth[count] = took
        print(f"{count} films: {took:.0f} s", flush=True)
    for name in available_models():
        compared[name] = {"predict": {}, "score-archive": {}}
        for count in sorted(sizes)[:2]:
            words = [scratch / f"films-{count}", "--model", name]
            took = seconds("predict", *words, "--csv", scratch / "rows.csv")
            compared[name]["predict"][count] = took
            out = scratch / f"{count}-{name}"
            compared[name]["score-archive"][count] = seconds("score-archive", *words, "--out", out)
            print(f"{count} films, {name}: {compared[name]}", flush=True)
    return {"growth": growth, "compared": compared}


def plan(report: dict, core_hour: float) -> str:
    """The page."""
    growth, cores = numbered(report["growth"]), report["cores"]
    start, each = fit(growth)
    own = {
        name: {command: fit(numbered(took))[1] for command, took in one.items()}
        for name, one in report["compared"].items()
    }
    few, many = sorted(growth)[:2]
    lines = [
        "# Plan for an archive\n",
        f"`{report['command']}` wrote this page, on {report['machine']}. Seconds are of that "
        "machine; the ratios and the shape of the curve are what carries over.\n",
        "## How the time grows\n",
        "![Seconds by films: measured points on a straight line](growth.png)\n",
        "| films | seconds | films a second |\n|---|---|---|",
        *(f"| {n:,} | {took:.0f} | {n / took:.1f} |" for n, took in growth.items()),
        f"\nA line through these points: {start:.0f} s of start, then {1 / each:.1f} films a "
        f"second ({FAST}). Each film is a fresh row and no film is compared with another, so "
        "more films take as much longer.\n",
        "## Against one process\n",
        f"On the same {cores} cores, films a second from the {few:,}th to the {many:,}th film, so "
        "without the start:\n",
        "| model | `pneumonia predict` | `pneumonia score-archive` | throughput |",
        "|---|---|---|---|",
    ]
    for name, one in own.items():
        alone, here = one["predict"], one["score-archive"]
        lines.append(f"| {name} | {1 / alone:.1f} | {1 / here:.1f} | {alone / here:.2f} |")
    lines += [
        f"\n## {GOAL:,} films\n",
        f"As many cores as in the first column, each as fast as those here, at {core_hour} an "
        "hour and core in your currency (`--core-hour`). Reading from a store, and larger films "
        "than these, take longer: score a thousand of your own first.\n",
        "| cores | " + " | ".join(f"{name}, hours" for name in own) + " |",
        "|" + "---|" * (1 + len(own)),
    ]
    # of one core
    hours = {name: GOAL * one["score-archive"] * cores / 3600 for name, one in own.items()}
    for count in (16, 128, 1024):
        cells = " | ".join(f"{total / count:,.1f}" for total in hours.values())
        lines.append(f"| {count} | {cells} |")
    costs = ", ".join(f"{name} {total * core_hour:,.0f}" for name, total in hours.items())
    lines.append(f"\nCost, whatever the number of cores: {costs}.")
    return "\n".join(lines) + "\n"


def numbered(seconds: dict) -> dict[int, float]:
    """JSON has numbers of films as text."""
    return {int(count): took for count, took in seconds.items()}


def fit(growth: dict[int, float]) -> tuple[float, float]:
    """Seconds of start, and per film, of the line through the points."""
    each, start = np.polyfit(list(growth), list(growth.values()), 1)
    return max(float(start), 0.0), float(each)


def draw(growth: dict[int, float], file: Path) -> None:
    start, each = fit(growth)
    figure = Figure((5, 3.2), layout="constrained")
    axes = figure.subplots()
    counts = np.geomspace(min(growth), max(growth), 50)
    axes.loglog(counts, start + each * counts, color="0.6", label="a line through them")
    axes.loglog(list(growth), list(growth.values()), "o", color="C0", label="measured")
    axes.set(xlabel="films", ylabel="seconds")
    axes.legend(frameon=False)
    figure.savefig(file, dpi=110)


def main() -> None:
    args = arguments()
    films = find_films(args.films)
    if not films:
        raise SystemExit(f"There are no films in {str(args.films)!r}.")
    cores = len(os.sched_getaffinity(0))
    command = shlex.join(["python", "-m", "tools.scale", *sys.argv[1:]])
    report = {"command": command, "machine": f"{platform.machine()}, {cores} cores", "cores": cores}
    with tempfile.TemporaryDirectory() as scratch:
        report |= measure(films, args.sizes, Path(scratch))
    print(plan(report, args.core_hour))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        write_json(args.out / "growth.json", report)
        (args.out / "README.md").write_text(plan(report, args.core_hour), encoding="utf-8")
        draw(report["growth"], args.out / "growth.png")


if __name__ == "__main__":
    main()
