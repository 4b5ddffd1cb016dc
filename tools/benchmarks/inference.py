"""The predictors without a page: one film, batches, a folder of files, a new process."""

import argparse
import functools
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import RawScoresOutputTarget

from pneumonia.checkpoint import load_checkpoint
from pneumonia.evaluation.parity import export_graphs
from pneumonia.export.folder import find_files, predict_files
from pneumonia.predictor import Predictor
from pneumonia.preprocess import to_canonical
from pneumonia.reading.archive import FilmRef
from pneumonia.reading.cage import Cage
from pneumonia.reading.radiograph import read_radiograph
from pneumonia.synthetic.phantom import draw_phantom
from tools.page_process import ROOT

from . import interleaved_medians, ratio_row


def one(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """One film with its heatmap against a bare pass of the same network, and grad-cam's own way."""
    film, rows = read_radiograph(draw_phantom(1000, 1200, lesions=2, seed=1).image()), []
    for predictor in predictors:
        small = to_canonical(film.pixels)[None].to(predictor.device)
        network, card, _ = load_checkpoint(predictor.name, predictor.device)
        network.eval().requires_grad_(True)
        side = card.preprocessing.size
        inputs = torch.rand(1, 2, side, side, device=predictor.device)

        def bare(network=network, inputs=inputs):
            with torch.inference_mode():
                return network(inputs).cpu()

        def grad_cam_readme(network=network, inputs=inputs):  # as the README of grad-cam shows
            with torch.no_grad():
                network(inputs).cpu()
            with GradCAM(model=network, target_layers=[network.relu]) as cam:
                return cam(input_tensor=inputs, targets=[RawScoresOutputTarget()])

        by_engine = {"": Predictor.load(predictor.name, args.device, "torch")}
        if find_spec("openvino") and predictor.device.type == "cpu":
            with tempfile.TemporaryDirectory() as scratch:
                if export_graphs(by_engine[""], [film], "a drawn film", scratch).passed:
                    by_engine[" by OpenVINO"] = by_engine[""].use_graphs(scratch)
        cases: dict[str, Callable[[], object]] = {"bare": bare}
        for end, p in by_engine.items():
            cases |= {
                f"predicted{end}": lambda p=p: p.predict(film),
                f"without heatmap{end}": lambda p=p: p.predict(film, heatmap=False),
                f"explained{end}, its lungs and view at hand": lambda p=p, x=inputs: (
                    p.explainer.explain(x)
                ),
                f"searched for its lungs{end}": lambda p=p, s=small: p._find_lungs(s),
            }
        lungs = predictor._find_lungs(small)
        cases["given its view"] = functools.partial(predictor._preset, small, lungs)
        cases["explained as the README of grad-cam does"] = grad_cam_readme
        times = interleaved_medians(cases, args.rounds, f"{predictor.title}: one film")
        for name in list(cases)[1:]:
            what = f"{predictor.title}: one film {name}, against the bare pass"
            rows.append(ratio_row(what, times["bare"], times[name]))
    return rows


def batch(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """Films a second by films a pass, with and without heatmaps, against one at a time."""
    films = [read_radiograph(draw_phantom(500, 600, seed=n % 8).image()) for n in range(32)]
    rows = []
    for predictor in predictors:
        cases = {
            (count, heat): lambda p=predictor, n=count, h=heat: p.predict_batch(
                films[:n], heatmap=h, batch_size=n
            )
            for count in (1, 8, 32)
            for heat in (True, False)
        }
        times = interleaved_medians(
            cases, max(3, args.rounds // 4), f"{predictor.title}: films a pass"
        )
        for (count, heat), seconds in times.items():
            kind = "with" if heat else "without"
            what = f"{predictor.title}: {count} films a pass, {kind} heatmaps, against one a pass"
            rows.append(ratio_row(what, count * times[1, heat], seconds, count))
    if len(predictors) > 1:
        source = draw_phantom(1000, 1200, seed=1).image()
        source.save(path := Path(tempfile.mkdtemp(), "film.png"))

        def shared():
            film = read_radiograph(path)
            return [p.predict(film) for p in predictors]

        cases = {"shared": shared, "apart": lambda: [p.predict(path) for p in predictors]}
        times = interleaved_medians(cases, args.rounds, "both models")
        what = "both models on one file, read once against read twice"
        rows.append(ratio_row(what, times["apart"], times["shared"]))
    return rows


def read(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """A film of two megapixels read in a process of its own, as the page does, and read here."""
    cage = Cage(1)
    with tempfile.TemporaryDirectory() as scratch:
        film = FilmRef(Path(scratch, "film.jpeg"))
        draw_phantom(1250, 1600, seed=1).image().save(film.path, quality=90)
        cases = {"here": lambda: read_radiograph(film.path), "caged": lambda: cage.read(film)}
        times = interleaved_medians(cases, 5 * args.rounds, "reading")
    cage.close()
    what, extra = "a film read in a process of its own", times["caged"] - times["here"]
    return [
        ratio_row(f"{what} against one read here", times["here"], times["caged"]),
        {"what": f"{what}: longer by, ms", "value": 1000 * extra},
    ]


def folder(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """``pneumonia predict`` over files, in films a second, against the bare network's."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        pictures = [draw_phantom(700, 900, seed=seed).image() for seed in range(8)]
        for number in range(128):
            pictures[number % 8].save(Path(scratch, f"{number}.jpeg"), quality=90)
        for predictor in predictors:
            side = predictor.card.preprocessing.size
            network, _, _ = load_checkpoint(predictor.name, predictor.device)
            inputs = torch.randn(8, 1, side, side, device=predictor.device)

            def bare(network=network, inputs=inputs):
                with torch.inference_mode():
                    return [network(inputs).cpu() for _ in range(16)]

            def score(predictor=predictor):
                with open(os.devnull, "w") as out:
                    return predict_files(find_files([Path(scratch)]), [predictor], out)

            cases = {"bare": bare, "score": score}
            times = interleaved_medians(cases, 3, f"{predictor.title}: folder")
            what = f"{predictor.title}: a folder of files against the bare network"
            rows.append(ratio_row(what, times["bare"], times["score"], 128))
    return rows


def start(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """Seconds and memory of a new process: importing, loading, the first film."""
    code = """
import time
began = time.perf_counter()
from pneumonia import Predictor
imported = time.perf_counter()
predictor = Predictor.load({name!r})
loaded = time.perf_counter()
from pneumonia.synthetic.phantom import draw_phantom
film = draw_phantom(seed=1).image()
drawn = time.perf_counter()
predictor.predict(film)
ended = time.perf_counter()
from tools.page_process import memory
print(imported - began, loaded - imported, ended - drawn, memory(most=True) / 1024)
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
