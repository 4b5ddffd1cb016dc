"""Many files, and ZIP archives of files, one film after the other; a bad one costs only itself."""

import io
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pneumonia.reading.radiograph import (
    MAX_BYTES,
    SUFFIXES,
    Radiograph,
    RadiographError,
    read_radiograph,
)

MAX_FILMS = 1000  # of one batch, so that nobody waits behind it for a day


FilmRef = tuple[Path, str | None]  # a file, or an archive and the name of a film in it


def list_films(paths: Sequence[str | os.PathLike]) -> list[FilmRef]:
    """What there is to read: ``(file, None)``, or ``(archive, member)`` for each film of a ZIP.

    Of an archive only what looks like a film counts (by its suffix, or without one as DICOM files
    often are); folders, hidden files and the shadows that macOS adds do not. At most ``MAX_FILMS``
    are listed.
    """
    found: list[FilmRef] = []
    for path in map(Path, paths):
        if _is_archive(path):
            try:
                with zipfile.ZipFile(path) as archive:
                    names = [info.filename for info in archive.infolist() if not info.is_dir()]
            except (zipfile.BadZipFile, OSError, ValueError):
                names = []
            members = [name for name in names if _is_film(name)]
            found += [(path, name) for name in members] or [(path, None)]
        else:
            found.append((path, None))
    return found[:MAX_FILMS]


def read_films(
    films: Sequence[FilmRef],
) -> Iterator[tuple[str, Radiograph | RadiographError]]:
    """The name of each listed film with the film, or with why it could not be read.

    Members of an archive are read in memory, one at a time, and never written anywhere; none is
    unpacked beyond the size that a film may have.
    """
    for path, member in films:
        name = path.name if member is None else _base(member)
        try:
            film = read_film(path, member)
        except RadiographError as error:
            yield name, error
        else:
            yield name, film


def read_film(path: Path, member: str | None) -> Radiograph:
    """One listed film.

    Raises:
        RadiographError: it cannot be read.
    """
    return read_radiograph(path) if member is None else _read_member(path, member)


def _read_member(path: Path, member: str) -> Radiograph:
    name = _base(member)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            data = file.read(MAX_BYTES + 1)
    except RuntimeError as error:  # zipfile's word for "encrypted"
        raise RadiographError("locked", name) from error
    except Exception as error:  # whatever a broken archive makes zlib or bz2 raise
        raise RadiographError("damaged_in_archive", name) from error
    return read_radiograph(io.BytesIO(data), name)


def _is_archive(path: Path) -> bool:
    """By its first bytes, as a picture or a DICOM file may have an archive at its end."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def _is_film(name: str) -> bool:
    hidden = _base(name).startswith(".") or name.startswith("__MACOSX/")
    return not hidden and Path(_base(name)).suffix.lower() in ("", *SUFFIXES)


def _base(member: str) -> str:
    return re.split(r"[/\\]", member)[-1]
