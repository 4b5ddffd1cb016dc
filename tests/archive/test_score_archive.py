"""Films by the dozen in place of millions; the cluster, its workers and their deaths are real."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from factories import ROOT, dicom, random_checkpoints, saved
from typer.testing import CliRunner

from pneumonia.archive.answers import Answers
from pneumonia.archive.films import list_films
from pneumonia.archive.run import score_archive
from pneumonia.archive.scorer import Scorer
from pneumonia.checkpoint import CheckpointError
from pneumonia.cli import app
from pneumonia.explain import Explainer
from pneumonia.predictor import Predictor
from pneumonia.reading.refusals import RadiographError
from pneumonia.synthetic.phantom import draw_phantom

FILMS = 36


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return random_checkpoints(tmp_path_factory.mktemp("archive"), ["cnn"]) / "cnn"


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Films of three formats in folders; one is broken, one a child's of fifteen years."""
    root = tmp_path_factory.mktemp("films")
    for number in range(FILMS):
        film = draw_phantom(150, 170, lesions=number % 3, seed=number)
        folder = root / f"2001-{number % 3}"
        folder.mkdir(exist_ok=True)
        film.image().save(folder / f"{number:02}.{'jpg' if number % 2 else 'png'}")
    grey = (film.pixels * 255).astype(np.uint8)
    (root / "2001-1" / "1.2.840.7").write_bytes(saved(dicom(grey)))
    (root / "2001-1" / "IM0002").write_bytes(saved(dicom(grey, PatientAge="015Y")))
    (root / "2001-2" / "broken.jpg").write_bytes((root / "2001-1/01.jpg").read_bytes()[:700])
    (root / "2001-2" / "report.txt").write_text("no film")
    (root / "2001-2" / ".hidden.png").write_bytes(b"")
    return root


def rows_of(out) -> list[dict]:
    return [
        row for part in sorted(out.glob("*.parquet")) for row in pq.read_table(part).to_pylist()
    ]


def check(rows: list[dict], archive: Path, model: Path) -> None:
    """Each film has one row, which says what the predictor says."""
    found = {row["path"]: row for row in rows}
    assert len(found) == len(rows) and sorted(found) == list_films([str(archive)])
    assert len(rows) == FILMS + 3
    predictor = Predictor.load(model, "cpu")
    for path, row in found.items():
        try:
            told = predictor.predict(path, heatmap=False)
        except RadiographError as error:
            assert row["error"] == error.code and row["probability"] is row["gate"] is None
        else:
            assert row["probability"] == pytest.approx(told.probability, abs=1e-4)
            assert row["gate"] == told.gate.code and row["error"] is None
            assert row["verdict"] == (told.verdict if told.in_scope else None)
    assert {row["error"] for row in rows} == {None, "damaged"}
    assert found[str(archive / "2001-1" / "IM0002")]["gate"] == "age"


def test_a_worker_reads_from_a_store_and_writes_there(archive, model):
    store = fsspec.filesystem("memory")
    store.put(str(archive), "/films", recursive=True)
    films = list_films(["memory://films"])
    assert len(films) == FILMS + 3 and films[0].startswith("memory://")
    scorer = Scorer(str(model), "hash", "cpu", "memory://answers", 1, 8)
    some = [film for film in films if not film.endswith(("3.jpg", "2.png"))]
    gone = "memory:///films/gone.png"
    for _ in range(2):  # as when a worker died after it wrote
        part = {"paths": [path.encode() for path in (*some, gone)]}
        assert scorer(part) == {"films": len(some) + 1}
    answers = Answers("memory://answers")
    assert sorted(answers.column("path").to_pylist()) == sorted([*some, gone])
    assert answers.counts("error") == {"damaged": 1, "missing": 1}
    assert answers.counts("card_sha256") == {"hash": len(some) + 1}
    assert sum(answers.counts("gate").values()) == len(some) - 1
    assert [name for name in store.ls("answers", detail=False) if "partial" in name] == []


def test_as_many_films_go_through_a_pass_as_were_asked_for(archive, model, tmp_path, monkeypatch):
    passes, explain = [], Explainer.explain

    def counted(self, inputs, *more):
        passes.append(len(inputs))
        return explain(self, inputs, *more)

    monkeypatch.setattr(Explainer, "explain", counted)
    films = [os.fsencode(film) for film in list_films([str(archive)]) if "broken" not in film]
    Scorer(str(model), "hash", "cpu", str(tmp_path), 1, len(films))({"paths": films})
    assert passes == [len(films)]


