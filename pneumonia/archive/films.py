"""The films of an archive, in folders or in an object store: which there are, and their bytes."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from pneumonia.reading.archive import FilmRef, find_films, looks_like_film
from pneumonia.reading.cage import Cage
from pneumonia.reading.radiograph import MAX_BYTES, Radiograph
from pneumonia.reading.refusals import RadiographError

PAUSES = (1, 10, 60, 0)  # seconds after a store has failed to answer; then it has failed


def list_films(places: Sequence[str]) -> list[str]:
    """All that looks like a film by its name, in order: absolute paths and addresses.

    Args:
        places: files and folders, or addresses that fsspec knows (``s3://bucket/films``).

    Raises:
        FileNotFoundError: there is nothing at one of them.
    """
    found = set()
    for place in places:
        files, root = _store(place)
        local = isinstance(files, LocalFileSystem)
        if files.isfile(root):
            names = [root]
        elif not files.isdir(root):
            raise FileNotFoundError(f"There is no folder or file {place!r}: check its name.")
        elif local:
            names = map(str, find_films(root))
        else:
            names = [name for name in files.find(root) if looks_like_film(name[len(root) :])]
        found.update(names if local else map(files.unstrip_protocol, names))
    return sorted(found)


def _store(place: str) -> tuple[AbstractFileSystem, str]:
    """Where a path or an address leads, and its name there; a path may hold ``::`` as any other."""
    if "://" in place:
        return url_to_fs(place)
    files = LocalFileSystem()
    return files, files._strip_protocol(place)


def storable(path: str) -> str:
    """A path as Parquet can hold it: bytes that are no UTF-8 written out."""
    return path.encode("utf-8", "backslashreplace").decode()


def read_film(path: str, cage: Cage) -> Radiograph | RadiographError:
    """One film or why it cannot be read, in a process of its own: it may be made to do harm.

    Raises:
        OSError: the store does not answer, lets nobody in or is gone, so that nothing can be said
            of the film.
    """
    files, name = _store(path)
    if isinstance(files, LocalFileSystem):
        (answer,) = cage.read_films([FilmRef(Path(name))])
        if isinstance(answer, RadiographError) and answer.code in ("missing", "cannot_open"):
            _reach(Path(os.path.realpath(name)).parent)
        return answer
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "film"
        try:
            copy.write_bytes(fetch(path))
        except FileNotFoundError:
            return RadiographError("missing", name)
        except PermissionError:
            files.info(name.rpartition("/")[0])  # raises where nothing else may be seen either
            return RadiographError("cannot_open", name)
        (answer,) = cage.read_films([FilmRef(copy)])
        return answer


def _reach(folder: Path) -> None:
    """Raises OSError where a folder is gone, or empty as the place of a disk is without it."""
    with suppress(OSError), os.scandir(folder) as there:
        if any(there):
            return
    raise OSError(f"The folder {str(folder)!r} is empty or cannot be reached")


def fetch(address: str) -> bytes:
    """A file of a store, and not much more of it than a film may have."""
    files, name = url_to_fs(address)
    for pause in PAUSES:
        try:
            with files.open(name, "rb") as file:
                return file.read(MAX_BYTES + 1)
        except (FileNotFoundError, PermissionError):
            raise
        except OSError:
            if not pause:
                raise
            time.sleep(pause)
    raise AssertionError
