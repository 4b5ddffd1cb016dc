import json
import shutil

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from pneumonia.cli import app
from pneumonia.evaluation import lungs as measured
from pneumonia.evaluation.corruptions import CORRUPTIONS
from pneumonia.evaluation.lungs import shares
from pneumonia.lungs import LUNGS, LungFinder
from pneumonia.preprocess import to_canonical
from pneumonia.storage.shipped import checkpoints_root

SHIPPED = checkpoints_root() / LUNGS
pytestmark = pytest.mark.skipif(not SHIPPED.is_dir(), reason="no lung finder to measure")


def test_shares_add_up(films):
    images = torch.stack([to_canonical(film) for film in films])
    images[0], images[1] = 255 - images[0], 90
    counted = shares(LungFinder.load(SHIPPED)(images))
    assert counted.pop("refused") == pytest.approx(sum(counted.values()))
    assert counted["inverted"] == counted["no_lungs"] == 1 / len(films)


@pytest.mark.slow
def test_the_command_measures_a_finder(dataset, outlines, tmp_path, monkeypatch):
    assert measured.CORRUPTIONS is CORRUPTIONS  # which test_corruptions.py applies
    some = {name: CORRUPTIONS[name] for name in ("clean", "JPEG 30", "tight .7", "rotated 15°")}
    monkeypatch.setattr(measured, "CORRUPTIONS", some)
    finder, out, bones = tmp_path / "finder", tmp_path / "report", tmp_path / "bones"
    shutil.copytree(SHIPPED, finder)
    bones.mkdir()
    Image.linear_gradient("L").save(bones / "one.png")
    (bones / "torn.png").write_bytes(b"no picture")
    before = LungFinder.load(finder).card
    words = ["evaluate-lungs", "--data", dataset, "--outlines", outlines, "--not-chest", bones]
    words += ["--finder", finder, "--out", out, "--cache", tmp_path / "cache", "--device", "cpu"]
    seen = CliRunner().invoke(app, [*map(str, words), "--natural", str(bones)])
    assert seen.exit_code == 1 and "needs three .npz shards or more" in seen.stderr
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == 0, done.stderr
    assert 'skipped: "torn.png" is not a picture' in done.stderr

    card = json.loads((finder / "lungs.json").read_text())
    figures = card["figures"]
    assert card["sha256"] == before.sha256 and figures["command"].startswith("pneumonia evaluate-l")
    assert list(figures["changes"]) == list(some)
    clean = figures["changes"]["clean"]
    assert clean["dice"] > 0.6 and clean["p05"] <= clean["dice"]  # people draw the heart in
    assert figures["changes"]["tight .7"]["at_edge"] > clean["at_edge"] == 0
    assert figures["orientation"]["inverted"]["inverted"] > 0.9
    assert figures["orientation"]["turned by 180°"]["turned"] > 0.9
    assert figures["lungless"]["bones"] == figures["lungless"]["bones"] | {
        **{"pictures": 1, "refused": 1.0}
    }
    assert set(figures["outline_auroc"]) == {"box", "shape", "both"}

    page = (out / "report.md").read_text()
    assert f"`{figures['command']}`" in page and str(tmp_path) not in page
    assert done.stdout.strip().splitlines()[-1] in page  # the table that the command prints
    assert f"| clean | {clean['dice']:.3f} | {clean['p05']:.3f} |" in page
    assert (out / "outlines.png").read_bytes().startswith(b"\x89PNG")
