"""Which films there are among files, in folders and in ZIP archives, and how to read one."""

import io
import os
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from pneumonia.reading.radiograph import (
    MAX_BYTES,
    SUFFIXES,
    Radiograph,
    film_name,
    read_radiograph,
)
from pneumonia.reading.refusals import RadiographError

MAX_ENTRIES = 10_000  # of an archive, films or not
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile unpacks others without a bound
_END = b"PK\x05\x06"  # the end of its directory
_TAIL = 20 + 22 + 2**16  # where that can be: zip64's pointer to its own, then it, then a comment


@dataclass(frozen=True)
class FilmRef:
    """Where a film lies.

    Attributes:
        path: a file.
        member: if that is a ZIP archive, the film's name in it.
        entry: the film's place in the archive, which may hold several of one name.
    """

    path: Path
    member: str | None = None
    entry: int = 0

    @property
    def name(self) -> str:
        """The film's name, as ``read_films`` gives it."""
        return film_name(self.member or self.path.name)


def find_films(folder: str | os.PathLike) -> list[Path]:
    """The files of a folder and those below that look like films, in order."""
    return [
        path
        for path in sorted(Path(folder).rglob("*"))
        if looks_like_film(path.relative_to(folder).as_posix()) and path.is_file()
    ]


def looks_like_film(name: str) -> bool:
    """By the name alone, relative to the folder or archive that was given.

    DICOM files often have no suffix, or the last number of an identifier in its place, so these
    count too. Hidden files and folders do not, nor the shadows that macOS adds to archives, nor the
    index ``DICOMDIR``.
    """
    parts = re.split(r"[/\\]", name)
    hidden = any(p.startswith((".", "__MACOSX")) and p not in (".", "..") for p in parts)
    if hidden or parts[-1] == "DICOMDIR":
        return False
    suffix = Path(parts[-1]).suffix.lower()
    return suffix in SUFFIXES or re.fullmatch(r"(\.\d+)?", suffix) is not None


def list_films(paths: Sequence[str | os.PathLike], most: int | None = None) -> list[FilmRef]:
    """The given files, and in place of an archive each member that looks like a film.

    An archive that holds no such member, or cannot be opened, stands for itself and will be
    refused.

    Args:
        paths: of the files.
        most: look no further after that many films; an archive can be given a thousand times.
    """
    found: list[FilmRef] = []
    for path in map(Path, paths):
        if most is not None and len(found) >= most:
            break
        members = _members(path) if _is_archive(path) else []
        found += members or [FilmRef(path)]
    return found[:most]


def read_films(films: Iterable[FilmRef]) -> Iterator[Radiograph | RadiographError]:
    """Read films one after the other, and an archive's in one opening.

    A member of an archive is read in memory and never written anywhere, nor unpacked beyond the
    size that a film may have.

    Yields:
        The film, or why it cannot be read.
    """
    for (path, packed), group in groupby(films, lambda film: (film.path, film.member is not None)):
        if packed:
            yield from _unpack(path, group)
        else:
            yield from (_answer(read_radiograph, film.path) for film in group)


def _unpack(path: Path, films: Iterable[FilmRef]) -> Iterator[Radiograph | RadiographError]:
    try:
        archive = _open(path)
    except RadiographError as error:
        yield from (error for _ in films)
    except Exception as error:
        yield from (_damaged(film, error) for film in films)
    else:
        with archive:
            yield from (_answer(_read_member, archive, film) for film in films)


def _answer(read: Callable[..., Radiograph], *arguments: object) -> Radiograph | RadiographError:
    try:
        return read(*arguments)
    except RadiographError as error:
        return error


def _read_member(archive: zipfile.ZipFile, film: FilmRef) -> Radiograph:
    entry = archive.infolist()[film.entry]
    if entry.compress_type not in _PACKINGS:
        raise RadiographError("archive_compression", film.name)
    try:
        with archive.open(entry) as file:
            data = file.read(MAX_BYTES + 1)
    except NotImplementedError as error:  # patches and the like
        raise RadiographError("archive_compression", film.name) from error
    except RuntimeError as error:  # zipfile's word for "encrypted"
        raise RadiographError("locked", film.name) from error
    except Exception as error:  # whatever a broken archive makes zlib or bz2 raise
        raise _damaged(film, error) from error
    return read_radiograph(io.BytesIO(data), film.name)


def _damaged(film: FilmRef, error: Exception) -> RadiographError:
    refusal = RadiographError("damaged_in_archive", film.name)
    refusal.__cause__ = error
    return refusal


def _open(path: Path) -> zipfile.ZipFile:
    """An archive, after a look at how long its directory says it is, and then at how long it is.

    Raises:
        RadiographError: it has more than ``MAX_ENTRIES`` entries.
        OSError, zipfile.BadZipFile: it cannot be opened.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    bare = tail[-22:-18] == _END and tail[-2:] == b"\0\0"
    end = len(tail) - 22 if bare else tail.rfind(_END)
    if end < 0 or end + 22 > len(tail):
        raise zipfile.BadZipFile("There is no end of a directory.")
    entries, size = struct.unpack_from("<10xHI", tail, end)
    large = tail[max(0, end - 20) : end][:4] == b"PK\x06\x07"  # its true numbers stand elsewhere
    refusal = RadiographError("too_many_entries", film_name(path.name), limit=MAX_ENTRIES)
    if large or entries > MAX_ENTRIES or size > 400 * MAX_ENTRIES:
        raise refusal
    archive = zipfile.ZipFile(path)  # which goes by the size alone
    if len(archive.infolist()) > MAX_ENTRIES:
        archive.close()
        raise refusal
    return archive


def _is_archive(path: Path) -> bool:
    """By its first bytes, as a picture or a DICOM file may have an archive at its end."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def _members(path: Path) -> list[FilmRef]:
    """What looks like a film in an archive, in its order."""
    try:
        with _open(path) as archive:
            entries = archive.infolist()
    except RadiographError:
        return [FilmRef(path, path.name)]  # which will be refused for the same reason
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return []
    return [
        FilmRef(path, entry.filename, number)
        for number, entry in enumerate(entries)
        if looks_like_film(entry.filename) and not entry.is_dir()
    ]
