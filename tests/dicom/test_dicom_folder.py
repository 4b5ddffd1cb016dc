"""Folder in, folder out, as routers call it."""

import json
from pathlib import Path

import pydicom
import pytest
from typer.testing import CliRunner

from pneumonia.cli import app

SECRET = "SECRET"


def run(*words, **env):
    words = [str(word) for word in words]
    return CliRunner().invoke(app, words, env=env, prog_name="pneumonia")


def summary(out) -> dict:
    return json.loads((out / "result.json").read_text())


@pytest.fixture
def incoming(film, tmp_path):
    """Two films, one that is torn, a report without pixels, and what a router puts beside them."""
    folder = tmp_path / "in"
    (folder / "series").mkdir(parents=True)
    path = film("1.2.3#1.2.3.6")
    data = path.read_bytes()
    (folder / "torn.dcm").write_bytes(data[: len(data) // 2])
    path.rename(folder / "series" / path.name)
    film("old", PatientAge="081Y", SOPInstanceUID="1.2.9").rename(folder / "old")
    (folder / "task.json").write_text("{}")
    (folder / "DICOMDIR").write_bytes(data)
    (folder / ".hidden.dcm").write_bytes(data)
    return folder


def test_each_film_is_answered_and_a_bad_one_costs_itself(incoming, model, tmp_path):
    out = tmp_path / "out"
    folders = {"MERCURE_IN_DIR": str(incoming), "MERCURE_OUT_DIR": str(out)}
    ended = run("dicom-folder", "--model", model, **folders)
    assert ended.exit_code == 0, ended.output
    told = summary(out)
    assert (told["answered"], told["refused"], told["other_files"]) == (2, 1, 1)
    films = {film["file"]: film for film in told["films"]}
    assert films["torn.dcm"]["error"] == "damaged"
    known = films["series/1.2.3#1.2.3.6"]["models"]["cnn"]
    old = films["old"]["models"]["cnn"]
    assert set(known["objects"]) == {"activation", "capture", "report"}
    assert set(old["objects"]) == {"capture", "report"} and old["verdict"] is None
    files = {about["file"] for model in (known, old) for about in model["objects"].values()}
    assert {path.name for path in out.iterdir()} == files | {"result.json"}
    assert {pydicom.dcmread(out / name).SOPInstanceUID for name in files} == {
        name.removesuffix(".dcm") for name in files
    }
    assert SECRET not in (out / "result.json").read_text() + ended.output


def test_results_are_not_taken_for_films(film, model, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    film().rename(folder / "film.dcm")
    (folder / "empty").touch()
    for others in (0, 4):  # of the second run report, picture, map and result.json
        assert run("dicom-folder", folder, folder, "--model", model).exit_code == 0
        told = summary(folder)
        assert (told["answered"], told["refused"], told["other_files"]) == (1, 1, others)
        assert [film["file"] for film in told["films"]] == ["empty", "film.dcm"]


def test_results_below_or_above_the_films_are_no_films(film, model, tmp_path, monkeypatch):
    (folder := tmp_path / "films").mkdir()
    film().rename(folder / "film.dcm")
    monkeypatch.chdir(tmp_path)
    for out in ("films/out", "films/out", "."):
        assert run("dicom-folder", folder, out, "--model", model).exit_code == 0
        assert [film["file"] for film in summary(Path(out))["films"]] == ["film.dcm"]


def test_without_an_answer_the_status_says_so(model, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    assert run("dicom-folder", folder, out, "--model", model).exit_code == 1  # no such folder
    folder.mkdir()
    (folder / "notes.txt").write_text("no film")
    assert run("dicom-folder", folder, out, "--model", model).exit_code == 2
    (folder / "empty.dcm").write_bytes(b"\0" * 128 + b"DICM")
    assert run("dicom-folder", folder, out, "--model", model).exit_code == 1
    assert summary(out)["refused"] == 1
