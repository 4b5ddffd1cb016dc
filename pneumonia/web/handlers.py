"""What the page's events call."""

import copy
import functools
import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from gradio_client.utils import strip_invalid_filename_characters

from pneumonia.checkpoint import CheckpointError
from pneumonia.export.records import as_dict, download_filename
from pneumonia.gate import GateResult
from pneumonia.models import MODELS
from pneumonia.prediction import Prediction, refused_together
from pneumonia.predictor import Predictor
from pneumonia.reading.archive import FilmRef
from pneumonia.reading.cage import Cage
from pneumonia.reading.radiograph import MAX_BYTES, Radiograph, film_name
from pneumonia.reading.refusals import RadiographError
from pneumonia.storage.shipped import NO_MODEL, available_models
from pneumonia.web import on_gpu, uploads, views
from pneumonia.web.container import processors
from pneumonia.web.examples import Example
from pneumonia.web.texts import words

PREDICTORS: dict[str, Predictor] = {}  # the most capable first; filled once, before any visitor

CONCURRENT = 2  # films at a time
T = TypeVar("T")
R = TypeVar("R")
log = logging.getLogger(__name__)


def load_models() -> None:
    """Fill ``PREDICTORS`` with every checkpoint there is, ready to run at once.

    The first pass of all takes several times as long, so it is done before any visitor.

    Raises:
        CheckpointError: there is none, or one is damaged.
    """
    names = [name for name in reversed(MODELS) if name in available_models()]
    if not names:
        raise CheckpointError(NO_MODEL)
    for name in names:
        PREDICTORS[name] = predictor = Predictor.load(name)
        if predictor.device.type == "cpu":  # a ZeroGPU is lent to visitors only
            predictor.predict(np.eye(64, dtype=np.float32))


@functools.cache  # however often it is called, once
def share_cores() -> None:
    """Give each of the ``CONCURRENT`` films its part of what this process may use.

    A pass gains little from a second core, and two films that fight for it lose much.
    """
    threads = math.ceil(min(torch.get_num_threads(), processors() or math.inf))
    torch.set_num_threads(max(1, threads // CONCURRENT))


@on_gpu
def infer(film: Radiograph, names: list[str], heatmap: bool = True) -> list[Prediction]:
    """Probability and heatmap of each named model: one call, one loan of a ZeroGPU."""
    each = run_parallel(lambda name: PREDICTORS[name].predict(film, heatmap=heatmap), names)
    return refused_together(each)


def run_parallel(function: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """The function of each thing, at the same time, so that a single film has all the cores."""
    with ThreadPoolExecutor(len(things)) as pool:  # of this call: none outlives a fork of ZeroGPU's
        return list(pool.map(function, things))


def analyse(
    film: FilmRef | Radiograph | None, choice: str, example: Example | None = None
) -> Iterator[str]:
    """A film → the result as HTML, first without pictures; or one calm sentence why there is none.

    A film out of scope comes whole at once: the second answer would fold away what was unfolded.

    Args:
        film: where it lies, or the film itself; None where there is none yet.
        choice: a model's name, or ``"all"``.
        example: what is known of the film, if it is one.
    """
    if film is None:
        yield views.invitation()
        return
    try:
        predictions = infer(read(film), chosen(choice))
        if all(prediction.in_scope for prediction in predictions):
            yield views.result(predictions, pending=True, example=example)
        yield views.result(predictions, example=example)
    except Exception as error:
        yield views.refusal(refusal(error))


def answers(films: Sequence[FilmRef]) -> Iterator[list[Prediction] | RadiographError]:
    """For each film every model's prediction, without heatmaps, or why there is none.

    A film that cannot be read, or at which something breaks, costs its own answer only.
    """
    done = 0
    while done < len(films):
        try:
            for film in cage().read_films(films[done:]):
                done += 1
                yield _answer(films[done - 1], film)
        except OSError as error:  # a moment without room for a reader
            done += 1
            yield refusal(error)


def _answer(
    where: FilmRef, film: Radiograph | RadiographError
) -> list[Prediction] | RadiographError:
    try:
        if isinstance(film, RadiographError):  # an upload may have become old before its turn
            raise film if where.path.is_file() else RadiographError("gone", where.name)
        return infer(film, list(PREDICTORS), heatmap=False)
    except Exception as error:
        return refusal(error)


def refusal(error: Exception) -> RadiographError:
    """What a visitor is told of it; unless it is a refusal, the rest of it goes to the log."""
    if isinstance(error, RadiographError):
        return copy.copy(error)  # without its traceback, which holds the whole file
    log.error("A film could not be analysed", exc_info=error)
    return RadiographError("broken", "film")


def read(film: FilmRef | Radiograph) -> Radiograph:
    """A film that somebody sent, or one that is read already.

    Raises:
        RadiographError: it is no longer there, or cannot be read.
    """
    if isinstance(film, Radiograph):
        return film
    if not film.path.is_file():
        raise RadiographError("gone", film.name)
    return cage().read(film)


@functools.cache
def cage() -> Cage:
    """The processes that read visitors' films, one for a batch and one for single films."""
    return Cage(2)


def chosen(choice: str) -> list[str]:
    """The names of the models that a choice on the page stands for."""
    return [choice] if choice in PREDICTORS else list(PREDICTORS)


def export(
    film: FilmRef | Radiograph,
    choice: str,
    what: str,
    language: str = "en",
    named: bool = False,
    told: bool = False,
) -> str:
    """A film → what the visitor takes away of it, as a link that carries the file.

    The film is read and predicted again: nothing of a visitor is kept for the case.

    Args:
        film: as ``analyse`` takes it.
        choice: a model's name, or ``"all"``.
        what: ``"pdf"`` (the report) or ``"json"`` (the figures).
        language: of the report.
        named: whether it holds the film's name, which is often a patient's.
        told: whether the visitor said that the models do not know this kind of film.
    """
    try:
        predictions = infer(read(film), chosen(choice))
    except Exception as error:  # most likely its upload was deleted meanwhile
        why = refusal(error)
        sentence = words(language)(f"refusal.{why.code}", **why.arguments)
        raise uploads.error(sentence) from error
    if told and all(prediction.in_scope for prediction in predictions):
        predictions = [replace(prediction, gate=GateResult("told")) for prediction in predictions]
    name = predictions[0].radiograph.name if named else ""
    if what == "pdf":
        from pneumonia.export.pdf import pdf

        content = pdf(predictions, words(language), name=name)
        return views.download(download_filename(name, ".pdf"), "application/pdf", content)
    content = json.dumps(as_dict(predictions) | {"film": name}, indent=2).encode()
    return views.download(download_filename(name, ".json"), "application/json", content)


def too_large(name: str) -> str:
    """The refusal of a file of that name whose size the browser already saw."""
    name = film_name(strip_invalid_filename_characters(Path(name).name))  # as uploads are named
    return views.refusal(RadiographError("too_large", name, limit=MAX_BYTES // 2**20))
