"""``evaluation.json`` is read as it was written, or refused in one sentence."""

import json
import math
from dataclasses import replace

import pytest
from factories import card_of, evaluation_of, figures, model_result

from pneumonia.evaluation.results import (
    Comparison,
    Coverage,
    Difference,
    Evaluation,
    HeatmapChecks,
    Saliency,
)
from pneumonia.evaluation.wording import DRAWN
from pneumonia.storage.typed_json import FormatError
from pneumonia.synthetic.distractors import draw_distractors


@pytest.fixture
def evaluation() -> Evaluation:
    model = model_result(card_of("cnn"), held_out_coverage=Coverage(0.9, 0.8, 0.1))
    ahead = Difference(0.1, -0.2, 0.3)
    checks = HeatmapChecks(
        *({"classifier": 0.1}, {"heat": 1.5}, {"rise": 0.75}, {"rise": 0.9}, {"marker": 0.25})
    )
    return evaluation_of(
        {"cnn": model, "densenet169": replace(model, held_out_coverage=None)},
        comparisons=(Comparison("cnn", "densenet169", ahead, ahead, ahead),),
        skipped=("a.png is empty.",),
        saliency=Saliency(24, 96, {"cnn": checks}, 0.5),
    )


def test_it_is_read_as_it_was_written(evaluation, tmp_path):
    evaluation.save(tmp_path / "evaluation.json")
    assert Evaluation.load(tmp_path / "evaluation.json") == evaluation


def test_a_figure_that_nobody_knows_stays_unknown(tmp_path):
    model = model_result(card_of("cnn"), figures=figures(auroc=math.nan))
    evaluation_of({"cnn": model}).save(tmp_path / "evaluation.json")
    loaded = Evaluation.load(tmp_path / "evaluation.json")
    assert math.isnan(loaded.models["cnn"].figures.auroc)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("cnn", "title"), None, "lacks the field models.cnn.title"),
        (("cnn", "intervals", "f1"), [0.1], "models.cnn.intervals.f1 should hold 2 values"),
        (("cnn", "ood", "noise", "refused"), "all", "models.cnn.ood.noise.refused should be"),
        (("cnn",), 7, "models.cnn should be a group of fields, not 7"),
    ],
)
def test_another_schema_is_refused_by_the_field_s_name(evaluation, tmp_path, path, value, words):
    file = tmp_path / "evaluation.json"
    evaluation.save(file)
    content = json.loads(file.read_text())
    *way, last = path
    within = content["models"]
    for key in way:
        within = within[key]
    if value is None:
        del within[last]
    else:
        within[last] = value
    file.write_text(json.dumps(content))
    with pytest.raises(FormatError, match="cannot be used") as refused:
        Evaluation.load(file)
    assert words in str(refused.value) and str(refused.value).endswith("evaluate anew.")


def test_the_drawn_kinds_are_told_from_others():
    assert tuple(draw_distractors()) == DRAWN
