"""How fast it is: ratios measured in one run on drawn films, times for information.

    python scripts/benchmark.py
    python scripts/benchmark.py --rounds 5 --only one batch        # a quick look at two parts

Machines are noisy, so what is compared takes turns, round by round, and medians are taken. Parts:
"one" (one film against the bare network), "batch" (films a second), "folder" (files against the
bare network), "page" (visitors against the predictor), "start" (seconds and memory of a new
process), "training" (an epoch against a plain loop's). A ratio above 1 is faster than what it is
measured against.
"""

import argparse
import contextlib
import os
import platform
import re
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import RawScoresOutputTarget
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.checkpoint import available_models, load_checkpoint, write_json
from pneumonia.dataset import LABELS, Film, decode
from pneumonia.models import MODELS, build
from pneumonia.phantom import draw_phantom
from pneumonia.predictor import Predictor
from pneumonia.radiograph import read_radiograph
from pneumonia.training import Recipe, pick_device, train

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("one", "batch", "folder", "page", "start", "training")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--rounds", type=int, default=20, help="turns each takes (default 20)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write benchmark.json and .md here")
    return parser.parse_args()


def turns(cases: dict[str, Callable[[], object]], rounds: int, about: str) -> dict[str, float]:
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


def against(what: str, base: float, seconds: float, films: int = 1) -> dict:
    """A row: ``base`` seconds by these seconds; above 1 is faster than the base."""
    return {"what": what, "ratio": base / seconds, "seconds": seconds / films}


