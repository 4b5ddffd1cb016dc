"""The commands as a user types them, on drawn films; in this process unless that is the point."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from factories import ROOT, TINY, random_checkpoints
from PIL import Image
from typer.testing import CliRunner

from pneumonia.checkpoint import load_checkpoint
from pneumonia.cli import COMMANDS, app, command_line, main, sentence
from pneumonia.evaluation import run as run_of_evaluation
from pneumonia.evaluation.corruptions import CORRUPTIONS
from pneumonia.evaluation.results import Evaluation
from pneumonia.models import MODELS
from pneumonia.synthetic.phantom import draw_phantom

NAMES = [command.__name__.replace("_", "-") for command in COMMANDS]


def run(*words, **env):
    words = [str(word) for word in words]
    return CliRunner().invoke(app, words, env=env, prog_name="pneumonia")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Of two small networks, with random weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "tiny", TINY)
        yield random_checkpoints(tmp_path_factory.mktemp("checkpoints"), ["cnn", "tiny"])


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


# --- the command line itself ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_how_it_is_used(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.count(f"pneumonia {name}") > 1  # the usage, and what one might type


def test_help_needs_nothing_heavy():
    code = (
        "import sys\nfrom pneumonia.cli import app\n"
        f"for name in {NAMES!r}:\n"
        "    app([name, '--help'], standalone_mode=False)\n"
        "print([m for m in ('torch', 'numpy', 'gradio', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("\n[]\n"), done.stderr
    assert done.stdout.count("Usage: ") == len(NAMES)


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("[!_]*.py")), ids=lambda p: p.stem)
def test_the_scripts_are_fronts_of_the_commands(path, tmp_path):
    command = [sys.executable, path, "--help"]  # from a folder where nothing can be imported
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    usage = done.stdout.split()[:3]
    assert usage[:2] == ["Usage:", "pneumonia"] and usage[2] in NAMES
    assert f"pneumonia {usage[2]}" in path.read_text(encoding="utf-8")


def test_what_was_typed_is_kept_as_it_can_be_typed_again(tmp_path):
    words = [
        "train",
        "--data",
        f"{tmp_path}/chest_xray",
        f"--out={tmp_path}/run 1",
        "--epochs",
        "2",
    ]
    assert command_line(words) == ("pneumonia train --data chest_xray '--out=run 1' --epochs 2")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), "a smaller --batch"),
        (MemoryError(), "a smaller --batch"),
        (ModuleNotFoundError("No module named 'gradio'", name="gradio"), "'pneumonia[web]'"),
        (ModuleNotFoundError("No module named 'sklearn'", name="sklearn"), "'pneumonia[train]'"),
        (PermissionError(13, "Permission denied", "out.csv"), "out.csv: Permission denied"),
        (RuntimeError("first line\nsecond line"), "first line"),
        (ValueError(), "ValueError"),
    ],
)
def test_an_error_is_one_sentence(error, words):
    assert words in sentence(error) and "\n" not in sentence(error)


def test_an_error_shows_where_it_comes_from_if_asked(tmp_path):
    assert run("runs", tmp_path).exception.code == 1
    result = run("--traceback", "runs", tmp_path)
    assert isinstance(result.exception, FileNotFoundError)


@pytest.mark.parametrize("name", ["evaluate", "train", "calibrate"])
def test_a_wrong_folder_is_explained(name, tmp_path):
    model = ["--model", "cnn"] if name == "calibrate" else []
    result = run(name, "--data", tmp_path, *model)
    assert result.exit_code == 1 and "train/NORMAL" in result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"pneumonia {name}: ")


def test_a_wrong_option_is_explained(dataset):
    for words, said in (
        (("train", "--data", dataset, "--model", "resnet"), "--model is one of"),
        (("train", "--data", dataset, "--crop", "2"), "--crop"),
        (("pretrain", "--data", dataset, "--model", "resnet"), "--model is one of"),
        (("audit",), "give --data, --metadata or both"),
        (("evaluate",), "--data"),
    ):
        result = run(*words)
        assert result.exit_code == 2 and said in result.stderr


# --- predict -------------------------------------------------------------------------------------


def test_predict_goes_on_past_bad_files(folder, checkpoints, tmp_path):
    out, heat = tmp_path / "out.csv", tmp_path / "heat"
    result = run(
        *("predict", folder, "--model", checkpoints / "cnn", "--csv", out, "--heatmaps", heat)
    )
    assert result.exit_code == 1, result.stderr
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
    assert "3 of 5 files read" in result.stderr


def test_heatmaps_of_films_of_one_name_lie_side_by_side(checkpoints, tmp_path):
    films = [tmp_path / folder / "film.png" for folder in "ab"]
    for seed, film in enumerate(films):
        film.parent.mkdir()
        draw_phantom(120, 140, seed=seed).image().save(film)
    heat, model = tmp_path / "heat", checkpoints / "cnn"
    result = run("predict", *films, tmp_path / "a", "--model", model, "--heatmaps", heat)
    assert result.exit_code == 0, result.stderr
    assert {path.relative_to(heat) for path in heat.rglob("*.png")} == {
        *(Path("a/film.png.cnn.png"), Path("b/film.png.cnn.png"))
    }


def test_predict_one_file_with_all_models_to_the_terminal(folder, checkpoints):
    result = run("predict", folder / "a.png", PNEUMONIA_CHECKPOINTS=str(checkpoints))
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["model"] for row in rows] == ["cnn", "tiny"]


def test_predict_cells_are_no_formulas(checkpoints, tmp_path, monkeypatch):
    draw_phantom(64, 64).image().save(tmp_path / "=1+1.png")
    monkeypatch.chdir(tmp_path)
    result = run("predict", "=1+1.png", "--model", checkpoints / "cnn")
    assert next(csv.DictReader(result.stdout.splitlines()))["file"] == "'=1+1.png"


def test_predict_says_what_is_missing(folder, checkpoints, tmp_path):
    nothing = run("predict", tmp_path, "--model", checkpoints / "cnn")
    assert nothing.exit_code == 2 and "no films found" in nothing.stderr
    unknown = run("predict", folder, "--model", "resnet")
    assert unknown.exit_code == 1 and "no checkpoint 'resnet'" in unknown.stderr
    none = run("predict", folder, PNEUMONIA_CHECKPOINTS=str(tmp_path))
    assert none.exit_code == 1 and "pneumonia train" in none.stderr


def test_a_pipe_that_cannot_hold_a_name_gets_the_rows_after_it_too(
    checkpoints, tmp_path, monkeypatch
):
    for name in ("胸.png", "z.png"):
        draw_phantom(64, 64).image().save(tmp_path / name)
    words = ("predict", tmp_path / "胸.png", tmp_path / "z.png", "--model", checkpoints / "cnn")
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", pipe)
    monkeypatch.setattr(sys, "argv", ["pneumonia", *map(str, words)])
    with pytest.raises(SystemExit, match="0"):
        main()
    pipe.seek(0)
    names = [Path(row["file"]).name for row in csv.DictReader(pipe)]
    assert names == ["\\u80f8.png", "z.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are Unicode")
def test_a_name_that_is_no_unicode_has_its_row_in_the_csv(folder, checkpoints, tmp_path):
    film = shutil.copy(folder / "a.png", os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    out = tmp_path / "out.csv"
    result = run("predict", film, "--model", checkpoints / "cnn", "--csv", out)
    assert result.exit_code == 0, result.stderr
    (row,) = csv.DictReader(out.read_text("utf-8").splitlines())
    assert Path(row["file"]).name == "\\udcff.png" and float(row["probability"]) >= 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_sentence(folder, checkpoints):
    result = run("predict", folder / "a.png", "--model", checkpoints / "cnn", "--csv", "/dev/full")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "pneumonia predict: No space left on device"


# --- evaluate ------------------------------------------------------------------------------------


SOME = {name: CORRUPTIONS[name] for name in ("clean", "JPEG 30", "window 1.5 white", "rotated 15°")}


@pytest.mark.slow
def test_evaluate_writes_a_whole_report(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TINY)
    assert run_of_evaluation.CORRUPTIONS is CORRUPTIONS  # which test_corruptions.py applies
    monkeypatch.setattr(run_of_evaluation, "CORRUPTIONS", SOME)
    checkpoints = random_checkpoints(tmp_path / "checkpoints", ["cnn", "tiny"])
    out, readme = tmp_path / "report", tmp_path / "README.md"
    ood_images = tmp_path / "bones"
    ood_images.mkdir()
    for seed in range(3):
        draw_phantom(64, 64, seed=seed).image().save(ood_images / f"{seed}.png")
    (ood_images / "broken.png").write_bytes((ood_images / "0.png").read_bytes()[:99])
    readme.write_text("before\n<!-- figures: x -->\nold\n<!-- /figures -->\nafter\n")
    result = run(
        *("evaluate", "--data", dataset, "--split", "val", "--out", out, "--readme", readme),
        *("--heat-films", 2, "--ood", ood_images, "--draws", 20),
        PNEUMONIA_CHECKPOINTS=str(checkpoints),
    )
    assert result.exit_code == 0, result.stderr
    table = result.stdout.strip()
    assert table.startswith("| | Tiny Net | Small CNN |")
    page = readme.read_text()
    told = [line for line in page.splitlines() if line.startswith("|")]
    assert len(told) > 12 and set(told) < set(table.splitlines())
    assert "these films chose each model's recipe" in page
    assert "\nold\n" not in page
    assert page.startswith("before\n<!-- figures: x -->\n") and page.endswith("-->\nafter\n")
    report = json.loads((out / "evaluation.json").read_text())
    assert report["command"].startswith("pneumonia evaluate --data")
    assert report["split"] == "val" and set(report["models"]) == {"cnn", "tiny"}
    text = (out / "evaluation.md").read_text()
    assert table in text and "](evaluation.png)" in text
    assert (out / "evaluation.png").read_bytes().startswith(b"\x89PNG")
    for model in report["models"].values():
        assert list(model["corruptions"]) == list(SOME)
        assert model["corruptions"]["clean"]["label_flip_rate"] == 0
        assert f"{model['figures']['auroc']:.3f} (" in table
        assert model["ood"]["bones"]["pictures"] == 3 and model["covered_spread"] > 0
        assert {"blank", "noise", "text", "bones"} <= set(model["ood"])
    assert "| bones (3) |" in text
    assert result.stderr.count('skipped: "broken.png"') == 1
    assert "Small CNN: 100%" in result.stderr  # a log, too, says how far it is
    checks = {"cascading_randomization", "road", "pointing_game", "exchange", "energy_outside_body"}
    assert set(report["saliency"]["models"]["cnn"]) == checks
    assert "The heatmaps put to the test" in text
    (comparison,) = report["comparisons"]
    assert {comparison["first"], comparison["second"]} == {"cnn", "tiny"}


def test_figures_are_kept_if_the_heatmap_checks_fail(dataset, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr("pneumonia.evaluation.saliency.road", fail)
    monkeypatch.setitem(MODELS, "tiny", TINY)
    folder, out = random_checkpoints(tmp_path, ["tiny"]) / "tiny", tmp_path / "report"
    monkeypatch.setattr("pneumonia.evaluation.run.CORRUPTIONS", {"clean": None})
    result = run("evaluate", "--data", dataset, "--model", folder, "--out", out, "--draws", 2)
    assert result.exit_code == 1 and "CUDA error" in result.stderr
    evaluation = Evaluation.load(out / "evaluation.json")
    assert evaluation.models["tiny"].figures.films == 12 and evaluation.saliency is None
    assert {path.suffix for path in out.iterdir()} == {".csv", ".json", ".md", ".png"}


@pytest.mark.slow
def test_nothing_heavy_is_imported_before_it_is_needed(dataset, checkpoints, tmp_path):
    """The heatmap checks alone need grad-cam, and a quick look at the test split has none."""
    heavy = ["gradio", "matplotlib.pyplot", "pandas", "pytorch_grad_cam", "scipy", "sklearn"]
    heavy += ["torchvision"]
    missing = "raise ModuleNotFoundError(name='pytorch_grad_cam')"
    (tmp_path / "pytorch_grad_cam.py").write_text(missing)
    words = ["evaluate", "--data", dataset, "--model", checkpoints / "cnn", "--draws", 2]
    words += ["--split", "test", "--out", out := tmp_path / "report"]
    code = (
        "import sys, pneumonia.predictor\nfrom pathlib import Path\n"
        f"print([module for module in {heavy} if module in sys.modules])\n"
        "from pneumonia.cli import main\n"
        "def ended(*words):\n"
        "    sys.argv[1:] = [*given, *words]\n"
        "    try:\n        main()\n"
        "    except SystemExit as end:\n        return end.code or 0\n"
        "given = sys.argv[1:]\n"
        "print(ended(), Path(given[-1]).exists(), ended('--quick'))\n"
        "import pneumonia.evaluation.lungs\n"
    )
    command = [sys.executable, "-c", code, *map(str, words)]
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    both = subprocess.run(command, env=env, capture_output=True, text=True)
    first, *_, last = both.stdout.splitlines()
    assert (both.returncode, first, last) == (0, "[]", "1 False 0"), both.stderr
    assert "pneumonia[evaluate]" in both.stderr
    (model,) = json.loads((out / "evaluation.json").read_text())["models"].values()
    assert (model["figures"]["normal"], model["figures"]["pneumonia"]) == (6, 6)
    assert list(model["corruptions"]) == ["clean"] and "held_out_coverage" not in model


def test_evaluate_says_at_once_what_it_could_not_do(dataset, checkpoints, tmp_path):
    (tmp_path / "hands").mkdir()
    draw_phantom(64, 64).image().save(tmp_path / "hands" / "a.png")
    (page := tmp_path / "README.md").write_text("no markers")
    data = ("evaluate", "--data", dataset, "--out", tmp_path / "report")
    for words, reason in (
        (("--readme", page), "no <!-- figures --> markers"),
        (("--ood", tmp_path / "hands"), "'hands' already"),
    ):
        result = run(*data, *words, PNEUMONIA_CHECKPOINTS=str(checkpoints))
        assert result.exit_code == 1 and reason in result.stderr
    (tmp_path / "none").mkdir()
    result = run(*data, PNEUMONIA_CHECKPOINTS=str(tmp_path / "none"))
    assert result.exit_code == 1 and "no checkpoints" in result.stderr


# --- train and calibrate -------------------------------------------------------------------------


@pytest.mark.slow
def test_an_interrupted_training_resumes_to_the_same_weights(few_films, tmp_path):
    options = {"model": "cnn", "epochs": 2, "size": 48, "batch": 8, "device": "cpu"}
    options |= {"data": few_films, "cache": tmp_path / "cache", "opacities": 0.5}
    words = ["train", *(w for name, value in options.items() for w in (f"--{name}", str(value)))]

    whole = run(*words, "--out", tmp_path / "whole")
    assert whole.exit_code == 0, whole.stderr
    assert "1 unreadable" in whole.stdout and "IM-0999-0001.jpeg" in whole.stderr

    for module in ("gradio", "pytorch_grad_cam"):  # which a training machine need not have
        (tmp_path / f"{module}.py").write_text("raise ImportError('not here')")
    state = tmp_path / "stopped" / "cnn" / "resume.pt"

    process = subprocess.Popen(
        [sys.executable, "-m", "pneumonia", *words, "--out", tmp_path / "stopped"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job, as tests may be, passes on that Ctrl-C is to be ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not state.exists():
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.endswith("--resume goes on after the last whole epoch.\n")
    assert "Traceback" not in said
    assert not (tmp_path / "stopped" / "cnn" / "card.json").exists()
    other = run(*words, "--out", tmp_path / "stopped", "--resume", "--batch", "9")
    assert other.exit_code == 1 and "other settings" in other.stderr
    resumed = run(*words, "--out", tmp_path / "stopped", "--resume")
    assert resumed.exit_code == 0, resumed.stderr

    files = [tmp_path / run / "cnn" for run in ("whole", "stopped")]
    before = files[1].joinpath("model.safetensors").stat().st_mtime_ns
    again = run(*words, "--out", tmp_path / "stopped", "--resume")
    assert again.exit_code == 0 and "holds this run, finished" in again.stdout
    assert files[1].joinpath("model.safetensors").stat().st_mtime_ns == before
    cards = [load_checkpoint(folder)[1] for folder in files]
    assert cards[0].weights.sha256 == cards[1].weights.sha256
    card = cards[0]
    assert card.training.command.startswith("pneumonia train --model cnn --epochs 2")
    assert str(tmp_path) not in card.training.command
    assert card.training.recipe["size"] == card.preprocessing.size == 48
    assert 0 < card.operating_point.threshold < 1
    assert {p.name for p in files[1].iterdir()} == {
        *("card.json", "curves.csv", "curves.png", "gate.safetensors", "model.safetensors")
    }

    words_of_it = ("calibrate", "--data", few_films, "--model", files[1], "--size", 64)
    again = run(*words_of_it, "--refit", "--forget-outline")
    assert again.exit_code == 0, again.stderr
    _, card, _ = load_checkpoint(files[1])
    by = card.training.outline_forgotten_by
    assert card.training == replace(cards[1].training, refitted_by=by, outline_forgotten_by=by)
    assert card.preprocessing.size == 64 and "--refit --forget-outline (commit " in by
    assert by.startswith(card.calibrated_by) and "pneumonia calibrate --data" in by

    other = [*words, "--epochs", 1, "--out", tmp_path / "stopped", "--resume", "--teacher"]
    refused = run(*other, files[1])
    assert refused.exit_code == 1 and "cannot teach: its input has 64 px" in refused.stderr
    taught = run(*other, files[0], "--init", files[0])
    assert taught.exit_code == 0, taught.stderr
    training = load_checkpoint(files[1])[1].training
    assert training.epochs_run == 1 and training.initialisation == "none"
    assert training.pretraining is not None
    assert training.pretraining["then"].startswith(
        f"trained to weights {cards[0].weights.sha256[:12]}"
    )
    assert training.recipe["taught"] == 0.5
    assert training.recipe["teachers"] == [f"Small CNN {cards[0].weights.sha256}"]


# --- download ------------------------------------------------------------------------------------


def test_download_checks_the_counts(dataset, tmp_path):
    result = run("download", "--check", dataset)
    assert result.exit_code == 1 and "not whole (train, val, test)" in result.stderr
    assert "train: 57 films (expected 5216)" in result.stdout
    for split, count in (("train", 5216), ("val", 16), ("test", 624)):
        for label, share in (("NORMAL", count // 2), ("PNEUMONIA", count - count // 2)):
            (tmp_path / split / label).mkdir(parents=True)
            for i in range(share):
                (tmp_path / split / label / f"{i}.jpeg").touch()
    whole = run("download", "--check", tmp_path)
    assert whole.exit_code == 0 and "is whole" in whole.stdout
