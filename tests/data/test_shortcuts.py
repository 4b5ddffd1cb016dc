"""The audit on drawn films whose shortcuts and copies are known."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from pneumonia.cli import app
from pneumonia.data.dataset import find_records, load_images
from pneumonia.data.duplicates import NEAR, identical_pairs, near_identical_pairs, overlaps
from pneumonia.data.shortcut_figure import draw_audit, precise
from pneumonia.data.shortcuts import (
    METADATA,
    FileTraits,
    _auroc,
    border_profile,
    pixel_statistics,
    shortcut_auroc,
    traits_from_csv,
    traits_from_records,
)


def audit(*words):
    return CliRunner().invoke(app, ["audit", *map(str, words)])


def write_csv(path, telling):
    """400 films of 200 patients; the quantisation table tells the class, or tosses a coin."""
    coin = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["file", "label", "width", "height", "bytes", "jpeg_luma_quantization_sum", "mode"],
        )
        for i in range(400):
            ill = i // 2 % 2
            name = f"person{i // 2}_virus_{i}.jpeg" if ill else f"IM-{i // 2:04}-{i:04}.jpeg"
            coarse = 1858 if (ill if telling else coin.random() < 0.5) else 330
            writer.writerow([name, ("NORMAL", "PNEUMONIA")[ill], 900, 700, 50_000, coarse, "L"])
    return path


def features(sample, name):
    return np.stack([sample.metadata[key] for key in METADATA[name]], axis=1).astype(float)


def test_a_telling_quantisation_table_is_found_and_a_silent_one_is_not(tmp_path):
    sample = traits_from_csv(write_csv(tmp_path / "telling.csv", telling=True))
    result = shortcut_auroc(features(sample, "JPEG quantisation table"), sample)
    assert (result["films"], result["patients"], result["constant"]) == (400, 200, False)
    assert result["auroc"] == 1 and result["interval"] == [1, 1] and result["test"] is None
    sizes = shortcut_auroc(features(sample, "width, height, aspect ratio"), sample)
    assert sizes["constant"] and sizes["auroc"] == 0.5

    sample = traits_from_csv(write_csv(tmp_path / "silent.csv", telling=False))
    result = shortcut_auroc(features(sample, "JPEG quantisation table"), sample)
    low, high = result["interval"]
    assert 0.4 < result["auroc"] < 0.6 and low < result["auroc"] < high


def test_auroc_is_that_of_scikit_learn():
    coin = np.random.default_rng(3)
    labels, scores = coin.integers(0, 2, 90), coin.integers(0, 9, 90) / 9  # many ties
    weights = coin.integers(0, 3, (4, 90))
    ours = _auroc(labels, scores, np.zeros(90), weights)
    theirs = [roc_auc_score(labels, scores, sample_weight=weight) for weight in weights]
    assert np.allclose(ours, theirs)
    alone = np.isin(np.arange(90), np.flatnonzero(labels)[:5])  # a fold without a pair
    assert np.allclose(
        _auroc(labels, scores, alone.astype(int), np.ones((1, 90))),
        roc_auc_score(labels[~alone], scores[~alone]),
    )


def test_patients_do_not_help_to_recognise_their_own_films():
    """Ten films a patient, each with the patient's own random number: nothing about the class."""
    labels = np.repeat(np.arange(40) % 2, 10)
    groups = np.repeat([f"person{i}" for i in range(40)], 10)
    own = np.repeat(np.random.default_rng(1).normal(size=40), 10)
    sample = FileTraits(labels, groups, np.zeros(400, bool), {})
    assert shortcut_auroc(own[:, None], sample)["auroc"] < 0.75


