"""Your call first, then the models': films whose truth is known, one at a time.

``modules/quiz.js`` leads through it. It has truths and verdicts from the table's rows; what it asks
the server for is each film's picture.
"""

import json
from collections.abc import Sequence

from PIL import Image

from pneumonia.card import LABELS
from pneumonia.overlay import data_uri, film_image
from pneumonia.predictor import Predictor
from pneumonia.reading.archive import FilmRef
from pneumonia.reading.radiograph import Radiograph
from pneumonia.web import handlers
from pneumonia.web.texts import attributes, html, ref, tag

SIDE = 1024  # px, the most that is sent of a film


def start() -> str:
    """The button that opens the quiz, where the figures of films with a known truth stand."""
    return tag("quiz.start", 'button type="button" class="quiz-start" hidden')


def dialog(predictors: Sequence[Predictor]) -> str:
    """The quiz before its first film: the film, then truth and calls, in the end the score."""
    buttons = "".join(
        f'<button type="button" data-call="{label}">{tag(f"verdict.{label}")}'
        f'<kbd dir="ltr">{label[0]}</kbd></button>'
        for label in LABELS
    )
    calls = "".join(
        f'<li data-called="{p.name}">{html(p.title)} <strong></strong> <bdi dir="ltr"></bdi></li>'
        for p in predictors
    )
    counts = ("quiz.right", "quiz.wrong", "teaching.none")
    heads = "".join(tag(key, 'th scope="col"') for key in counts)
    who = [("you", tag("quiz.you", 'th scope="row"'))]
    who += [(p.name, html(p.title, 'th scope="row"')) for p in predictors]
    rows = "".join(
        f'<tr data-score="{key}">{name}<td></td><td></td><td></td></tr>' for key, name in who
    )
    close = attributes({"aria-label": "keys.done", "title": "keys.done"})
    return f"""
<dialog class="quiz" aria-labelledby="quiz-title">
  <header>{tag("quiz.title", 'h2 id="quiz-title"')}<span class="quiz-place"></span>
    <button type="button" class="quiz-close" {close}>×</button></header>
  <div class="quiz-ask">
    <div class="quiz-film"><img alt="" hidden>{tag("style.reading", 'p class="quiz-note"')}</div>
    <div class="quiz-side">
      {tag("quiz.question", 'p class="quiz-question" tabindex="-1"')}
      <p class="quiz-calls">{buttons}</p>
      <div class="quiz-answer" role="status"><p class="quiz-truth"></p><ul>{calls}</ul></div>
      <p class="quiz-on">{tag("quiz.next", 'button type="button" class="quiz-next"')}
        {tag("quiz.end", 'button type="button" class="quiz-end"')}</p>
    </div>
  </div>
  <div class="quiz-score" hidden>
    <table>{tag("quiz.score", "caption")}<thead><tr><td></td>{heads}</tr></thead>
      <tbody>{rows}</tbody></table>
    <p class="quiz-interval"></p>{tag("quiz.few", 'p class="quiz-few"')}{tag("quiz.forced", "p")}
    {tag("quiz.again", 'button type="button" class="quiz-again"')}
  </div>
</dialog>"""


def picture(film: FilmRef | Radiograph, turn: object) -> str:
    """A film for the quiz, as JSON: ``{"turn", "picture"}``, or ``{"turn", "note"}``: why not.

    Args:
        film: as ``handlers.analyse`` takes it.
        turn: which of the browser's questions this answers; goes back as it came.
    """
    told: dict[str, object] = {"turn": turn if isinstance(turn, int) else 0}
    try:
        shown = film_image(handlers.read(film).pixels)
    except Exception as error:
        refused = handlers.refusal(error)
        return json.dumps(told | {"note": ref(f"refusal.{refused.code}", **refused.arguments)})
    shown.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return json.dumps(told | {"picture": data_uri(shown, "JPEG", quality=90)})
