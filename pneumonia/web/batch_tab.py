"""Many films: a table that fills while they are read, and what one takes away of it.

The server sends each row once, as a line of JSON that is added to those before; ``many.js`` makes
the table of them, sorts and filters it. A row opens its film on the first tab.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from html import escape

import gradio as gr
import numpy as np
from PIL import Image

from pneumonia.export.records import Row, csv_text, percent
from pneumonia.overlay import data_uri, film_image
from pneumonia.predictor import Prediction
from pneumonia.reading.archive import FilmRef, list_films
from pneumonia.reading.radiograph import Radiograph, RadiographError
from pneumonia.web import handlers
from pneumonia.web.texts import attributes, html, ref, tag
from pneumonia.web.views import download

THUMBNAIL = 96  # px

_FILTERS = ("all", "disagreement", "uncertain", "pneumonia", "normal", "problems")


def table(titles: dict[str, str]) -> str:
    """The table before its first row: filters, a column per model, nothing below.

    Args:
        titles: a model's name → its name for people.
    """
    filters = "".join(
        f'<label><input type="radio" name="filter" value="{key}" {"checked" if not i else ""}>'
        f'{tag(f"filter.{key}")} <span class="count"></span></label>'
        for i, key in enumerate(_FILTERS)
    )
    columns = [("film", tag("column.film"))]
    columns += [(name, html(title)) for name, title in titles.items()]
    columns += [("agreement", tag("column.agreement"))] if len(titles) > 1 else []
    heads = "".join(
        f'<th scope="col"><button type="button" data-sort="{key}">{words}</button></th>'
        for key, words in columns
    )
    label = attributes({"aria-label": "batch.filter"})
    buttons = "".join(
        tag(f"batch.{what}", f'button type="button" data-take="films.{what}"')
        for what in ("csv", "pdf")
    )
    return f"""
<section class="many" data-models="{escape(json.dumps(titles))}" hidden>
  <div class="filters" role="radiogroup" {label}>{filters}</div>
  <div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody></tbody></table></div>
  <p class="takeaway">{buttons}</p>
</section>"""


def progress(done: int, total: int, seconds: float | None = None) -> str:
    """How far it is, and how long it will take from here."""
    left, going = "", done < total
    if seconds is not None and going:
        left = tag("batch.left", minutes=max(1, round(seconds / 60)))
        left = f'<span class="left"> · {left}</span>'
    return f"""<p class="progress{" going" if going else ""}" role="status">
  <progress max="{total}" value="{done}" {attributes({"aria-label": "batch.bar"})}></progress>
  {tag("batch.progress", done=done, total=total)}{left}</p>"""


def read(paths: list[str]) -> Iterator[tuple[str, str, list[tuple[FilmRef, Row]]]]:
    """Films and archives → after each film the progress, the rows as JSON lines, and the rows."""
    films, rows, lines = list_films(paths), [], []
    began, batch = time.monotonic(), f"{time.time():.3f}"
    yield progress(0, len(films)), _as_lines(lines), []
    for film, answer in zip(films, handlers.answers(films), strict=True):
        if not isinstance(answer, RadiographError):
            answer = [_light(prediction) for prediction in answer]
        line = {"batch": batch, "row": len(rows), **_line(film.name, answer)}
        rows.append((film, (film.name, answer)))
        lines.append(escape(json.dumps(line)))
        seconds = (time.monotonic() - began) / len(rows) * (len(films) - len(rows))
        yield progress(len(rows), len(films), seconds), _as_lines(lines), rows


def export(rows: list[tuple[FilmRef, Row]], what: str) -> str:
    """All rows as ``"films.csv"`` or ``"films.pdf"``, as a link that carries the file.

    Raises:
        gradio.Error: there are none any more.
    """
    if not rows:
        raise gr.Error(str(RadiographError("gone", "film")), print_exception=False)
    if what == "films.csv":
        content = csv_text(row for _, row in rows).encode("utf-8-sig")  # what Excel takes for UTF-8
        return download(what, "text/csv", content)
    from pneumonia.export.pdf import pdf_table

    return download(what, "application/pdf", pdf_table([row for _, row in rows]))


def _as_lines(lines: list[str]) -> str:
    return "<pre>" + "\n".join(lines)  # left open: the next are added


def _light(prediction: Prediction) -> Prediction:
    """Without all that a table does not need."""
    film = prediction.radiograph
    picture = film_image(film.pixels)
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.float32) / 255
    small = Radiograph(pixels, film.name, film.format, film.notes, film.saturation)
    return replace(prediction, radiograph=small, model_input=np.zeros((1, 1), np.float32))


def _line(name: str, answer: list[Prediction] | RadiographError) -> dict:
    if isinstance(answer, RadiographError):
        return {"name": name, "problem": ref(f"refusal.{answer.code}", **answer.arguments)}
    film = answer[0].radiograph
    thumbnail = data_uri(film_image(film.pixels), "WEBP", quality=70)
    models = {
        p.model: {
            "verdict": p.verdict,
            "probability": round(p.probability, 4),
            "percent": percent(p.probability),
        }
        | ({} if p.in_scope else {"gate": ref(f"gate.{p.gate.code}")})
        for p in answer
    }
    return {"name": name, "thumbnail": thumbnail, "models": models}