def test_the_test_split_is_measured_apart():
    """A shortcut that the test split does not have: perfect in the folds, chance on test."""
    labels, test = np.arange(400) % 2, np.arange(400) >= 300
    groups = np.array([f"person{i}" for i in range(400)])
    feature = np.where(test, np.random.default_rng(2).integers(0, 2, 400), labels)
    result = shortcut_auroc(feature[:, None].astype(float), FileTraits(labels, groups, test, {}))
    assert result["films"] == 300 and result["auroc"] == 1
    assert result["test"]["films"] == 100 and 0.35 < result["test"]["auroc"] < 0.65
    low, high = result["test"]["interval"]
    assert low < result["test"]["auroc"] < high


def test_metadata_come_from_the_files(dataset):
    films = [film for film in find_records(dataset) if "0999" not in film.path.name]
    sample = traits_from_records(films)
    metadata = {key: column[0] for key, column in sample.metadata.items()}
    with Image.open(films[0].path) as picture:
        assert metadata["quantisation"] == sum(picture.quantization[0])
    assert (metadata["width"], metadata["height"]) == (200, 180)
    assert metadata["bytes"] == films[0].path.stat().st_size
    assert sample.test.sum() == 12 and sample.labels.sum() == len(films) / 2


def test_grey_levels_and_rim():
    images = torch.zeros(2, 1, 224, 224, dtype=torch.uint8)
    images[0, :, :12, :28] = 255  # the first of eight stretches of the upper rim
    statistics, rim = pixel_statistics(images), border_profile(images)
    assert statistics.shape == (2, 13) and rim.shape == (2, 32)
    assert np.allclose(statistics[1], [0] * 10 + [1, 0, 0])
    pixels = images[0].numpy()
    assert statistics[0, 0] == pytest.approx(pixels.mean())
    assert statistics[0, 1] == pytest.approx(pixels.std())
    assert statistics[0, -2] == pytest.approx((pixels == 255).mean()) and statistics[0, -1] > 0
    assert rim[0, 0] == 255 and rim[0, 1:16].max() == 0  # upper rim, then lower
    assert rim[0, 16] > 0 and rim[0, 17:].max() == 0  # the left rim meets it in its corner
    assert not rim[1].any()


@pytest.fixture
def copied(dataset, tmp_path):
    """The drawn films with one film copied within train, and one to val under another patient."""
    root = tmp_path / "chest_xray"
    shutil.copytree(dataset / "chest_xray", root)
    shutil.rmtree(root / "chest_xray")
    (root / "train" / "NORMAL" / "IM-0999-0001.jpeg").unlink()
    ill = root / "train" / "PNEUMONIA"
    shutil.copy(ill / "person100_virus_0.jpeg", ill / "person900_virus_0.jpeg")
    shutil.copy(
        ill / "person101_virus_0.jpeg", root / "val" / "PNEUMONIA" / "person101_virus_9.jpeg"
    )
    with Image.open(ill / "person102_virus_0.jpeg") as picture:  # the same film, other bytes
        picture.save(root / "test" / "NORMAL" / "IM-0900-0000.jpeg", quality=60)
    return root


def test_copies_are_found_exactly(copied, tmp_path):
    films = find_records(copied)
    images, films, _ = load_images(films, tmp_path)
    identical = identical_pairs(films)
    near = sorted(set(near_identical_pairs(images)) - set(identical))
    name = [film.path.stem for film in films]
    assert {tuple(sorted((name[i], name[j]))) for i, j in identical} == {
        ("person100_virus_0", "person900_virus_0"),
        ("person101_virus_0", "person101_virus_9"),
    }
    recoded = {tuple(sorted((name[i], name[j]))) for i, j in near}
    assert ("IM-0900-0000", "person102_virus_0") in recoded
    assert set(identical) <= set(near_identical_pairs(images, bits=0))
    blocks = [near_identical_pairs(images, NEAR, block) for block in (7, 1024)]
    assert sorted(blocks[0]) == sorted(blocks[1])

    pairs = {"identical": identical, "near": near}
    found = overlaps(films, pairs, [film.split for film in films])
    assert found["patients"] == {"train–val": ["person101"], "train–test": [], "val–test": []}
    assert found["identical"]["train"] == {"pairs": 1, "two_patients": 1, "two_labels": 0}
    assert found["identical"]["train–val"] == {"pairs": 1, "two_patients": 0, "two_labels": 0}
    assert found["near"]["train–test"]["two_labels"] >= 1


