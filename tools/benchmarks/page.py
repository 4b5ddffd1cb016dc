"""The page: visitors against the predictors alone."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from pneumonia.predictor import Predictor
from pneumonia.reading.radiograph import read_radiograph
from pneumonia.synthetic.phantom import draw_phantom
from tools.page_process import memory, running_page

from . import interleaved_medians, ratio_row

_AS_THE_PAGE = """
import gc
from pneumonia.web.stubs import without_stubs
gc.disable()
with without_stubs():
    import {}
"""


def page(predictors: list[Predictor], args: argparse.Namespace) -> list[dict]:
    """Answers a second through the page for 1, 4 and 16 visitors, against the predictors alone."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        draw_phantom(1000, 1200, lesions=2, seed=1).image().save(path := Path(scratch, "film.jpeg"))
        starts = []
        for _ in range(3):
            began = time.perf_counter()
            with running_page() as (_, address):
                with httpx.Client(base_url=f"{address}gradio_api/", timeout=120) as visitors:
                    first_verdict(visitors, path)
                starts.append(time.perf_counter() - began)
        what = "page: from its start to the first verdict, s"
        rows.append({"what": what, "value": statistics.median(starts)})
        for package in ("gradio", "torch"):  # what no page of them starts without
            alone = []
            for _ in range(3):
                began = time.perf_counter()
                subprocess.run([sys.executable, "-c", _AS_THE_PAGE.format(package)], check=True)
                alone.append(time.perf_counter() - began)
            what = f"page: of this, `import {package}` alone, s"
            rows.append({"what": what, "value": statistics.median(alone)})
        with (
            running_page() as (process, address),
            httpx.Client(base_url=f"{address}gradio_api/", timeout=120) as visitors,
        ):

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
                    times = interleaved_medians(
                        cases, max(3, args.rounds // 4), f"{count} visitors"
                    )
                what = f"page: answers for {count} visitors against the predictors alone"
                rows.append(ratio_row(what, times["alone"], times["page"], films))
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
            rows.append(ratio_row(what, first["alone"], first["page"]))
            if Path("/proc").is_dir():
                peak = memory(process.pid, most=True) / 1024
                rows.append({"what": "page: most memory it took, GB", "value": peak})
    return rows


def first_verdict(visitors: httpx.Client, path: Path) -> float:
    """Seconds from a film's upload as a browser sends it to the first that the page shows of it."""
    events = visitors.get("../config").json()["dependencies"]
    event = next(e for e in events if e["targets"] and e["targets"][0][1] == "select")
    session, first = uuid.uuid4().hex, 0.0
    began = time.perf_counter()
    name = visitors.post("upload", files={"files": path.read_bytes()}).json()[0]
    film = {"film": "", "upload": name, "large": ""}
    job = {"data": ["all"], "fn_index": event["id"], "session_hash": session, "event_data": film}
    visitors.post("queue/join", json=job).raise_for_status()
    with visitors.stream("GET", f"queue/data?session_hash={session}") as stream:
        for line in stream.iter_lines():
            if "process_generating" in line and not first:
                first = time.perf_counter() - began
            if "process_completed" in line:  # the pictures, which the next must not wait for
                return first
    raise RuntimeError("benchmark.py: a visitor got no verdict.")
