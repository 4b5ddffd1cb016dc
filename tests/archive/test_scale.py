"""The plan for an archive follows from what was measured."""

import json

from factories import ROOT

from tools.scale import draw, plan

MEASURED = ROOT / "docs" / "archive-plan"


def test_hours_and_throughput_are_those_of_the_seconds_without_the_start(tmp_path):
    growth = {1000: 30.0, 3000: 50.0, 10_000: 120.0}  # 20 s, then 100 films a second
    compared = {
        "cnn": {"predict": {1000: 14.0, 3000: 32.0}, "score-archive": {1000: 30.0, 3000: 50.0}}
    }
    report = {"command": "it", "machine": "here", "cores": 4, "growth": growth}
    page = plan({**report, "compared": compared}, core_hour=0.5)
    assert "20 s of start, then 100.0 films a second" in page
    assert "| cnn | 111.1 | 100.0 | 0.90 |" in page
    core_hours = 10_000_000 / 100 / 3600 * 4
    assert f"| 16 | {core_hours / 16:.1f} |" in page and f"cnn {core_hours / 2:.0f}." in page
    draw(growth, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 1000


def test_the_page_is_what_the_measurement_says():
    report = json.loads((MEASURED / "growth.json").read_text())
    assert (MEASURED / "README.md").read_text() == plan(report, 0.04)