def test_the_command_writes_table_figures_and_picture(copied, tmp_path):
    out, table = tmp_path / "out", write_csv(tmp_path / "telling.csv", telling=True)
    options = ("--data", copied, "--metadata", table, "--out", out, "--cache", tmp_path / "cache")
    result = audit(*options)
    assert result.exit_code == 0, result.stderr
    assert "| original files | JPEG quantisation table | 400 | 1.000 (1.000–1.000)" in (
        result.stdout
    )
    text = (out / "audit.json").read_text(encoding="utf-8")
    report = json.loads(text)
    assert str(tmp_path) not in text + (out / "audit.md").read_text(encoding="utf-8")
    assert report["command"].startswith(
        "pneumonia audit --data chest_xray --metadata telling.csv --out out"
    )
    told = report["sources"]["films of the folder"]["shortcut_auroc"]
    assert told["grey levels without their place"]["test"]["films"] == 13
    assert report["copies"]["official folders"]["patients"]["train–val"] == ["person101"]
    cut = report["copies"]["this project's cut"]
    assert cut["patients"]["train–val"] == [] and cut["identical"]["train–val"]["pairs"] == 0
    with Image.open(out / "audit.png") as picture:
        assert picture.width == 1600

    # where all files were compressed alike the picture shows their sizes
    films = traits_from_records(find_records(copied))
    alike = {**films.metadata, "quantisation": np.full(len(films.labels), 330.0)}
    bars = {"Drawn films": [(name, result) for name, result in told.items()]}
    draw_audit(out / "sizes.png", bars, FileTraits(films.labels, films.groups, films.test, alike))
    with Image.open(out / "sizes.png") as picture:
        assert picture.width == 1600


def test_errors_are_one_sentence(tmp_path):
    table = tmp_path / "films.csv"
    table.write_text("file,label,width\na.jpeg,NORMAL,1\n")
    for options, words in (
        (("--data", tmp_path / "absent"), "There is no folder"),
        (("--metadata", tmp_path / "absent.csv"), "There is no metadata CSV"),
        (("--metadata", table), "lacks the column(s) height"),
    ):
        result = audit(*options, "--out", tmp_path / "out")
        assert result.exit_code == 1 and words in result.stderr
        assert not (tmp_path / "out").exists()


def test_unusable_rows_are_refused(tmp_path):
    table = write_csv(tmp_path / "films.csv", telling=True)
    text = table.read_text()
    table.write_text(text.replace("PNEUMONIA", "NORMAL"))
    with pytest.raises(ValueError, match="both NORMAL and PNEUMONIA"):
        traits_from_csv(table)
    table.write_text(text.replace("PNEUMONIA", "pneumonia", 1))
    with pytest.raises(ValueError, match="not a film"):
        traits_from_csv(table)
    table.write_text("\n".join(text.splitlines()[:5]))  # two patients of a class are needed
    sample = traits_from_csv(table)
    with pytest.raises(ValueError, match="two patients"):
        shortcut_auroc(features(sample, "bytes per file"), sample)


def test_no_auroc_is_rounded_up_to_perfect():
    assert [precise(v) for v in (1.0, 0.99991, 0.97341, 0.5)] == [
        "1.000",
        "0.9999",
        "0.973",
        "0.500",
    ]


@pytest.mark.skipif("PNEUMONIA_DATA" not in os.environ, reason="needs PNEUMONIA_DATA")
def test_original_files_give_the_class_away():
    path = Path(os.environ["PNEUMONIA_DATA"])
    path = next(p for p in (path, path.parent) if (p / "originals_metadata.csv").is_file())
    sample = traits_from_csv(path / "originals_metadata.csv")
    assert shortcut_auroc(features(sample, "all file metadata"), sample)["auroc"] >= 0.999
