"""Many films without a browser: rows as they come, what one takes away, a film of a batch."""

import base64
import csv
import html
import inspect
import io
import json
import os
import resource
import zipfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from factories import TINY, card_of, open_gate, seeded_network
from PIL import Image
from pypdf import PdfReader

from pneumonia.models import MODELS
from pneumonia.predictor import Predictor
from pneumonia.reading.archive import FilmRef
from pneumonia.reading.cage import Cage
from pneumonia.reading.refusals import RadiographError
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import batch_tab, handlers
from pneumonia.web.gradio_private import Upload
from pneumonia.web.page import build


@pytest.fixture(scope="module")
def names() -> list[str]:
    return ["densenet169", "cnn"]


@pytest.fixture(scope="module")
def predictors(names) -> dict[str, Predictor]:
    return {n: Predictor(seeded_network(n), card_of(n), open_gate(n)) for n in names}


@pytest.fixture
def loaded(predictors, monkeypatch):
    monkeypatch.setattr(handlers, "PREDICTORS", predictors)
    return predictors


@pytest.fixture
def paths(tmp_path) -> list[str]:
    for number in range(2):
        draw_phantom(90, 100, seed=number).image().save(tmp_path / f"film{number}.png")
    (tmp_path / "broken <b>.png").write_text("words")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(tmp_path / "film1.png", "folder/inside.png")
    files = ("film0.png", "broken <b>.png", "more.zip", "film1.png")
    return [str(tmp_path / file) for file in files]


def test_rows_come_one_by_one_and_a_bad_file_costs_only_its_own(loaded, names, paths):
    batch = batch_tab.Batch("a table", 0)
    progress, messages = zip(*batch_tab.read(paths, batch), strict=True)
    first, *each, last = map(json.loads, messages)
    assert first["rows"] == [] and len({message["batch"] for message in (first, *each, last)}) == 1
    rows = last["rows"]
    assert [message["rows"] for message in each] == [[row] for row in rows]
    bar, message = batch_tab.cancelled(replace(batch, total=9))
    assert message == messages[-1] and "going" in progress[2] and "going" not in bar
    assert "Stopped: 4 of 9 films" in bar and "Stopped" not in "".join(progress)
    assert [row["name"] for row in rows] == [
        "film0.png",
        "broken <b>.png",
        "inside.png",
        "film1.png",
    ]
    assert [row["row"] for row in rows] == [0, 1, 2, 3]
    assert rows[1]["problem"]["t"] == "refusal.not_a_picture" and "models" not in rows[1]
    for row in rows[:1] + rows[2:]:
        assert list(row["models"]) == names and row["thumbnail"].startswith("data:image/webp")
    assert rows[2]["models"] == rows[3]["models"] != rows[0]["models"]
    alone = loaded["cnn"].predict(paths[0])
    assert rows[0]["models"]["cnn"]["probability"] == pytest.approx(alone.probability, abs=1e-3)
    assert "2 of 4 films" in progress[2] and "min left" in progress[2]
    assert "4 of 4 films" in progress[4] and "min left" not in progress[4]


def test_further_films_are_added_after_those_that_are_there(loaded, paths):
    batch = batch_tab.Batch("a table", 0)
    list(batch_tab.read(paths[:2], batch))
    *_, each, last = batch_tab.read(paths[3:], batch)
    assert [row["row"] for row in json.loads(each[1])["rows"]] == [2]
    assert [row["name"] for row in json.loads(last[1])["rows"]][-1] == "film1.png"
    assert "3 of 3 films" in last[0] and len(batch.films) == 3


def test_more_films_than_are_read_are_not_left_out_in_silence(loaded, paths, monkeypatch):
    monkeypatch.setattr(batch_tab, "MAX_FILMS", 2)
    *_, (progress, message) = batch_tab.read(paths[:3], batch := batch_tab.Batch("", 0))
    assert len(json.loads(message)["rows"]) == 2 and "only the first 2 films" in progress
    *_, (progress, _) = batch_tab.read(paths[:2], batch)
    assert "only the first" not in progress
    monkeypatch.setattr(batch_tab, "MAX_ROWS", 5)
    *_, (progress, message) = batch_tab.read(paths[:2], batch)
    assert len(json.loads(message)["rows"]) == 5 and "only the first 1 films" in progress


def test_what_is_sent_grows_with_the_films_and_not_with_their_square(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TINY)
    tiny = Predictor(seeded_network("tiny"), card_of("tiny"), open_gate("tiny"))
    monkeypatch.setattr(handlers, "PREDICTORS", {"tiny": tiny})
    draw_phantom(90, 100, seed=1).image().save(path := tmp_path / "film.png")
    (answer,) = handlers.answers([FilmRef(path)])
    monkeypatch.setattr(handlers, "answers", lambda films: [answer] * len(films))

    def sent(films: int) -> int:
        steps = batch_tab.read([str(path)] * films, batch_tab.Batch("", 0))
        return sum(len(progress) + len(message) for progress, message in steps)

    assert sent(200) / sent(100) == pytest.approx(2, rel=0.1)


