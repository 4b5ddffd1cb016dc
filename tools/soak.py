"""Thousands of predictions, hundreds of visits: does anything grow, is anything left behind?

    python -m tools.soak
    python -m tools.soak --films 300 --visits 50 --calls 3000

Films of many sizes go through every shipped model, with heatmaps, from four threads at a time; then
sixteen visitors ask a running page; then 500 others send it a film of 9 MB each as text. Each
film must get the same answer each time, and its own. The exit status is 1 if not, if memory has
grown by more than 30 MB after the first fifth, if the page that those call ever held more
than 1.2 GB, or if a module, a thread, an open file or a temporary file is left.
"""

import argparse
import base64
import gc
import io
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from gradio_client import Client, handle_file
from torch import nn
from tqdm import tqdm

from pneumonia.predictor import Predictor
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web.malloc import limit_arenas
from tools.page_process import memory, running_page, text_sender

GROWTH = 30  # MB
THREADS, VISITORS, FILMS = 4, 16, 12
SENDERS, MOST = 500, 1200  # MB


def state() -> dict[str, int]:
    """What must not grow here. Modules: each heatmap makes one, with hooks, and lets it go."""
    gc.collect()
    return {
        "modules": sum(issubclass(type(thing), nn.Module) for thing in gc.get_objects()),
        "threads": threading.active_count(),
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "temporary files": len(list(Path(tempfile.gettempdir()).iterdir())),
        "memory, MB": memory(),
    }


def soak(
    what: str, ask: Callable[[int], dict], count: int, threads: int, look: Callable[[], dict]
) -> None:
    """Ask ``count`` times from so many threads; exit where an answer changes or something grows."""
    first: dict[int, dict] = {}
    before: dict[str, int] = {}
    with ThreadPoolExecutor(threads) as pool:
        answers: Iterator[dict] = pool.map(ask, range(count))
        for number, answer in enumerate(tqdm(answers, what, count, unit="film", disable=None)):
            expected = first.setdefault(number % FILMS, answer)
            if any(abs(answer[name] - expected[name]) > 1e-6 for name in expected):
                sys.exit(f"soak.py: a film got {answer}, before it was {expected}.")
            if number == count // 5:
                before = look()
        after = look()
    print(f"{count} {what}")
    print("\n".join(f"  {name}: {before[name]} → {after[name]}" for name in after))
    grown = [n for n in after if after[n] > before[n] + GROWTH * n.startswith("memory")]
    if grown:
        sys.exit(f"soak.py: grown after the first fifth: {', '.join(grown)}.")


def visits(count: int, folder: Path, alone: list[dict]) -> None:
    """Sixteen visitors at a page of its own; it must leave no film behind."""
    uploads, clients = folder / "uploads", threading.local()
    with running_page(env={"GRADIO_TEMP_DIR": str(uploads)}) as (page, address):

        def ask(number: int) -> dict:
            if not hasattr(clients, "own"):
                clients.own = Client(address, verbose=False, download_files=folder / "downloads")
            name = f"film{number % FILMS}.png"
            said, overlays = clients.own.predict(handle_file(folder / name), api_name="/predict")
            answer = {model: figures["probability"] for model, figures in said["models"].items()}
            expected = alone[number % FILMS]
            if said["film"] != name or len(overlays) != len(expected):
                sys.exit(f"soak.py: {name} got the answer to {said['film']}.")
            if any(abs(answer[model] - expected[model]) > 1e-3 for model in expected):
                sys.exit(f"soak.py: {name} got {answer}, alone it is {expected}.")
            return answer

        soak("visits", ask, count, VISITORS, lambda: {"memory, MB": memory(page.pid)})
    if page.returncode or list(uploads.iterdir()):
        sys.exit(f"soak.py: the page ended with {page.returncode} and left {uploads}.")


def calls(count: int, uploads: Path) -> None:
    """Films as text from 500 senders at a page of its own, which must let each of them go."""
    draw_phantom(3000, 3000, lesions=1, seed=1).image().save(file := io.BytesIO(), "BMP")
    film = f"data:image/bmp;base64,{base64.b64encode(file.getvalue()).decode()}"
    with (
        running_page(env={"GRADIO_TEMP_DIR": str(uploads)}) as (page, address),
        httpx.Client(base_url=address, timeout=120) as client,
    ):
        send = text_sender(client)

        def ask(call: int) -> dict:
            said = send(film, f"sender{call % SENDERS}")
            return {model: figures["probability"] for model, figures in said["models"].items()}

        soak("calls", ask, count, THREADS, lambda: {"memory, MB": memory(page.pid)})
        most = memory(page.pid, most=True)
        print(f"  most memory, MB: {most}")
    if most > MOST:
        sys.exit(f"soak.py: the page held {most} MB.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=3000, help="predictions (default 3000)")
    parser.add_argument("--visits", type=int, default=500, help="visits (default 500)")
    parser.add_argument("--calls", type=int, default=500, help="films as text (default 500)")
    options = parser.parse_args()
    limit_arenas()
    predictors = [Predictor.load(name) for name in available_models()]
    films = [
        draw_phantom(300 + 60 * n, 420 + 50 * n, lesions=n % 3, seed=n).image()
        for n in range(FILMS)
    ]

    def ask(number: int) -> dict:
        answers = [p.predict(films[number % FILMS]) for p in predictors]
        for answer in answers:
            answer.overlay()
        return {answer.model: answer.probability for answer in answers}

    alone = [ask(number) for number in range(FILMS)]
    count = options.films // len(predictors)
    if count:
        soak(
            f"films, {len(predictors)} predictions each",
            ask,
            count,
            THREADS,
            state,
        )
    if options.visits:
        with tempfile.TemporaryDirectory() as folder:
            for number, film in enumerate(films):
                film.save(Path(folder, f"film{number}.png"))
            visits(options.visits, Path(folder), alone)
    if options.calls:
        with tempfile.TemporaryDirectory() as folder:
            calls(options.calls, Path(folder))


if __name__ == "__main__":
    main()
