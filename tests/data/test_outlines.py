import pytest
import torch

from pneumonia.data.dataset import find_records, split_records
from pneumonia.data.outlines import at_edge, dice, load_outlined, outline_of
from pneumonia.synthetic.phantom import draw_phantom


def test_films_with_an_outline_are_loaded_and_others_passed_over(dataset, outlines, tmp_path):
    parts = dict(zip(("train", "val"), load_outlined(dataset, outlines, tmp_path), strict=True))
    assert not set(parts["train"].patients) & set(parts["val"].patients)
    for part, films in parts.items():
        records = split_records(find_records(dataset), part)
        known = [film for film in records if outline_of(film, outlines).is_file()]
        assert len(films) == len(known) and films.patients.tolist() == [f.patient for f in known]
    everybody = {film.patient for film in find_records(dataset) if film.split != "test"}
    loaded = {*parts["train"].patients, *parts["val"].patients}
    assert everybody - loaded == {"IM-0100", "IM-0999", "person100"}
    films = parts["train"]
    inside = films.images.float()[films.outlines > 127].mean()
    assert inside < films.images.float().mean() - 20  # lungs are dark
    assert len(films[::3]) == -(-len(films) // 3)


def test_a_folder_without_outlines_is_named(dataset, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{tmp_path.name}.*--outlines"):
        load_outlined(dataset, tmp_path, tmp_path / "cache")


def test_lungs_at_the_edge_of_the_picture_are_seen():
    outlines = torch.zeros(4, 1, 224, 224, dtype=torch.uint8)
    outlines[0, :, 2:-2, 2:-2] = 255
    outlines[1, :, 100:, 50] = 255
    outlines[2, :, 100, :50] = 255
    assert at_edge(outlines).tolist() == [False, True, True, False]


def test_dice_of_shifted_lungs():
    lungs = torch.from_numpy(draw_phantom(224, 224).lungs)[None, None]
    outlines = lungs.to(torch.uint8) * 255
    assert dice(lungs.float(), outlines) == 1
    shifted = lungs.roll(9, 3)
    expected = 2 * (lungs & shifted).sum() / (2 * lungs.sum())
    assert dice(shifted.float(), outlines) == pytest.approx(float(expected))
    assert dice(torch.zeros(1, 1, 128, 128), outlines) == 0
