"""How long an installation takes, how large it is, and whether the page answers in it.

    python -m tools.install --out docs/benchmark --readme README.md
    python -m tools.install requirements-cpu.txt                     # one of them, to look at

Each file of requirements goes into a virtual environment of its own, in which `tools.smoke` then
starts the page and asks it about a drawn film; the answers of all must be the same to a thousandth.
"""

import argparse
import json
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pneumonia.evaluation.report import table
from pneumonia.storage.atomic import write_json
from tools.page_process import ROOT

FILES = ["requirements.txt", "requirements-cpu.txt"]


def measure(requirements: Path, folder: Path) -> dict:
    """Seconds, gigabytes and packages of one installation, and what the page said in it.

    Raises:
        SystemExit: it cannot be installed, or the page does not answer in it.
    """
    python = folder / "bin" / "python"
    began = time.perf_counter()
    for words in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q"]):
        asked = [*map(str, words), *(["-r", str(requirements)] if words[0] == python else [])]
        if subprocess.run(asked).returncode:
            raise SystemExit(f"install.py: {requirements} cannot be installed here.")
    seconds = time.perf_counter() - began
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True).stdout
    began = time.perf_counter()
    smoke = subprocess.run([python, "-m", "tools.smoke"], cwd=ROOT, capture_output=True, text=True)
    if smoke.returncode:
        raise SystemExit(f"install.py: in {requirements} {smoke.stdout}{smoke.stderr}")
    said, _ = json.JSONDecoder().raw_decode(smoke.stdout)
    return {
        "seconds": seconds,
        "gigabytes": sum(path.stat().st_size for path in files) / 1e9,
        "packages": len(listed.splitlines()) - 2,
        "smoke_seconds": time.perf_counter() - began,
        "probabilities": {name: one["probability"] for name, one in said["models"].items()},
    }


def renew(readme: Path, found: dict[str, dict]) -> None:
    """Sizes and times between the page's markers."""
    first, small = (found[name] for name in FILES)
    line = (
        f"{small['gigabytes']:.1f} GB in {small['seconds']:.0f} s instead of "
        f"{first['gigabytes']:.1f} GB in {first['seconds']:.0f} s"
    )
    marked = re.compile("(?<=<!-- install -->).*?(?=<!-- /install -->)", re.DOTALL)
    readme.write_text(marked.sub(line, readme.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", default=FILES, metavar="FILE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write install.json and .md here")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="renew its sizes and times")
    args = parser.parse_args()
    found = {}
    for name in args.files:
        with tempfile.TemporaryDirectory() as scratch:
            found[name] = measure(ROOT / name, Path(scratch, "env"))
    for model in next(iter(found.values()))["probabilities"]:
        told = [one["probabilities"][model] for one in found.values()]
        if max(told) - min(told) > 1e-3:
            raise SystemExit(f"install.py: {model} does not say the same in all of them: {told}")
    command = shlex.join(["python", "-m", "tools.install", *sys.argv[1:]])
    rows = [
        [
            *(f"`{name}`", f"{one['gigabytes']:.1f} GB", f"{one['seconds']:.0f} s"),
            *(f"{one['packages']}", f"{one['smoke_seconds']:.0f} s"),
        ]
        for name, one in found.items()
    ]
    heads = ["", "size", "time to install", "packages", "start, both models, one film, end"]
    text = (
        f"# Installation\n\n`{command}` on {platform.machine()}, Python "
        f"{platform.python_version()}. The time depends on the line; the page said the same in "
        f"each, to a thousandth.\n\n{table(heads, rows)}\n"
    )
    print(text)
    if args.out:
        write_json(args.out / "install.json", {"command": command, "installations": found})
        (args.out / "install.md").write_text(text, encoding="utf-8")
    if args.readme:
        renew(args.readme, found)


if __name__ == "__main__":
    main()