def test_what_breaks_on_this_side_costs_one_row_too(loaded, paths, monkeypatch):
    honest, calls = loaded["cnn"].predict, []

    def fails_once(*args, **options):
        calls.append(1)
        if len(calls) == 1:
            raise MemoryError
        return honest(*args, **options)

    monkeypatch.setattr(loaded["cnn"], "predict", fails_once)
    *_, (_, message) = batch_tab.read(paths, batch_tab.Batch("", 0))
    rows = json.loads(message)["rows"]
    assert rows[0]["problem"]["t"] == "refusal.broken" and "models" in rows[3]


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs Linux")
def test_a_moment_without_room_for_a_reader_costs_one_row(loaded, paths, monkeypatch):
    cage = Cage(1)
    monkeypatch.setattr(handlers, "cage", lambda: cage)
    (reader,) = cage._idle.queue
    reader._process.kill()
    reader._process.wait()
    answers = handlers.answers([FilmRef(Path(paths[0])), FilmRef(Path(paths[3]))])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        first = next(answers)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert isinstance(first, RadiographError) and first.code == "broken"
    (second,) = answers
    assert len(second) == len(loaded)
    cage.close()


def test_a_film_that_no_model_knows_says_so_in_its_row(loaded, paths, monkeypatch):
    for name, predictor in loaded.items():
        monkeypatch.setattr(predictor, "gate", open_gate(name, limit=1e-3))
    *_, (_, message) = batch_tab.read(paths[:1], batch_tab.Batch("", 0))
    (row,) = json.loads(message)["rows"]
    assert {model["gate"]["t"] for model in row["models"].values()} == {"gate.unlike"}


def test_all_rows_can_be_taken_away(loaded, paths):
    list(batch_tab.read(paths, batch := batch_tab.Batch("", 0)))

    def content(what):
        return (
            html.unescape(batch_tab.export(batch, what, "en", True))
            .split("base64,")[1]
            .split('"')[0]
        )

    table = csv.DictReader(io.StringIO(base64.b64decode(content("films.csv")).decode("utf-8-sig")))
    assert [(row["file"], row["model"]) for row in table][1:4] == [
        ("film0.png", "cnn"),
        ("broken <b>.png", ""),
        ("inside.png", "densenet169"),
    ]
    pages = PdfReader(io.BytesIO(base64.b64decode(content("films.pdf")))).pages
    words = pages[0].extract_text()
    assert len(pages) == 1 and "inside.png" in words and "broken <b>.png" in words


def test_a_row_keeps_next_to_nothing_of_its_film(loaded, tmp_path):
    Image.new("L", (900, 800), 90).save(tmp_path / "large.png")
    list(batch_tab.read([str(tmp_path / "large.png")], batch := batch_tab.Batch("", 0)))
    [(_, answer)] = batch.rows
    assert batch.films == [FilmRef(tmp_path / "large.png")]
    for prediction in answer:
        assert max(prediction.radiograph.pixels.shape) <= batch_tab.THUMBNAIL
        assert prediction.attribution is None and prediction.model_input.size == 1


def test_a_row_that_was_refused_keeps_nothing_of_its_file(loaded, tmp_path):
    (tmp_path / "torn.png").write_bytes(b"\x89PNG torn")
    list(batch_tab.read([str(tmp_path / "torn.png")], batch := batch_tab.Batch("", 0)))
    [(_, answer)] = batch.rows
    assert isinstance(answer, RadiographError) and "torn.png" in str(answer)
    assert answer.__traceback__ is answer.__cause__ is None  # their frames hold the file's bytes


def test_a_film_of_an_archive_is_opened_like_any_other(loaded, paths, tmp_path):
    list(batch_tab.read(paths, batch := batch_tab.Batch("", 0)))
    *_, shown = handlers.analyse(batch.films[2], "all")
    assert "inside.png" in shown and 'class="result"' in shown
    gone = FilmRef(tmp_path / "gone.zip", "inside.png")
    (shown,) = handlers.analyse(gone, "all")
    assert "no longer on the server" in html.unescape(shown)
    with pytest.raises(gr.Error, match="no longer on the server"):
        batch_tab.export(None, "films.csv")


def test_what_is_kept_of_a_film_is_one_small_picture(loaded, paths):
    list(batch_tab.read(paths[:1], batch := batch_tab.Batch("", 0)))
    ((_, answer),) = batch.rows
    assert len({id(prediction.radiograph.pixels) for prediction in answer}) == 1
    kept = {id(a): a.nbytes for p in answer for a in (p.radiograph.pixels, p.lungs.mask)}
    assert sum(kept.values()) < 40_000


def test_an_upload_that_became_old_before_its_turn_is_told_of_as_such(loaded, tmp_path):
    swept = [FilmRef(tmp_path / "swept.png"), FilmRef(tmp_path / "swept.zip", "inside.png")]
    for answer in handlers.answers(swept):
        assert isinstance(answer, RadiographError) and answer.code == "gone"


def test_what_a_stream_ends_on_can_never_undo_what_it_said(loaded):
    """Text is replaced; of updates Gradio's browser side keeps one and changes that in place."""
    streams = [fn for fn in build().fns.values() if inspect.isgeneratorfunction(fn.fn)]
    assert len(streams) == 2
    for stream in streams:
        for output in stream.outputs:
            assert isinstance(output, gr.HTML | gr.State | Upload), stream.name
