"""What the films of a table are called."""

import os

import pytest

from pneumonia.export.folder import find_files


@pytest.mark.skipif(os.name == "nt", reason="a colon is no name there")
def test_films_of_one_name_on_two_drives_keep_names_of_their_own(tmp_path, monkeypatch):
    paths = [tmp_path / drive / "film.png" for drive in ("C:", "D:")]

    def none(_):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", none)
    names = [file.name for file in find_files(paths)]
    assert [name.parts[-2:] for name in names] == [("C", "film.png"), ("D", "film.png")]
    assert not any(name.is_absolute() for name in names)
