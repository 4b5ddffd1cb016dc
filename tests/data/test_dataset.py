import os
import shutil
import time

import pytest
import torch

from pneumonia.data import dataset as dataset_module
from pneumonia.data.dataset import (
    Record,
    find_records,
    load_images,
    merge_identical,
    patient_of,
    split_records,
)
from pneumonia.reading.radiograph import RadiographError, read_radiograph
from pneumonia.synthetic.phantom import draw_phantom


def test_nested_copies_and_litter_are_not_counted(dataset):
    films = find_records(dataset)
    counts = {
        split: sum(film.split == split for film in films) for split in ("train", "val", "test")
    }
    assert counts == {"train": 14 * 4 + 1, "val": 8, "test": 12}  # + 1: the file that is no film
    assert films == find_records(dataset / "chest_xray")
    assert all(film.label == (film.path.parent.name == "PNEUMONIA") for film in films)


def test_wrong_folders_are_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        find_records(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="train/NORMAL"):
        find_records(tmp_path)


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person1234_bacteria_5678.jpeg", "person1234"),
        ("person12_virus_34.jpeg", "person12"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0115-0001-0002.jpeg", "IM-0115"),
        ("NORMAL2-IM-0569-0001.jpeg", "NORMAL2-IM-0569"),
        ("BACTERIA-7422-0001.jpeg", "BACTERIA-7422-0001"),
    ],
)
def test_patients_from_file_names(name, patient):
    assert patient_of(name) == patient


def test_no_patient_is_on_both_sides(dataset):
    films = find_records(dataset)
    train, val, test = (split_records(films, split) for split in ("train", "val", "test"))
    assert {f.patient for f in train}.isdisjoint(f.patient for f in val)
    assert {f.label for f in val} == {0, 1}
    assert sorted(train + val, key=films.index) == [f for f in films if f.split != "test"]
    assert {f.split for f in test} == {"test"}
    assert split_records(films, "val") == val


def test_identical_files_keep_patients_together(dataset, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(dataset / "chest_xray", root)
    folder = root / "train" / "PNEUMONIA"
    shutil.copy(folder / "person100_virus_0.jpeg", folder / "person900_virus_0.jpeg")
    shutil.copy(folder / "person101_virus_0.jpeg", folder / "person900_virus_1.jpeg")
    films = [f for f in find_records(root) if f.split == "train"]
    groups = dict(zip([f.path.name for f in films], merge_identical(films), strict=True))
    names = ("person100_virus_1", "person101_virus_1", "person900_virus_0", "person900_virus_1")
    assert len({groups[f"{name}.jpeg"] for name in names}) == 1
    assert groups["person102_virus_0.jpeg"] not in {groups["person100_virus_1.jpeg"]}


def test_films_are_decoded_once_and_bad_ones_reported(dataset, tmp_path, monkeypatch):
    films = [film for film in find_records(dataset) if film.split == "train"]
    images, kept, errors = load_images(films, tmp_path)
    assert images.shape == (56, 1, 224, 224) and images.dtype == torch.uint8
    assert len(kept) == 56 and len(errors) == 1 and "IM-0999-0001.jpeg" in errors[0]

    def never(*args):
        raise AssertionError("decoded twice")

    monkeypatch.setattr("pneumonia.data.dataset.read_radiograph", never)
    again, kept_again, errors_again = load_images(films, tmp_path)
    assert torch.equal(images, again) and kept == kept_again and errors == errors_again


def test_a_film_that_is_not_read_for_a_passing_reason_is_read_by_the_next_run(
    dataset, tmp_path, monkeypatch
):
    films = [film for film in find_records(dataset) if film.split == "val"]

    def read(path):
        if path == films[0].path:
            raise RadiographError("out_of_memory", path.name)
        return read_radiograph(path)

    with monkeypatch.context() as patch:
        patch.setattr("pneumonia.data.dataset.read_radiograph", read)
        images, kept, errors = load_images(films, tmp_path)
    assert kept == films[1:] and len(images) == len(kept) and "more memory" in errors[0]
    assert load_images(films, tmp_path)[1:] == (films, [])


def test_films_whose_names_are_no_utf_8_are_decoded(tmp_path):
    draw_phantom(64, 64).image().save(drawn := tmp_path / "film.png")
    path = drawn.rename(tmp_path / os.fsdecode(b"\xff.png"))
    films = [Record(path, 0, "", "val")]
    assert load_images(films, tmp_path)[1:] == (films, [])


def test_another_decoder_decodes_anew(dataset, tmp_path, monkeypatch):
    films = [film for film in find_records(dataset) if film.split == "val"]
    before, _, _ = load_images(films, tmp_path)

    def to_canonical(film):
        return 255 - original(film)

    original = dataset_module.to_canonical
    monkeypatch.setattr(dataset_module, "to_canonical", to_canonical)
    after, _, _ = load_images(films, tmp_path)
    assert torch.equal(after, 255 - before)


def test_copies_that_nobody_uses_are_deleted(dataset, tmp_path):
    films = [film for film in find_records(dataset) if film.split == "test"]
    old, used, weights = (tmp_path / f"{name}.pt" for name in ("images224-0", "images-1", "mine"))
    for file, days in ((old, 31), (used, 29), (weights, 365)):
        file.touch()
        os.utime(file, (time.time() - 24 * 3600 * days,) * 2)
    load_images(films, tmp_path)
    assert not old.exists() and used.exists() and weights.exists()
    (own,) = set(tmp_path.glob("images-*.pt")) - {used}
    os.utime(own, (0, 0))
    load_images(films, tmp_path)  # uses it again
    assert own.exists()


def test_missing_classes_and_splits_are_explained(dataset):
    films = find_records(dataset)
    with pytest.raises(FileNotFoundError, match="both NORMAL and PNEUMONIA"):
        split_records([film for film in films if film.label], "train")
    with pytest.raises(FileNotFoundError, match="'test'"):
        split_records([film for film in films if film.split == "train"], "test")
