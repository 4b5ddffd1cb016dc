"""The scripts as a user runs them: in processes of their own, on drawn films."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from factories import ROOT, card_of, open_gate, seeded_network
from PIL import Image

from pneumonia.checkpoint import load_checkpoint, save_checkpoint
from pneumonia.data.dataset import find_records, split_records
from pneumonia.synthetic.phantom import draw_phantom


def script(name, *args, **env):
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkpoints")
    for name in ("cnn", "densenet169"):
        save_checkpoint(root / name, seeded_network(name), card_of(name), open_gate(name))
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three films in two folders, and three files that are none."""
    root = tmp_path_factory.mktemp("films")
    (root / "deeper").mkdir()
    for path in ("a.png", "deeper/b.jpeg", "=cmd.png"):
        draw_phantom(120, 140, seed=len(path)).image().save(root / path)
    (root / "broken.jpg").write_bytes((root / "deeper/b.jpeg").read_bytes()[:500])
    (root / "empty.png").write_bytes(b"")
    (root / "notes.txt").write_text("no film")
    return root


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "scripts").glob("*.py")))
def test_help(name):
    result = script(name, "--help")
    assert result.returncode == 0 and f"scripts/{name}.py" in result.stdout


def test_predict_goes_on_past_bad_files(folder, checkpoints, tmp_path):
    out, heat = tmp_path / "out.csv", tmp_path / "heat"
    result = script(
        *("predict", folder, "--model", checkpoints / "cnn", "--csv", out, "--heatmaps", heat)
    )
    assert result.returncode == 1, result.stderr
    with out.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = {Path(row["file"]).name: row for row in reader}
    assert reader.fieldnames[:6] == ["file", "model", "label", "probability", "gate", "error"]
    assert {"verdict", "set", "sensitivity", "specificity"} < set(reader.fieldnames)
    assert set(rows) == {"a.png", "b.jpeg", "=cmd.png", "broken.jpg", "empty.png"}
    for name in ("a.png", "b.jpeg", "=cmd.png"):
        row = rows[name]
        assert row["label"] in ("NORMAL", "PNEUMONIA") and 0 <= float(row["probability"]) <= 1
        assert (row["model"], row["gate"], row["error"]) == ("cnn", "ok", "")
    for name in ("broken.jpg", "empty.png"):
        assert name in rows[name]["error"] and rows[name]["label"] == ""
    assert Image.open(heat / "deeper" / "b.jpeg.cnn.png").size == (140, 120)
    assert len(list(heat.rglob("*.png"))) == 3


def test_predict_one_file_with_all_models_to_the_terminal(folder, checkpoints):
    result = script("predict", folder / "a.png", PNEUMONIA_CHECKPOINTS=str(checkpoints))
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["model"] for row in rows] == ["cnn", "densenet169"]


def test_predict_cells_are_no_formulas(checkpoints, tmp_path):
    draw_phantom(64, 64).image().save(tmp_path / "=1+1.png")
    command = [sys.executable, str(ROOT / "scripts" / "predict.py"), "=1+1.png"]
    command += ["--model", str(checkpoints / "cnn")]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert next(csv.DictReader(result.stdout.splitlines()))["file"] == "'=1+1.png"


def test_predict_says_what_is_missing(folder, checkpoints, tmp_path):
    nothing = script("predict", tmp_path, "--model", checkpoints / "cnn")
    assert nothing.returncode == 2 and "no films found" in nothing.stderr
    unknown = script("predict", folder, "--model", "resnet")
    assert unknown.returncode == 1 and "no checkpoint 'resnet'" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_evaluate_writes_a_whole_report(dataset, checkpoints, tmp_path):
    out, readme = tmp_path / "report", tmp_path / "README.md"
    ood_images = tmp_path / "bones"
    ood_images.mkdir()
    for seed in range(3):
        draw_phantom(64, 64, seed=seed).image().save(ood_images / f"{seed}.png")
    readme.write_text("before\n<!-- figures: x -->\nold\n<!-- /figures -->\nafter\n")
    result = script(
        *("evaluate", "--data", dataset, "--split", "val", "--out", out, "--readme", readme),
        *("--heat-films", 2, "--ood", ood_images),
        PNEUMONIA_CHECKPOINTS=str(checkpoints),
    )
    assert result.returncode == 0, result.stderr
    table = result.stdout.strip()
    assert table.startswith("| | DenseNet-169 | Small CNN |")
    page = readme.read_text()
    assert table in page and "old" not in page
    assert page.startswith("before\n<!-- figures: x -->\n") and page.endswith("-->\nafter\n")
    report = json.loads((out / "evaluation.json").read_text())
    assert report["split"] == "val" and set(report["models"]) == {"cnn", "densenet169"}
    text = (out / "evaluation.md").read_text()
    assert table in text and "](evaluation.png)" in text
    assert (out / "evaluation.png").read_bytes().startswith(b"\x89PNG")
    for model in report["models"].values():
        assert len(model["perturbations"]) == 17 and model["perturbations"]["clean"]["flips"] == 0
        assert f"{model['figures']['auroc']:.3f} (" in table
        assert model["ood"]["bones"]["pictures"] == 3
        assert {"blank", "noise", "text", "bones"} <= set(model["ood"])
    assert "| bones (3) |" in text
    assert {"randomisation", "road", "pointing", "elsewhere"} == set(
        report["heat"]["models"]["cnn"]
    )
    assert set(report["comparison"]) >= {"auroc", "accuracy", "brier"}


