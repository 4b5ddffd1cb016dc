"""What if a part of the film were hidden? A visitor's box over the film → both probabilities."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pneumonia.lungs import SIDE, lung_finder
from pneumonia.preprocess import to_canonical
from pneumonia.reading.archive import FilmRef
from pneumonia.reading.radiograph import Radiograph
from pneumonia.web import handlers, on_gpu
from pneumonia.web.texts import ref

BARELY, A_LOT = 0.05, 0.3  # changes of the probability from which words are chosen
UNSEEN = 0.001  # change of every probability up to which a place beside the lungs counts as unseen

Box = tuple[float, float, float, float]


class Hidden(NamedTuple):
    """One model's probabilities of PNEUMONIA, 0..1: of the whole film, and with the box hidden."""

    before: float
    after: float


def answer(film: FilmRef | Radiograph, choice: str, turn: object, box: object) -> str:
    """What the models make of a film of which a part is hidden, as JSON for ``hide_answer.js``.

    Args:
        film: as ``handlers.analyse`` takes it.
        choice: a model's name, or ``"all"``.
        turn: which of the browser's questions this answers; goes back as it came.
        box: what the browser sent: left, top, right, bottom in shares of the film's sides.

    Returns:
        ``{"turn", "models": {name: [before, after, key of the words]}, "note": text or None}``; or
        ``{"turn", "note"}``, why there is no answer.
    """
    told: dict[str, Any] = {"turn": turn if isinstance(turn, int) else 0}
    checked = checked_box(box)
    if checked is None:
        return json.dumps(told | {"note": ref("hide.wrong")})
    try:
        answers, on_lung = occlude(handlers.read(film), handlers.chosen(choice), checked)
    except Exception as error:
        refused = handlers.refusal(error)
        note = ref(f"refusal.{refused.code}", **refused.arguments)
        return json.dumps(told | {"note": note})
    models = {name: [*one, f"hide.{changed(*one)}"] for name, one in answers.items()}
    note = None if on_lung else ref(f"hide.{beside(list(answers.values()))}")
    return json.dumps(told | {"models": models, "note": note})


@on_gpu
def occlude(film: Radiograph, names: list[str], box: Box) -> tuple[dict[str, Hidden], bool]:
    """Each model's probabilities, both in one pass, and whether lungs lie in the box."""
    regions = np.stack([np.zeros((SIDE, SIDE), np.float32), region(box)])
    answers = handlers.run_parallel(
        lambda name: Hidden(*handlers.PREDICTORS[name].occlude(film, regions).tolist()), names
    )
    finder = lung_finder(handlers.PREDICTORS[names[0]].device)
    (lungs,) = finder(to_canonical(film.pixels)[None])
    on_lung = bool((lungs.mask[regions[1] > 0] > 0.5).any())
    return dict(zip(names, answers, strict=True)), on_lung


def checked_box(box: object) -> Box | None:
    """Four finite numbers in 0..1 that span a box, or None."""
    if not isinstance(box, list) or len(box) != 4:
        return None
    if any(isinstance(edge, bool) or not isinstance(edge, int | float) for edge in box):
        return None
    left, top, right, bottom = box
    inside = all(0 <= edge <= 1 for edge in box)  # which nan and infinity are not
    return (left, top, right, bottom) if inside and left < right and top < bottom else None


def region(box: Box) -> np.ndarray:
    """``(128, 128)`` float32 over the whole film: the share of each cell that lies in the box."""
    edges = np.arange(SIDE + 1) / SIDE
    left, top, right, bottom = box
    down, across = (
        (np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)).clip(0) * SIDE
        for low, high in ((top, bottom), (left, right))
    )
    return np.outer(down, across).clip(0, 1).astype(np.float32)


def changed(before: float, after: float) -> str:
    """End of the text's key that says in words what became of the probability."""
    size = abs(after - before)
    if size < BARELY:
        return "same"
    return ("rises" if after > before else "falls") + ("_lot" if size >= A_LOT else "")


def beside(answers: Sequence[Hidden]) -> str:
    """End of the text's key about a place without lungs: nothing of it is seen, or a little."""
    seen = any(abs(after - before) > UNSEEN for before, after in answers)
    return "faint" if seen else "unseen"
