"""A batch of films: a table that fills while they are read, and its exports.

The server sends each row once while the films are read, and all of them at the end;
``modules/batch_tab.js`` makes the table of them, sorts and filters it. A row opens its film on the
first tab.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from pneumonia.export.records import Row, csv_text, percent
from pneumonia.overlay import data_uri, film_image
from pneumonia.prediction import Prediction
from pneumonia.reading.archive import FilmRef, list_films
from pneumonia.reading.dicom import Tags
from pneumonia.reading.radiograph import RadiographError
from pneumonia.web import handlers, uploads
from pneumonia.web.limits import MAX_FILMS, MAX_ROWS, MAX_UPLOAD_BYTES
from pneumonia.web.texts import Reference, attributes, html, ref, tag, words
from pneumonia.web.truth import Table, TruthError, folder_label, read_table
from pneumonia.web.verdict import places, reason
from pneumonia.web.views import download, name_tick

THUMBNAIL = 96  # px
NOTHING = '{"batch": "", "rows": []}'  # a table without a row, as a message for the browser

_FILTERS = ("all", "disagreement", "uncertain", "pneumonia", "normal", "problems")


@dataclass
class Batch:
    """What is kept of films that were read together.

    Attributes:
        name: by which the browser asks for it.
        total: how many films there are; the rest is of those that were read so far.
        films: where each film lies.
        rows: their names with small predictions, or why there are none.
        lines: the same for the browser, as JSON.
        paths: each film's folders and name, as far as the browser or an archive told them.
        table: of truths that came with the films.
        told: what became of that table, in a sentence.
        cut: how many are read where more were given, else None.
    """

    name: str
    total: int
    films: list[FilmRef] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    table: Table | None = None
    told: Reference | None = None
    cut: int | None = None

    def copy(self) -> "Batch":
        """The same films in a batch of their own."""
        return replace(
            self,
            films=[*self.films],
            rows=[*self.rows],
            lines=[*self.lines],
            paths=[*self.paths],
        )

    def add(
        self, film: FilmRef, answer: list[Prediction] | RadiographError, path: str = ""
    ) -> None:
        """Take in the next film's answer; its path may tell the truth."""
        if not isinstance(answer, RadiographError):
            answer = _light(answer)
        line = {"row": len(self.films), **_as_json(film.name, answer)}
        self.films.append(film)
        self.rows.append((film.name, answer))
        self.paths.append((path or film.member or film.path.name)[-500:])
        self.lines.append(json.dumps(line))  # last: who cancels asks for as many as there are

    def truth(self, number: int) -> str:
        """``"NORMAL"``, ``"PNEUMONIA"``, or "" where nothing tells."""
        path = self.paths[number]
        return (self.table and self.table.label(path)) or folder_label(path)

    def message(self, first: int = 0) -> str:
        """The rows from that number on, as ``addRows`` of ``batch_tab.js`` takes them.

        With the truth of each, and where they are all, what became of the table of truths.
        """
        truths = json.dumps([self.truth(number) for number in range(first, len(self.lines))])
        told = json.dumps(self.told if first == 0 else None)
        return (
            f'{{"batch": "{self.name}", "rows": [{", ".join(self.lines[first:])}], '
            f'"first": {first}, "truths": {truths}, "told": {told}}}'
        )


def hint() -> str:
    """What comes of many films, and how many there may be."""
    limits = {"films": MAX_FILMS, "size": MAX_UPLOAD_BYTES // 2**20}
    return tag("batch.hint", 'p class="teaching-hint"', **limits)


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
        tag(f"batch.{what}", f'button type="button" data-export="films.{what}"')
        for what in ("csv", "pdf")
    )
    return f"""
<section class="batch" data-models="{escape(json.dumps(titles))}" hidden>
  <div class="filters" role="radiogroup" {label}>{filters}</div>
  <div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody></tbody></table></div>
  <p class="exports">{buttons}{name_tick("batch.named")}</p>
</section>"""


def progress(batch: Batch, seconds: float | None = None, going: bool = True) -> str:
    """How far a batch is, how long it will take from here, and whether it goes on at all."""
    done, total, left = len(batch.films), batch.total, ""
    if not total:
        return ""  # a table of truths alone
    stopped, going = not going and done < total, going and done < total
    if seconds is not None and going:
        left = tag("batch.left", minutes=max(1, round(seconds / 60)))
        left = f'<span class="left"> · {left}</span>'
    if batch.cut is not None:
        left += f" · {tag('batch.cut', most=batch.cut)}"
    said = 'class="progress going"' if going else 'class="progress" role="status"'
    return f"""<p {said}>
  <progress max="{total}" value="{done}" {attributes({"aria-label": "batch.bar"})}></progress>
  {tag("batch.stopped" if stopped else "batch.progress", done=done, total=total)}{left}</p>"""


