import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumonia.reading.archive import FilmRef, find_films, list_films, looks_like_film, read_films
from pneumonia.reading.radiograph import MAX_BYTES, Radiograph, RadiographError
from pneumonia.synthetic.phantom import draw_phantom


@pytest.fixture(scope="module")
def png() -> bytes:
    file = io.BytesIO()
    draw_phantom(64, 80, seed=1).image().save(file, "PNG")
    return file.getvalue()


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return path


def read(*paths) -> list[tuple[str, Radiograph | RadiographError]]:
    films = list_films(paths)
    return [(f.name, answer) for f, answer in zip(films, read_films(films), strict=True)]


def test_files_and_archives_in_their_order_and_a_bad_one_costs_only_itself(png, tmp_path):
    (tmp_path / "first.png").write_bytes(png)
    (tmp_path / "words.png").write_bytes(b"words")
    members = {
        "a/b.png": png,
        "a/": b"",
        "__MACOSX/a/._b.png": b"shadow",
        "a/.hidden.png": png,
        "notes.txt": b"words",
        "torn.png": png[:200],
        "./IM0001": png,
    }
    packed = archive(tmp_path / "films.zip", members)
    rows = read(tmp_path / "first.png", tmp_path / "words.png", packed, tmp_path / "gone.png")
    names = ["first.png", "words.png", "b.png", "torn.png", "IM0001", "gone.png"]
    assert [name for name, _ in rows] == names
    good = {name for name, film in rows if isinstance(film, Radiograph)}
    assert good == {"first.png", "b.png", "IM0001"}
    for name, film in rows:
        assert film.name == name if name in good else str(film).startswith(f'"{name}" ')
    assert np.array_equal(rows[0][1].pixels, rows[2][1].pixels)


def test_nothing_is_written_whatever_the_members_are_called(png, tmp_path):
    names = ["../../escaped.png", "/absolute.png", "..\\..\\windows.png", "C:\\x.png"]
    packed = archive(tmp_path / "films.zip", {name: png for name in names})
    before = set(tmp_path.parent.rglob("*"))
    rows = read(packed)
    assert len(rows) == 4 and all(isinstance(film, Radiograph) for _, film in rows)
    assert all("/" not in film.name and "\\" not in film.name for _, film in rows)
    assert set(tmp_path.parent.rglob("*")) == before


def test_a_member_is_unpacked_no_further_than_a_film_may_be_large(tmp_path, monkeypatch):
    packed = archive(tmp_path / "bomb.zip", {"bomb.png": bytes(4 * MAX_BYTES)})
    assert packed.stat().st_size < MAX_BYTES / 100
    sizes, honest = [], zipfile.ZipExtFile.read
    monkeypatch.setattr(
        zipfile.ZipExtFile, "read", lambda file, n=-1: sizes.append(n) or honest(file, n)
    )
    ((name, error),) = read(packed)
    assert name == "bomb.png" and "larger than 25 MB" in str(error)
    assert sizes == [MAX_BYTES + 1]


def test_a_lying_header_a_password_and_an_archive_within_are_told_so(png, tmp_path):
    inner = archive(tmp_path / "inner.zip", {"x.png": png}).read_bytes()
    packed = archive(tmp_path / "films.zip", {"locked.png": png})
    data = bytearray(packed.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + flags
        data[at : at + 2] = struct.pack("<H", 1)  # "encrypted", of the first member
    packed.write_bytes(data)
    rows = dict(read(packed, archive(tmp_path / "outer.zip", {"nested.png": inner})))
    assert "password" in str(rows["locked.png"])
    assert "not a picture" in str(rows["nested.png"])

    torn = tmp_path / "torn.zip"
    torn.write_bytes(archive(tmp_path / "whole.zip", {"a.png": png}).read_bytes()[:-30])
    ((name, error),) = read(torn)
    assert name == "torn.zip" and isinstance(error, RadiographError)


def test_an_archive_without_a_film_stands_for_itself(tmp_path):
    ((name, error),) = read(archive(tmp_path / "notes.zip", {"notes.txt": b"words"}))
    assert name == "notes.zip" and isinstance(error, RadiographError)


def test_a_picture_with_an_archive_behind_it_is_a_picture(png, tmp_path):
    path = tmp_path / "both.png"
    path.write_bytes(png + archive(tmp_path / "x.zip", {"a.png": png}).read_bytes())
    assert zipfile.is_zipfile(path)
    with Image.open(path) as picture:
        assert picture.size == (80, 64)
    assert list_films([path]) == [FilmRef(path)]


def test_what_looks_like_a_film():
    films = ("a.JPG", "a/b.dcm", "a/IM0001", "1.2.840.113", "a/b.png", "a\\1.2.840.113")
    others = ("a.txt", ".a.png", "a/.b/c.png", "__MACOSX/a.png", "DICOMDIR", "a\\DICOMDIR")
    assert all(map(looks_like_film, films))
    assert not any(map(looks_like_film, (*others, "a/b.parquet", "a.tar.gz")))


def test_films_of_an_archive_are_those_that_look_like_one(png, tmp_path):
    names = ("study/1.2.840.113619.2.5", "study/DICOMDIR", "study/IM1", "study/words.txt")
    packed = archive(tmp_path / "films.zip", dict.fromkeys(names, png))
    assert [film.member for film in list_films([packed])] == [names[0], names[2]]


def test_films_of_a_folder_are_those_that_look_like_one(tmp_path):
    files = ("b.PNG", "a.dcm", "deep/er/c.jpeg", "words.txt", "deep/IM0001", ".hidden.png")
    for name in (*files, ".thumbnails/d.png", "__MACOSX/a/._b.png", "deep/..e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_films(tmp_path)]
    assert found == ["a.dcm", "b.PNG", "deep/IM0001", "deep/er/c.jpeg"]
    assert find_films(tmp_path / "gone") == []


@pytest.mark.parametrize("member", [None, f"{'folder' * 20}/{'long name ' * 20}.png"])
def test_a_reference_is_named_like_its_film(png, tmp_path, member):
    path = tmp_path / f"{'x' * 100} [1].png"
    path.write_bytes(png)
    if member:
        path = archive(tmp_path / "films.zip", {member: png})
    (ref,) = list_films([path])
    (film,) = read_films([ref])
    assert ref.name == film.name and len(ref.name) == 80
    (gone,) = read_films([FilmRef(tmp_path / "gone.zip", member and "a/gone.png")])
    assert isinstance(gone, RadiographError) and gone.name == ("gone.png" if member else "gone.zip")
