"""An evaluation as people read it, of any number of models."""

import numpy as np
import pytest
from factories import card_of, evaluation_of, model_result
from scipy.stats import binomtest

from pneumonia.evaluation.figure import COLOURS, draw_evaluation
from pneumonia.evaluation.report import main_table, markdown, put_between_markers, summary
from pneumonia.evaluation.results import (
    Calls,
    CauseSensitivity,
    Comparison,
    Conflicting,
    Difference,
    Evaluation,
)

LABELS = np.array([0, 0, 1, 1])


def of_models(count: int) -> Evaluation:
    card = card_of("cnn")
    models = {f"m{i}": model_result(card, title=f"Model {i}") for i in range(count)}
    ahead = Difference(0.25, -0.125, 0.5)
    comparisons = tuple(Comparison("m0", f"m{i}", ahead, ahead, ahead) for i in range(1, count))
    return evaluation_of(models, comparisons=comparisons)


@pytest.mark.parametrize("count", [1, 3, len(COLOURS) + 1])
def test_each_model_has_its_curves(count):
    figure = draw_evaluation(of_models(count), LABELS)
    for axis in figure.axes[:3]:
        lines = [line for line in axis.lines if line.get_label().startswith("Model")]
        assert [line.get_label().partition(",")[0] for line in lines] == [
            f"Model {i}" for i in range(count)
        ]
        assert len({line.get_color() for line in lines}) == min(count, len(COLOURS))
    assert [axis.get_title() for axis in figure.axes[3:]] == [f"Model {i}" for i in range(count)]


def test_each_model_has_its_column_and_its_comparison():
    evaluation = of_models(3)
    assert main_table(evaluation).startswith(
        "| | Model 0 | Model 1 | Model 2 |\n|---|---|---|---|\n"
    )
    text = markdown(evaluation)
    assert main_table(evaluation) in text
    assert "Model 0 − Model 1, on" in text and "Model 0 − Model 2, on" in text
    assert text.count("| AUROC | +0.2500 | -0.1250 … +0.5000 |") == 2
    assert "| noise (6) | 100 % | 100 % | 100 % |" in text
    assert "compared" not in markdown(of_models(1))


def test_what_was_called_and_what_tells_without_lungs_stand_beside_the_figures():
    card = card_of("cnn")
    causes = {"virus": CauseSensitivity(10, 0.9)}
    said = {"cnn": model_result(card, calls=Calls(40, 3), causes=causes)}
    evaluation = evaluation_of(said, surroundings={"rim": 0.9701})
    for text in (summary(evaluation), markdown(evaluation)):
        assert "| wrong among those called NORMAL or PNEUMONIA | 3 of 40 |" in text
        assert "| sensitivity to virus (10 films) | 0.900 |" in text
        assert "Without a picture of the lungs, the AUROC of these films is: rim 0.970" in text
    older = summary(of_models(1))
    assert "wrong among" not in older and "Without a picture" not in older


def test_how_much_is_told_stands_beside_how_well_where_the_lungs_are_covered():
    evaluation, title = of_models(3), "Model {}".format
    for name, changes in {"m0": (0.75, 0.0123), "m1": (0.75, None)}.items():
        auroc, spread = changes
        evaluation.models[name] = model_result(
            card_of("cnn"), title=title(name[1]), covered_auroc=auroc, covered_spread=spread
        )
    rows = main_table(evaluation).splitlines()
    first = next(number for number, row in enumerate(rows) if "lungs covered" in row)
    assert rows[first].endswith("| 0.750 | 0.750 | – |")
    assert rows[first + 1].endswith("then, of that of the films as they are | 0.012 | – | – |")


def test_shares_of_few_films_have_their_intervals():
    evaluation = of_models(1)
    evaluation.models["m0"] = model_result(
        card_of("cnn"), conflicting=Conflicting(0, 10, None, 0.8)
    )
    low, high = binomtest(8, 10).proportion_ci(method="wilson")
    assert f"| – | 0.800 ({low:.3f}–{high:.3f}; 10 films) |" in markdown(evaluation)


def test_the_readme_says_what_its_films_chose(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- figures: x -->\nold\n<!-- /figures -->\nafter\n")
    put_between_markers(page, summary(of_models(2)))
    text = page.read_text()
    assert "these films chose each model's recipe, seed, epoch, calibration and threshold" in text
    rows = main_table(of_models(2)).splitlines()
    assert {line for line in text.splitlines() if line.startswith("|")} < set(rows)
    assert "\nold\n" not in text
    assert text.startswith("before\n<!-- figures: x -->") and text.endswith("-->\nafter\n")
    put_between_markers(page, summary(evaluation_of(of_models(2).models, split="test")))
    assert "they chose nothing" in page.read_text() and "epoch" not in page.read_text()
    page.write_text("no markers")
    with pytest.raises(ValueError, match="no <!-- figures --> markers"):
        put_between_markers(page, "text")
