"""Which films an archive holds, and what is said of one that cannot be read."""

import shutil
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pneumonia.archive.films import list_films, read_film
from pneumonia.reading.archive import find_films
from pneumonia.reading.cage import Cage
from pneumonia.reading.radiograph import Radiograph
from pneumonia.reading.refusals import RadiographError
from pneumonia.synthetic.phantom import draw_phantom


@pytest.fixture(scope="module")
def cage():
    cage = Cage(1)
    yield cage
    cage.close()


@pytest.fixture
def archive(tmp_path) -> Path:
    """Two films in a folder."""
    (folder := tmp_path / "archive").mkdir()
    for name in ("a.png", "b.png"):
        draw_phantom(64, 64).image().save(folder / name)
    return folder


def test_a_name_that_looks_like_a_chain_of_addresses_is_a_name(archive, cage):
    (folder := archive / "file::c").mkdir()
    film = (archive / "a.png").rename(folder / "d::e.png")
    for place in (archive, folder, film):
        assert str(film) in list_films([str(place)])
    assert isinstance(read_film(str(film), cage), Radiograph)


def test_films_are_those_that_predict_finds(archive):
    (archive / "of another").symlink_to(archive.parent)
    (archive / "gone.png").symlink_to(archive / "nowhere.png")
    (archive / "c.png").symlink_to(archive / "a.png")
    for place in (str(archive), f"file://{archive}"):
        assert list_films([place]) == [str(archive / name) for name in ("a.png", "b.png", "c.png")]
    assert list_films([str(archive)]) == [*map(str, find_films(archive))]


def test_a_deleted_film_is_missing_and_one_whose_folder_is_gone_ends_the_run(archive, cage):
    film = archive / "a.png"
    film.unlink()
    assert read_film(str(film), cage).code == "missing"
    (archive / "b.png").unlink()  # as a place where nothing is mounted any more
    with pytest.raises(OSError, match="archive' is empty or cannot be reached"):
        read_film(str(film), cage)
    shutil.rmtree(archive)
    (link := archive.with_name("link.png")).symlink_to(film)
    for lost in (film, link):
        with pytest.raises(OSError, match="archive' is empty or cannot be reached"):
            read_film(str(lost), cage)


class Guarded(MemoryFileSystem):
    """A store that gives away no film, and of what is locked not even that it is there."""

    protocol = "guarded"

    def _open(self, path, *more, **options):
        raise PermissionError(path)

    def info(self, path, **options):
        if "locked" in path:
            raise PermissionError(path)
        return {"name": path, "type": "directory", "size": 0}


def test_a_store_that_lets_nobody_in_ends_the_run(cage):
    fsspec.register_implementation("guarded", Guarded)
    answer = read_film("guarded://films/a.png", cage)
    assert isinstance(answer, RadiographError) and answer.code == "cannot_open"
    with pytest.raises(PermissionError):
        read_film("guarded://locked/a.png", cage)