def read(
    paths: Sequence[str | Path], batch: Batch, folders: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """Reads films and archives into the batch, after what is there, and yields after each film.

    What is sent in all is linear in the number of films: each message has the new row alone, and
    the last one every row, for a browser that was too busy to see each message.

    Args:
        paths: of films, archives, and tables of truths (see ``truth``).
        batch: what they are added to.
        folders: for each path where it lay at home, "" where nobody knows.

    Yields:
        The progress as HTML, and the message for the browser.
    """
    given = list(map(Path, paths))
    homes = dict(zip(given, folders, strict=False))
    tables = [path for path in given if path.suffix.lower() == ".csv"]
    began, before = time.monotonic(), len(batch.films)
    room = min(MAX_FILMS, MAX_ROWS - before)
    found = list_films([path for path in given if path not in tables], room + 1)
    films = found[:room]
    batch.cut = len(films) if len(films) < len(found) else None
    batch.total = before + len(films)
    if tables:
        _take(tables, batch)
    yield progress(batch), batch.message()
    for film, answer in zip(films, handlers.answers(films), strict=True):
        home = homes.get(film.path, "")
        batch.add(film, answer, "/".join(filter(None, [home, film.member])))
        done = len(batch.films) - before
        seconds = (time.monotonic() - began) / done * (len(films) - done)
        yield progress(batch, seconds), batch.message(before + done - 1)
    if batch.table:
        batch.told = batch.table.sentence(batch.paths)
    yield progress(batch), batch.message()


def _take(tables: list[Path], batch: Batch) -> None:
    """The table of truths, or why it tells nothing; one that was there before it goes."""
    batch.table = batch.told = None
    try:
        if len(tables) > 1:
            raise TruthError("several")
        batch.table = read_table(tables[0])
    except OSError:
        batch.told = TruthError("no_columns").sentence
    except TruthError as error:
        batch.told = error.sentence


def cancelled(batch: Batch) -> tuple[str, str]:
    """What the browser is told of a batch that was cancelled: that it does not go on, every row."""
    return progress(batch, going=False), batch.message()


def export(batch: Batch | None, what: str, language: str = "en", named: bool = False) -> str:
    """All rows as ``"films.csv"`` or ``"films.pdf"``, as a link that carries the file.

    The report is in that language, and holds the films' names if asked to.

    Raises:
        gradio.Error: the batch is no longer kept.
    """
    if not batch:
        raise uploads.error(words(language)("refusal.gone"))
    if what == "films.csv":
        content = csv_text(batch.rows).encode("utf-8-sig")  # what Excel takes for UTF-8
        return download(what, "text/csv", content)
    from pneumonia.export.pdf_table import pdf_table

    return download(what, "application/pdf", pdf_table(batch.rows, words(language), names=named))


def _light(answer: list[Prediction]) -> list[Prediction]:
    """One film's predictions without what a table does not need, as it has a thousand of them."""
    film, lungs, nothing = answer[0].radiograph, answer[0].lungs, np.zeros((1, 1), np.float32)
    picture = film_image(film.pixels)
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.float32) / 255
    film = replace(film, pixels=pixels, tags=Tags(), ends=None)
    lungs = replace(lungs, mask=nothing)
    return [replace(one, radiograph=film, lungs=lungs, model_input=nothing) for one in answer]


def _as_json(name: str, answer: list[Prediction] | RadiographError) -> dict:
    if isinstance(answer, RadiographError):
        return {"name": name, "problem": ref(f"refusal.{answer.code}", **answer.arguments)}
    film = answer[0].radiograph
    thumbnail = data_uri(film_image(film.pixels), "WEBP", quality=70)
    models = {
        p.model: {
            "verdict": p.verdict,
            "probability": round(p.probability, 4),
            "percent": percent(p.probability),
            "places": places(p),
        }
        | ({} if p.in_scope else {"gate": reason(p.gate)})
        for p in answer
    }
    return {"name": name, "thumbnail": thumbnail, "models": models}