def test_evaluate_quickly_on_the_test_split(dataset, checkpoints, tmp_path):
    out = tmp_path / "report"
    result = script(
        *("evaluate", "--data", dataset, "--split", "test", "--model", checkpoints / "cnn"),
        *("--out", out, "--quick"),
    )
    assert result.returncode == 0, result.stderr
    (model,) = json.loads((out / "evaluation.json").read_text())["models"].values()
    assert (model["figures"]["normal"], model["figures"]["pneumonia"]) == (6, 6)
    assert list(model["perturbations"]) == ["clean"] and "held" not in model


def test_evaluate_and_train_explain_a_wrong_folder(tmp_path):
    for name in ("evaluate", "train"):
        result = script(name, "--data", tmp_path)
        assert result.returncode == 1 and "train/NORMAL" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_killed_training_resumes_to_the_same_weights(dataset, tmp_path):
    def command(out, *more):
        args = [
            "--model",
            "cnn",
            "--epochs",
            "3",
            "--size",
            "48",
            "--batch",
            "8",
            "--device",
            "cpu",
        ]
        args += ["--data", str(dataset), "--out", str(out), "--cache", str(tmp_path / "cache")]
        return [sys.executable, str(ROOT / "scripts" / "train.py"), *args, *more]

    whole = subprocess.run(command(tmp_path / "whole"), capture_output=True, text=True)
    assert whole.returncode == 0, whole.stderr
    assert "1 unreadable" in whole.stdout and "IM-0999-0001.jpeg" in whole.stderr

    killed = subprocess.Popen(
        command(tmp_path / "killed"), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while not (tmp_path / "killed" / "cnn" / "resume.pt").exists():
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "cnn" / "card.json").exists()
    resumed = subprocess.run(
        command(tmp_path / "killed", "--resume"), capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr

    files = [tmp_path / run / "cnn" for run in ("whole", "killed")]
    digests = [load_checkpoint(folder)[1].weights.sha256 for folder in files]
    assert digests[0] == digests[1]
    card = load_checkpoint(files[1])[1]
    assert card.training.recipe["size"] == card.preprocessing.size == 48
    assert 0 < card.operating_point.threshold < 1
    assert {p.name for p in files[1].iterdir()} == {
        *("card.json", "curves.csv", "curves.png", "gate.safetensors", "model.safetensors")
    }


def test_download_data_checks_the_counts(dataset, tmp_path):
    result = script("download_data", "--check", dataset)
    assert result.returncode == 1 and "not whole (train, val, test)" in result.stderr
    assert "train: 57 films (expected 5216)" in result.stdout
    for split, count in (("train", 5216), ("val", 16), ("test", 624)):
        for label, share in (("NORMAL", count // 2), ("PNEUMONIA", count - count // 2)):
            (tmp_path / split / label).mkdir(parents=True)
            for i in range(share):
                (tmp_path / split / label / f"{i}.jpeg").touch()
    whole = script("download_data", "--check", tmp_path)
    assert whole.returncode == 0 and "is whole" in whole.stdout


def test_download_data_copies_examples_of_validation_patients(dataset, tmp_path):
    folder = tmp_path / "examples"
    result = script("download_data", "--check", dataset, "--examples", folder)
    assert "no film of the kind 'Bacterial pneumonia'" in result.stderr  # the drawn set has none
    names = sorted(path.name for path in folder.iterdir())
    credit = "(Kermany et al., CC BY 4.0)"
    assert names == [f"Normal {credit}.jpeg", f"Viral pneumonia {credit}.jpeg"]
    held = {film.path.read_bytes() for film in split_records(find_records(dataset), "val")}
    assert all(path.read_bytes() in held for path in folder.iterdir())
