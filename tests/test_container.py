"""The Dockerfile is sound, and the page runs where it puts it; no image is built here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from factories import ROOT

from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COPIES = re.findall(r"^COPY (.+) (\S+)$", DOCKERFILE, re.MULTILINE)
COMMAND = json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[-1])


def test_the_linter_is_content():
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stdout.decode()


def test_what_is_copied_is_there_and_sent_to_the_builder():
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source in (name for sources, _ in COPIES for name in sources.split()):
        assert (ROOT / source).exists() and f"!{source.removeprefix('./')}" in sent


def test_it_holds_the_documents_that_the_wheel_holds():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packed = re.findall(r'^    "(docs/.+)",$', project, re.MULTILINE)
    assert packed and packed == [source for source, _ in COPIES if source.startswith("docs/")]


def test_it_runs_what_the_readme_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"-r requirements.txt && .venv/bin/{' '.join(COMMAND)}\n" in readme
    assert "USER 65534" in DOCKERFILE and "HEALTHCHECK" in DOCKERFILE


def allowed() -> bool:
    """Whether this machine lets its tests make namespaces."""
    if os.getuid() or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"]).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not available_models() or not allowed(), reason="needs root and namespaces")
def test_the_page_runs_as_nobody_on_a_read_only_root_without_a_network():
    folder = Path(
        subprocess.check_output(["mktemp", "-d"], text=True).strip()
    )  # strangers may read
    try:
        for sources, target in COPIES:
            for name in sources.split():
                to = folder / target / (name if target.endswith("/") else "")
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
                to.parent.mkdir(parents=True, exist_ok=True)
                copy(ROOT / name, to)
        draw_phantom(200, 240).image().save(folder / "film.png")
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        setting = DOCKERFILE.partition("\nENV ")[2].partition("\n\n")[0]
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PNEUMONIA_"))}
        env |= dict(re.findall(r"(\w+)=(\S+)", setting))
        health = json.loads(DOCKERFILE.partition("    CMD ")[2].partition("\n")[0])[-1]
        inside = [ROOT / "tests/container_inside.py", folder, folder / "tmp", health, *COMMAND]
        done = subprocess.run(
            ["unshare", "--net", "--mount", sys.executable, *inside],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
        )
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [" ".join(available_models()), "ended with 0"]
