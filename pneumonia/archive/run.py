"""An archive through the workers of Ray: what is not answered yet, in parts, to Parquet files."""

import logging
import math
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fsspec.core import url_to_fs
from tqdm import tqdm

from pneumonia.archive.answers import Answers
from pneumonia.archive.films import list_films, storable
from pneumonia.archive.scorer import Scorer
from pneumonia.checkpoint import checkpoint_folder, load_checkpoint
from pneumonia.storage.shipped import CARD
from pneumonia.storage.weights import sha256

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

STORE = 100 * 2**20  # bytes of Ray's shared memory; nothing but paths and counts goes through it
PART = 1000  # films of a Parquet file at most
RETRIES = 5  # of a part whose worker dies


def score_archive(
    places: Sequence[str],
    out: str,
    model: str,
    *,
    device: str = "auto",
    workers: int | None = None,
    batch: int = 8,
    part: int = PART,
    address: str | None = None,
) -> dict:
    """Score the films of an archive that have no answer yet; shows progress.

    Args:
        places: files, folders or addresses that fsspec knows.
        out: the same for the answers, see ``Answers``.
        model: a shipped model, or the path of a checkpoint folder.
        device: ``"auto"`` (a GPU per worker if the cluster has any), ``"cpu"`` or ``"cuda"``; which
            GPU is Ray's choice.
        workers: processes with a predictor; by default as many as the cluster has GPUs, or cores.
        batch: films per forward pass.
        part: most films of a Parquet file.
        address: of a Ray cluster; by default this machine alone.

    Returns:
        The summary, see ``Answers.summarise``.

    Raises:
        CheckpointError: there is no such model, or it cannot be used.
        FileNotFoundError: there is nothing at one of the places.
        NotADirectoryError: there is a file where the answers are to go.
        ValueError: no films, no such device, or the answers there are another model's.
        RuntimeError: a worker failed, at a store that does not answer, say.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"There is no device {device!r} here: give auto, cpu or cuda.")
    files, root = url_to_fs(out)
    if files.isfile(root):
        raise NotADirectoryError(f"{root!r} is a file: give a folder as --out.")
    answers = Answers(out := files.unstrip_protocol(root))
    load_checkpoint(model)  # or each worker would find that it cannot be used
    card = sha256(checkpoint_folder(model) / CARD)
    if others := set(answers.counts("card_sha256")) - {card}:
        raise ValueError(
            f"{root!r} holds the answers of another model (card {min(others)[:12]}…): "
            "give another --out."
        )
    began = time.perf_counter()
    films = list_films(places)
    if not films:
        raise ValueError("No films found: give folders of JPEG, PNG or DICOM files.")
    known = set(answers.column("path").to_pylist())
    left = [os.fsencode(path) for path in films if storable(path) not in known]
    with tqdm(total=len(films), initial=len(films) - len(left), unit="film") as bar:
        if left:
            with cluster(address) as (cores, gpus):
                if device == "cuda" and not gpus:
                    raise ValueError("The cluster has no GPU: give --device cpu or auto.")
                gpus = gpus if device != "cpu" else 0
                where = "cuda" if gpus else "cpu"
                workers = workers or gpus or cores
                size = min(part, math.ceil(len(left) / (8 * workers)))
                parts = [{"paths": left[i : i + size]} for i in range(0, len(left), size)]
                each = max(1, cores // workers)
                done = ray.data.from_items(parts, override_num_blocks=len(parts)).map(
                    Scorer,  # pyright: ignore[reportArgumentType]
                    fn_constructor_args=(model, card, where, out, each, batch),
                    compute=ActorPoolStrategy(size=workers),
                    num_cpus=each,
                    num_gpus=1 if gpus else 0,
                    max_task_retries=RETRIES,
                )
                for row in done.iter_rows():
                    bar.update(row["films"])
    seconds = time.perf_counter() - began
    return answers.summarise(
        model=model, card_sha256=card, scored_now=len(left), seconds=round(seconds, 1)
    )


@contextmanager
def cluster(address: str | None) -> Iterator[tuple[int, int]]:
    """Ray, started here or found at an address; yields how many cores and GPUs there are.

    Raises:
        RuntimeError: a worker failed.
    """
    here = {} if address else {"object_store_memory": STORE, "include_dashboard": False}
    ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **here)  # pyright: ignore
    context = DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # its errors are raised, too
    try:
        there = ray.cluster_resources()
        yield int(there.get("CPU", 1)), int(there.get("GPU", 0))
    except RayError as error:
        raise RuntimeError(
            f"A worker failed ({own_words(error)}): the same command goes on where it ended."
        ) from error
    finally:
        ray.shutdown()


def own_words(error: RayError) -> str:
    """The line that says what happened in a worker, out of the tracebacks that Ray hands on.

    It stands behind the worker's own frames, which are indented; what Ray says of it has none.
    """
    said = str(error)
    behind_frames = re.findall(r"^[ \t].*\n(?!ray\.)(\S.*)", said, re.MULTILINE)
    return (behind_frames or said.splitlines())[-1].rstrip(".")
