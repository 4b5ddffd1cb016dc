"""What the films of a table are called, and how many a model sees at once."""

import io
import os

import pytest

from pneumonia.export.folder import find_files, predict_files
from pneumonia.predictor import Predictor
from pneumonia.synthetic.phantom import draw_phantom


@pytest.mark.skipif(os.name == "nt", reason="a colon is no name there")
def test_films_of_one_name_on_two_drives_keep_names_of_their_own(tmp_path, monkeypatch):
    paths = [tmp_path / drive / "film.png" for drive in ("C:", "D:")]

    def none(_):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", none)
    names = [file.name for file in find_files(paths)]
    assert [name.parts[-2:] for name in names] == [("C", "film.png"), ("D", "film.png")]
    assert not any(name.is_absolute() for name in names)


def test_a_forward_pass_has_as_many_films_as_were_asked_for(tmp_path, monkeypatch):
    draw_phantom(240, 272).image().save(tmp_path / "0.png")
    for number in range(1, 20):
        os.link(tmp_path / "0.png", tmp_path / f"{number}.png")
    predictor, passes = Predictor.load("cnn", "cpu", "torch"), []
    explain = predictor.explainer.explain
    monkeypatch.setattr(
        *(predictor.explainer, "explain"),
        lambda inputs, *more: passes.append(len(inputs)) or explain(inputs, *more),
    )
    assert predict_files(find_files([tmp_path]), [predictor], io.StringIO(), batch=19) == 0
    assert passes == [19, 1]
