"""Which films there are among files, in folders and in ZIP archives, and how to read one."""

import io
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumonia.reading.radiograph import (
    MAX_BYTES,
    SUFFIXES,
    Radiograph,
    film_name,
    read_radiograph,
)
from pneumonia.reading.refusals import RadiographError

MAX_FILMS = 1000  # of one batch, so that nobody waits behind it for a day


@dataclass(frozen=True)
class FilmRef:
    """Where a film lies.

    Attributes:
        path: a file.
        member: if that is a ZIP archive, the film's name in it.
    """

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """The film's name, as ``read_film`` gives it."""
        return film_name(self.member or self.path.name)


def find_films(folder: str | os.PathLike) -> list[Path]:
    """The files of a folder and those below that look like films by their suffix, in order.

    Hidden files and folders do not count, nor the shadows that macOS adds to archives.
    """
    paths = sorted(Path(folder).rglob("*"))
    return [
        path
        for path in paths
        if path.suffix.lower() in SUFFIXES
        and not _is_hidden(path.relative_to(folder).parts)
        and path.is_file()
    ]


def list_films(paths: Sequence[str | os.PathLike]) -> list[FilmRef]:
    """The given files, and in place of an archive each film in it; at most ``MAX_FILMS``.

    A member of an archive counts by its suffix, or without one, as DICOM files often are. An
    archive that holds no such member, or cannot be opened, stands for itself and will be refused.
    """
    found: list[FilmRef] = []
    for path in map(Path, paths):
        members = _members(path) if _is_archive(path) else []
        found += [FilmRef(path, member) for member in members] or [FilmRef(path)]
    return found[:MAX_FILMS]


def read_film(film: FilmRef) -> Radiograph:
    """Read one film.

    A member of an archive is read in memory and never written anywhere, nor unpacked beyond the
    size that a film may have.

    Raises:
        RadiographError: it cannot be read.
    """
    if film.member is None:
        return read_radiograph(film.path)
    try:
        with zipfile.ZipFile(film.path) as archive, archive.open(film.member) as file:
            data = file.read(MAX_BYTES + 1)
    except RuntimeError as error:  # zipfile's word for "encrypted"
        raise RadiographError("locked", film.name) from error
    except Exception as error:  # whatever a broken archive makes zlib or bz2 raise
        raise RadiographError("damaged_in_archive", film.name) from error
    return read_radiograph(io.BytesIO(data), film.name)


def _is_archive(path: Path) -> bool:
    """By its first bytes, as a picture or a DICOM file may have an archive at its end."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def _members(path: Path) -> list[str]:
    """What looks like a film in an archive, by its place there."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError):
        return []
    parts = {name: re.split(r"[/\\]", name) for name in names}
    return [
        name
        for name in names
        if Path(parts[name][-1]).suffix.lower() in ("", *SUFFIXES) and not _is_hidden(parts[name])
    ]


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
