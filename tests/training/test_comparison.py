"""The tables of compared runs follow from their cards."""

import shutil
from dataclasses import replace

import pytest
from factories import ROOT

from pneumonia.card import Card
from pneumonia.storage.shipped import available_models, checkpoints_root
from pneumonia.training.comparison import compare_runs

needs_models = pytest.mark.skipif(not available_models(), reason="no checkpoint to compare with")


@needs_models
def test_the_table_of_runs_says_which_one_is_shipped(tmp_path):
    card = Card.load(checkpoints_root() / "cnn" / "card.json")
    card.save(tmp_path / "winner.json")
    recipe = {**card.training.recipe, "seed": 77}
    del recipe["taught"]  # a setting that came later, and was not used
    clean = replace(card.validation.clean, auroc=0.5)
    loser = replace(
        card,
        training=replace(card.training, recipe=recipe),
        validation=replace(card.validation, clean=clean),
    )
    loser.save(tmp_path / "loser.json")
    enlarged = replace(card.preprocessing, size=card.preprocessing.size + 32)
    replace(card, preprocessing=enlarged).save(tmp_path / "winner-enlarged.json")
    other = card.validation.clean.auroc
    compare_runs(tmp_path, checkpoints_root())
    rows = {
        line.split("]")[0].strip("| ["): line
        for line in (tmp_path / "README.md").read_text().splitlines()
        if line.startswith("| [")
    }
    assert [name for name, line in rows.items() if line.endswith("| yes |")] == ["winner"]
    assert "| 0.5000 |" in rows["loser"] and "| 77 |" in rows["loser"]
    spread = (tmp_path / "README.md").read_text().splitlines()[-1]
    mean, deviation = (0.5 + other) / 2, abs(other - 0.5) / 2**0.5
    assert f"| 77, 0 | {mean:.4f} ± {deviation:.4f} |" in spread


@needs_models
def test_seeds_of_both_stages_are_put_together_but_not_those_of_the_last_alone(tmp_path):
    card = Card.load(checkpoints_root() / "cnn" / "card.json")
    for seed, base in ((0, ""), (1, " --seed 1 --resume"), (2, " --seed 1 --resume")):
        then = f"trained to weights {seed}ab (pneumonia train --model cnn{base} --out runs/{seed})"
        recipe = {**card.training.recipe, "seed": seed}
        training = replace(card.training, recipe=recipe, pretraining={"then": then})
        replace(card, training=training).save(tmp_path / f"{seed}.json")
    compare_runs(tmp_path, checkpoints_root())
    *_, last, spread = (tmp_path / "README.md").read_text().splitlines()
    assert last.startswith("|---") and "then trained, both stages |" in spread
    assert "| 0, 1 |" in spread


@needs_models
def test_the_runs_page_is_up_to_date(tmp_path):
    folder = ROOT / "docs" / "runs"
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    compare_runs(tmp_path, checkpoints_root())
    assert (tmp_path / "README.md").read_text() == (folder / "README.md").read_text()
