"""The page as a Hugging Face Space runs it, and what the Space is told about it."""

import json
import os
import re
import subprocess
import sys

import pytest
from factories import ROOT

from tools.install import renew

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif("SMOKE_PASSED" in os.environ, reason="passed without the test packages")
def test_the_tracked_files_alone_make_a_page_that_answers():
    command = [sys.executable, "-m", "tools.smoke"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The page starts and answers." in result.stdout


def test_front_matter_matches_the_project():
    _, front, _ = README.split("---\n", 2)
    fields = dict(re.findall(r"^(\w+): (.+)$", front, re.MULTILINE))
    assert fields["sdk"] == "gradio"
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"gradio[mcp]=={fields['sdk_version']}\n" in requirements
    assert (ROOT / fields["app_file"]).is_file()
    assert len(fields["short_description"]) <= 60  # the hub refuses longer ones
    assert {"title", "python_version", "tags", "suggested_hardware"} <= set(
        re.findall(r"^(\w+):", front, re.MULTILINE)
    )


def test_readme_shows_pictures_that_exist_and_both_commands():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    pictures += re.findall(r'<img [^>]*src="([^"]+)"', README)
    assert pictures and all((ROOT / picture).is_file() for picture in pictures)
    assert re.search(r"^python3 -m venv .* app\.py$", README, re.MULTILINE)
    assert re.search(r"^python3 -m venv .* -m pytest -n 2 --dist loadfile$", README, re.MULTILINE)


def test_the_lock_holds_what_the_requirements_pin_with_hashes():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)(?:\[\w+\])?==(\S+)", line):
            assert locked[match[1]] == match[2]
    for entry in re.split(r"\n(?=\S)", lock.partition("\nannotated")[2].strip())[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in lock


def test_the_smallest_set_differs_from_the_requirements_in_pytorch_alone():
    pins = {
        name: set(re.findall(r"^[^#\s].*", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-cpu.txt")
    }
    (build,) = pins["requirements-cpu.txt"] - pins["requirements.txt"]
    assert re.fullmatch(r"torch==[\d.]+\+cpu", build)


def test_the_readme_has_the_measured_sizes(tmp_path):
    measured = json.loads((ROOT / "docs" / "benchmark" / "install.json").read_text())
    small = measured["installations"]["requirements-cpu.txt"]
    (page := tmp_path / "README.md").write_text(README.replace(" GB in ", " TB in "))
    renew(page, measured["installations"])
    assert page.read_text() == README and f"{small['gigabytes']:.1f} GB in" in README


def test_every_promise_names_tests_that_exist():
    words = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`(test_\w+\.py)`", words))
    assert len(names) > 5 and names <= {path.name for path in (ROOT / "tests").rglob("test_*.py")}