def test_a_film_whose_name_is_no_utf_8_is_scored(model, tmp_path):
    film = os.fsencode(tmp_path / "films") + b"/\xff.png"
    (tmp_path / "films").mkdir()
    draw_phantom(150, 170).image().save(file := tmp_path / "a.png")
    os.rename(file, film)
    assert list_films([str(tmp_path / "films")]) == [os.fsdecode(film)]
    Scorer(str(model), "hash", "cpu", out := str(tmp_path / "answers"), 1, 8)({"paths": [film]})
    (row,) = rows_of(Path(out))
    assert row["path"].endswith("/\\udcff.png") and row["error"] is None and row["gate"]


def test_answers_are_found_whatever_their_folder_is_called(tmp_path):
    answers = Answers(str(tmp_path / "a [1]*?"))
    assert len(answers.column("path")) == 0
    answers.write([{"path": "a.png"}])
    assert answers.column("path").to_pylist() == ["a.png"]


def test_a_device_there_is_not_is_named(archive, model, tmp_path):
    for device in ("gpu", "cuda:1"):
        with pytest.raises(ValueError, match=f"no device '{device}'"):
            score_archive([str(archive)], str(tmp_path), str(model), device=device)


def test_answers_have_no_place_in_a_file(archive, model, tmp_path):
    (file := tmp_path / "answers").write_text("a list of mine")
    words = ["score-archive", archive, "--out", file, "--model", model]
    ended = CliRunner().invoke(app, [*map(str, words)])
    assert (ended.exit_code, ended.stderr) == (
        1,
        f"pneumonia score-archive: {str(file)!r} is a file: give a folder as --out.\n",
    )


def test_a_model_that_cannot_be_used_is_told_before_ray_starts(archive, model, tmp_path):
    shutil.copytree(model, damaged := tmp_path / "cnn")
    (damaged / "model.safetensors").write_bytes(b"half")
    with pytest.raises(CheckpointError, match="damaged"):
        score_archive([str(archive)], str(tmp_path / "answers"), str(damaged), device="cpu")


@pytest.mark.slow
def test_a_worker_that_fails_is_one_sentence(archive, model, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "answers"
    words = ["score-archive", archive / "2001-0", "--out", out, "--model", model]
    command = [sys.executable, "-m", "pneumonia", *words, "--device", "cpu", "--workers", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    *others, last = ended.stderr.splitlines()
    assert last == (
        "pneumonia score-archive: A worker failed (NotADirectoryError: [Errno 20] "
        f"Not a directory: {str(out)!r}): the same command goes on where it ended."
    )
    assert not [line for line in others if "Traceback" in line or "ERROR" in line]


def scorers() -> list[int]:
    """The processes of Ray in which films are scored."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"Scorer" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_every_film_is_scored_once_whoever_dies(archive, model, tmp_path):
    out = tmp_path / "answers"
    words = ["score-archive", archive, "--out", out, "--model", model, "--device", "cpu"]
    words = [*map(str, [*words, "--workers", 1, "--part", 2])]
    command = [sys.executable, "-m", "pneumonia", *words]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as driver:

        def wait_for(parts: int) -> None:
            while len(list(out.glob("*.parquet"))) < parts:
                assert driver.poll() is None, driver.stderr and driver.stderr.read()
                time.sleep(0.02)

        wait_for(1)
        (worker,) = scorers()
        os.kill(worker, signal.SIGKILL)
        done = len(list(out.glob("*.parquet")))
        wait_for(done + 1)  # by another one
        assert worker not in scorers()
        driver.kill()
        driver.wait()
        while scorers():  # they end by themselves, after the part in hand
            time.sleep(0.02)
    done = len(rows_of(out))
    assert 4 <= done < FILMS + 3

    resumed = CliRunner().invoke(app, words)
    assert resumed.exit_code == 0, resumed.output
    check(rows_of(out), archive, model)
    assert f"{FILMS + 3} films in {out}; {FILMS + 3 - done} of them now" in resumed.stdout
    assert "not read, damaged:" in resumed.stdout and "out of scope, age:" in resumed.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert summary["films"] == FILMS + 3 and summary["errors"] == {"damaged": 1}
    assert not list(out.glob(".*"))
