"""OpenVINO answers as PyTorch does, or is not used."""

import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from factories import ROOT
from typer.testing import CliRunner

from pneumonia import engine
from pneumonia.cli import app
from pneumonia.engine import LUNGS, NETWORK, RECORD, EngineError, Parity
from pneumonia.evaluation.parity import verdict
from pneumonia.predictor import Predictor
from pneumonia.storage import typed_json
from pneumonia.storage.shipped import available_models, checkpoints_root

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not available_models(), reason="no checkpoint to export"),
]
with_the_quick_one = pytest.mark.parametrize("exported", ["cnn"], indirect=True)
FILMS = sorted((ROOT / "examples").glob("*.jp*g"))


@pytest.fixture(scope="module", params=available_models())
def exported(request, tmp_path_factory):
    """A copy of each shipped model with its graph beside it, as the command writes it."""
    folder = tmp_path_factory.mktemp("engine") / request.param
    shutil.copytree(checkpoints_root() / request.param, folder)
    done = CliRunner().invoke(app, ["export", str(folder), "--every", "6"])
    assert done.exit_code == 0, done.output
    assert "4 drawn films" in done.stdout and "verdicts equal" in done.stdout
    return folder


@pytest.fixture
def copied(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / exported.name)


def test_real_films_get_the_same_answers_from_many_threads(exported):
    assert len(FILMS) >= 4
    fast, plain = Predictor.load(exported, "cpu"), Predictor.load(exported, "cpu", "torch")
    assert (fast.engine, plain.engine) == ("openvino", "torch")
    expected = {film: plain.predict(film) for film in FILMS}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fast.predict, FILMS * 3))
    for film, one in zip(FILMS * 3, found, strict=True):
        other = expected[film]
        assert one.probability == pytest.approx(other.probability, abs=1e-3)
        assert verdict(one) == verdict(other)
        assert abs(one.attribution - other.attribution).max() < 0.01
    for one, film in zip(fast.predict_batch(FILMS), FILMS, strict=True):
        assert one.probability == pytest.approx(expected[film].probability, abs=1e-3)


@with_the_quick_one
def test_a_graph_that_was_not_equal_is_not_used(copied, monkeypatch):
    record = typed_json.load(Parity, copied / RECORD)
    assert record.passed and record.films == 4
    differences = ("probability", 0.002), ("attribution", 0.02), ("attribution", math.nan)
    for name, value in (*differences, ("verdicts_equal", False)):
        typed_json.save(copied / RECORD, replace(record, **{name: value}))
        assert Predictor.load(copied, "cpu").engine == "torch"
        with pytest.raises(EngineError, match="does not answer as PyTorch does"):
            Predictor.load(copied, "cpu", "openvino")

    answers = engine.Engine.__call__

    def no_numbers(self, inputs):
        return tuple(part * math.nan for part in answers(self, inputs))

    monkeypatch.setattr(engine.Engine, "__call__", no_numbers)
    done = CliRunner().invoke(app, ["export", str(copied), "--every", "24"])
    assert done.exit_code == 1 and "will not be used" in done.stderr
    assert math.isnan(typed_json.load(Parity, copied / RECORD).attribution)


@with_the_quick_one
def test_a_graph_of_other_weights_or_a_damaged_one_is_not_used(copied):
    record = typed_json.load(Parity, copied / RECORD)
    for name in (NETWORK, LUNGS):
        other = replace(record, weights_sha256={**record.weights_sha256, name: "0" * 64})
        typed_json.save(copied / RECORD, other)
        with pytest.raises(EngineError, match=r"of other weights\): export it anew"):
            Predictor.load(copied, "cpu", "openvino")

    typed_json.save(copied / RECORD, record)
    for name in (NETWORK, LUNGS):
        whole = (copied / name).read_text()
        (copied / name).write_text(whole + " ")
        with pytest.raises(EngineError, match="is not the measured one"):
            Predictor.load(copied, "cpu", "openvino")
        (copied / name).write_text(whole)
    assert Predictor.load(copied, "cpu", "openvino").engine == "openvino"

    (copied / RECORD).write_text('{"films": 0}')
    with pytest.raises(EngineError, match="cannot be used"):
        Predictor.load(copied, "cpu", "openvino")
    assert Predictor.load(copied, "cpu").engine == "torch"


@with_the_quick_one
def test_a_running_engine_does_not_mind_what_is_written_over_its_files(copied):
    predictor = Predictor.load(copied, "cpu", "openvino")
    weights, before = (copied / NETWORK).with_suffix(".bin"), predictor.predict(FILMS[0])
    with weights.open("r+b") as file:
        file.write(bytes(weights.stat().st_size))
    assert predictor.predict(FILMS[0]).probability == before.probability


@with_the_quick_one
def test_without_openvino_the_model_answers_by_pytorch(copied, monkeypatch):
    monkeypatch.setattr("pneumonia.engine.graph.find_spec", lambda name: None)
    predictor = Predictor.load(copied, "cpu")
    assert predictor.engine == "torch" and predictor.predict(FILMS[0])
    with pytest.raises(EngineError, match="needs the package openvino"):
        Predictor.load(copied, "cpu", "openvino")
    done = CliRunner().invoke(
        app, ["export", str(copied), "--every", "24", "--out", str(copied.parent / "no")]
    )
    assert done.exit_code == 1 and "needs the package openvino" in done.stderr


@with_the_quick_one
def test_a_graph_that_openvino_does_not_take_is_not_used(copied, monkeypatch):
    def refuse(graph):
        raise RuntimeError("Exception from src/core: no such operation\nin line 3")

    monkeypatch.setattr("pneumonia.engine.graph.Engine", refuse)
    assert Predictor.load(copied, "cpu").engine == "torch"
    with pytest.raises(EngineError, match=r"cannot be used \(Exception.*no such operation\): "):
        Predictor.load(copied, "cpu", "openvino")


def test_an_engine_there_is_not():
    with pytest.raises(ValueError, match="choose from auto, torch, openvino"):
        Predictor.load("cnn", "cpu", "tensorflow")  # pyright: ignore[reportArgumentType]