def one(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """One film with its heatmap against a bare pass of the same network, and the usual way."""
    film, rows = read_radiograph(draw_phantom(1000, 1200, lesions=2, seed=1).image()), []
    for predictor in predictors:
        network, card, _ = load_checkpoint(predictor.name, predictor.device)
        network.eval().requires_grad_(True)
        side = card["preprocessing"]["size"]
        inputs = torch.randn(1, 1, side, side, device=predictor.device)

        def bare(network=network, inputs=inputs):
            with torch.inference_mode():
                return network(inputs).cpu()

        def usual(network=network, inputs=inputs):  # as the README of grad-cam shows
            with torch.no_grad():
                network(inputs).cpu()
            with GradCAM(model=network, target_layers=[network.relu]) as cam:
                return cam(input_tensor=inputs, targets=[RawScoresOutputTarget()])

        cases = {
            "bare": bare,
            "explained": lambda p=predictor, x=inputs: p._explainer.explain(x),
            "predicted": lambda p=predictor: p.predict(film),
            "without heatmap": lambda p=predictor: p.predict(film, heatmap=False),
            "usual": usual,
        }
        times = turns(cases, args.rounds, f"{predictor.title}: one film")
        for name in ("explained", "predicted", "without heatmap", "usual"):
            what = f"{predictor.title}: the bare pass against one film {name}"
            rows.append(against(what, times["bare"], times[name]))
        what = f"{predictor.title}: the usual way (a pass, then GradCAM) against explained"
        rows.append(against(what, times["usual"], times["explained"]))
    return rows


def batch(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """Films a second by films a pass, with and without heatmaps, against one at a time."""
    films = [read_radiograph(draw_phantom(500, 600, seed=n % 8).image()) for n in range(32)]
    rows = []
    for predictor in predictors:
        cases = {
            (count, heat): lambda p=predictor, n=count, h=heat: p.predict_batch(films[:n], h)
            for count in (1, 8, 32)
            for heat in (True, False)
        }
        times = turns(cases, max(3, args.rounds // 4), f"{predictor.title}: films a pass")
        for (count, heat), seconds in times.items():
            kind = "with" if heat else "without"
            what = f"{predictor.title}: {count} films a pass, {kind} heatmaps, against one a pass"
            rows.append(against(what, count * times[1, heat], seconds, count))
    if len(predictors) > 1:
        source = draw_phantom(1000, 1200, seed=1).image()
        source.save(path := Path(tempfile.mkdtemp(), "film.png"))

        def shared():
            film = read_radiograph(path)
            return [p.predict(film) for p in predictors]

        cases = {"shared": shared, "apart": lambda: [p.predict(path) for p in predictors]}
        times = turns(cases, args.rounds, "both models")
        what = "both models on one file, read once against read twice"
        rows.append(against(what, times["apart"], times["shared"]))
    return rows


def folder(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """scripts/predict.py over files, in films a second, against the bare network's."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(128):
            picture = draw_phantom(700, 900, seed=number % 8).image()
            picture.save(Path(scratch, f"{number}.jpeg"), quality=90)
        from predict import find_files, run  # beside this script

        for predictor in predictors:
            side = predictor.card["preprocessing"]["size"]
            network, _, _ = load_checkpoint(predictor.name, predictor.device)
            inputs = torch.randn(8, 1, side, side, device=predictor.device)

            def bare(network=network, inputs=inputs):
                with torch.inference_mode():
                    return [network(inputs).cpu() for _ in range(16)]

            def score(predictor=predictor):
                options = argparse.Namespace(batch=8, heatmaps=None)
                with open(os.devnull, "w") as out:
                    return run(list(find_files([scratch])), [predictor], options, out)

            cases = {"bare": bare, "score": score}
            times = turns(cases, 3, f"{predictor.title}: folder")
            what = f"{predictor.title}: a folder of files against the bare network"
            rows.append(against(what, times["bare"], times["score"], 128))
    return rows


def page(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """Answers a second through the page for 1, 4 and 16 visitors, against the predictors alone."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as probe:
        draw_phantom(1000, 1200, lesions=2, seed=1).image().save(path := Path(scratch, "film.jpeg"))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        process = subprocess.Popen(
            [sys.executable, ROOT / "app.py", "--port", str(port)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        visitors = httpx.Client(base_url=f"http://127.0.0.1:{port}/gradio_api/", timeout=120)
        try:
            wait_for(visitors, process)

            def alone():
                film = read_radiograph(path)
                return [p.predict(film).overlay() for p in predictors]

            def visit(_=None):
                name = visitors.post("upload", files={"files": path.read_bytes()}).json()[0]
                film = {"path": name, "meta": {"_type": "gradio.FileData"}}
                job = visitors.post("call/predict", json={"data": [film]}).json()["event_id"]
                if "event: complete" not in visitors.get(f"call/predict/{job}").text:
                    raise RuntimeError("benchmark.py: a visitor got no answer.")

            for count in (1, 4, 16):
                films = max(4, count)
                with ThreadPoolExecutor(count) as pool:
                    cases = {
                        "alone": lambda n=films: [alone() for _ in range(n)],
                        "page": lambda n=films, pool=pool: list(pool.map(visit, range(n))),
                    }
                    times = turns(cases, max(3, args.rounds // 4), f"{count} visitors")
                what = f"page: answers for {count} visitors against the predictors alone"
                rows.append(against(what, times["alone"], times["page"], films))
            seconds = {"alone": [], "page": []}
            for _ in range(args.rounds):
                began = time.perf_counter()
                film = read_radiograph(path)
                for predictor in predictors:
                    predictor.predict(film)
                seconds["alone"].append(time.perf_counter() - began)
                seconds["page"].append(first_verdict(visitors, path))
            first = {name: statistics.median(times) for name, times in seconds.items()}
            what = "page: the first verdict, upload included, against the predictors alone"
            rows.append(against(what, first["alone"], first["page"]))
            status = Path(f"/proc/{process.pid}/status")
            if status.is_file():
                peak = int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 2**20
                rows.append({"what": "page: most memory it took, GB", "value": peak})
        finally:
            process.terminate()
            process.wait()
    return rows


def first_verdict(visitors: httpx.Client, path: Path) -> float:
    """Seconds from a film's upload as a browser sends it to the first that the page shows of it."""
    events = visitors.get("../config").json()["dependencies"]
    event = next(e for e in events if e["targets"] and e["targets"][0][1] == "upload")
    session, first = uuid.uuid4().hex, 0.0
    began = time.perf_counter()
    name = visitors.post("upload", files={"files": path.read_bytes()}).json()[0]
    film = {"path": name, "meta": {"_type": "gradio.FileData"}}
    job = {"data": [film, "both"], "fn_index": event["id"], "session_hash": session}
    visitors.post("queue/join", json=job).raise_for_status()
    with visitors.stream("GET", f"queue/data?session_hash={session}") as stream:
        for line in stream.iter_lines():
            if "process_generating" in line and not first:
                first = time.perf_counter() - began
            if "process_completed" in line:  # the pictures, which the next must not wait for
                return first
    raise RuntimeError("benchmark.py: a visitor got no verdict.")


def wait_for(visitors: httpx.Client, process: subprocess.Popen) -> None:
    while process.poll() is None:
        try:
            visitors.get("info").raise_for_status()
            return
        except httpx.TransportError:  # not listening yet
            time.sleep(0.5)
    sys.exit("benchmark.py: the page did not start.")


def training(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """An epoch of scripts/train.py against one of a plain loop: torchvision, a DataLoader, fp32.

    Both see the same JPEG files; ours decodes them once before the first epoch, which is left out.
    """
    rows, device = [], pick_device(args.device)
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(None):
        for number in range(96):
            folder = Path(scratch, "films", LABELS[number % 2])
            folder.mkdir(parents=True, exist_ok=True)
            picture = draw_phantom(1000, 1300, lesions=2 * (number % 2), seed=number % 8).image()
            picture.save(folder / f"{number}.jpeg", quality=90)
        films = [
            Film(path, label, path.stem, "train")
            for label, name in enumerate(LABELS)
            for path in sorted(Path(scratch, "films", name).iterdir())
        ]
        stored = decode(films)
        labels = torch.tensor([film.label for film in films], dtype=torch.float32)
        valid = {"auroc": (stored["grids"][44:52], labels[44:52].numpy())}
        for name, spec in MODELS.items():

            def ours(name=name, spec=spec):
                recipe = Recipe(spec.size, epochs=1, learning_rate=1e-4)
                folder = Path(tempfile.mkdtemp(dir=scratch))
                train(build(name), recipe, stored["grids"], labels, valid, device, folder)

            cases = {
                "ours": ours,
                "plain": lambda n=name, s=spec: plain_epoch(
                    n, s.size, Path(scratch, "films"), device
                ),
            }
            times = turns(cases, 3, f"{spec.title}: training")
            what = f"{spec.title}: an epoch of training against a plain loop's"
            rows.append(against(what, times["plain"], times["ours"], len(films)))
    return rows


def plain_epoch(name: str, size: int, folder: Path, device: torch.device) -> None:
    """As torchvision's references/classification trains."""
    change = transforms.Compose(
        [
            transforms.Grayscale(),
            transforms.RandomResizedCrop(size),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(0.5, 0.25),
        ]
    )
    loader = DataLoader(
        ImageFolder(folder, change), batch_size=32, shuffle=True, num_workers=os.cpu_count() or 1
    )
    network = build(name).to(device).train()
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    for films, labels in loader:
        logits = network(films.to(device))
        loss = binary_cross_entropy_with_logits(logits, labels.float().to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def start(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """Seconds and memory of a new process: importing, loading, the first film."""
    code = """
import re, time
began = time.perf_counter()
from pneumonia import Predictor
imported = time.perf_counter()
predictor = Predictor.load({name!r})
loaded = time.perf_counter()
from pneumonia.dataset import LABELS, Film, decode
from pneumonia.models import MODELS, build
from pneumonia.phantom import draw_phantom
film = draw_phantom(seed=1).image()
drawn = time.perf_counter()
predictor.predict(film)
ended = time.perf_counter()
peak = int(re.search("VmHWM:(.*)kB", open("/proc/self/status").read())[1]) / 2**20
print(imported - began, loaded - imported, ended - drawn, peak)
"""
    rows = []
    for predictor in predictors:
        command = [sys.executable, "-c", code.format(name=predictor.name)]
        runs = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True) for _ in range(3)]
        figures = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
        words = ("importing, s", "loading, s", "the first film, s", "most memory, GB")
        for what, values in zip(words, figures, strict=True):
            rows.append({"what": f"{predictor.title}: {what}", "value": statistics.median(values)})
    return rows


def markdown(report: dict) -> str:
    lines = [
        f"# Benchmark\n\n`{report['command']}` on {report['machine']}. Ratios are measured in one "
        "run; seconds are for information.\n",
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
    predictors = [Predictor.load(name, args.device) for name in available_models()]
    rows = [row for part in PARTS if part in args.only for row in globals()[part](predictors, args)]
    report = {
        "command": "python " + shlex.join(sys.argv),
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
