"""The wheel as a user installs it: in an environment of its own, far from the checkout."""

import csv
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from factories import ROOT

from pneumonia.synthetic.phantom import draw_phantom

pytestmark = pytest.mark.slow

USE = """
import pneumonia
from pneumonia import Predictor
from pneumonia.web import examples, results, written

print(pneumonia.__file__)
print(Predictor.load("cnn").predict("film.png").label)
print(len(results.audit()) > 1000, "curl" in written.api(), len(examples.load_examples()))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """Has the wheel, and borrows everything else from the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", ROOT, "--wheel-dir", folder, "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = folder.glob("pneumonia-*.whl")
    assert wheel.stat().st_size < 35e6
    venv.create(folder / "env", symlinks=True)
    python = folder / "env" / "bin" / "python"
    install = ["--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run([*pip, *install], check=True)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "env"


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Path:
    """A folder with a film, and with one that must not be taken for a model."""
    folder = tmp_path_factory.mktemp("outside")
    draw_phantom(200, 240, lesions=2, seed=1).image().save(folder / "film.png")
    (folder / "cnn").mkdir()
    return folder


def run(*command, cwd: Path) -> str:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PNEUMONIA_"))}
    done = subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_predicts(environment, outside):
    rows = csv.DictReader(
        run(environment / "bin" / "pneumonia", "predict", "film.png", cwd=outside).splitlines()
    )
    assert {row["model"]: row["error"] for row in rows} == {"cnn": "", "densenet169": ""}


def test_the_package_is_whole(environment, outside):
    file, label, shown = run(environment / "bin" / "python", "-c", USE, cwd=outside).splitlines()
    assert Path(file).is_relative_to(environment) and label in ("NORMAL", "PNEUMONIA")
    assert shown == "True True 6"  # what was measured, the API, five films and a drawing
