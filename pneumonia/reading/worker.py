"""A process that reads strangers' films for another one: ``python -m pneumonia.reading.worker FD``.

It may use little memory, little time, no network and no disk to write to. It answers each line of
JSON on its standard input, a list of films, with a line per film, and leaves the pixels in the
shared memory behind the file descriptor ``FD``. See ``cage`` for who asks.
"""

import ctypes
import json
import mmap
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pneumonia.reading.archive import FilmRef, read_films
from pneumonia.reading.radiograph import Radiograph
from pneumonia.reading.refusals import RadiographError

MEMORY = 3 * 2**29  # bytes of address space
SECONDS = 10  # of processor time per film
FILES = 64  # open at a time
_NEW_USER_AND_NET = 0x50000000  # CLONE_NEWUSER | CLONE_NEWNET


def confine() -> None:
    """Give up what reading needs not: memory, writing files, dumping core, the network."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, FILES),
    ):
        most = _at_most(limit, value)
        resource.setrlimit(limit, (most, most))
    ctypes.CDLL(None).unshare(_NEW_USER_AND_NET)  # where the system allows it


def allow_seconds() -> None:
    """From now on ``SECONDS`` more of processor time; then the system ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most(resource.RLIMIT_CPU, soft), hard))


def _at_most(limit: int, value: int) -> int:
    """The value, or the hard limit of who started this where that is lower: none may raise it."""
    _, hard = resource.getrlimit(limit)
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def answer(film: Radiograph | RadiographError, memory: mmap.mmap) -> dict:
    """What is said of a film, whose pixels go into the shared memory."""
    if isinstance(film, RadiographError):
        arguments = {key: value for key, value in film.arguments.items() if key != "name"}
        return {"code": film.code, "name": film.name, "arguments": arguments}
    shared = np.frombuffer(memory, np.float32, film.pixels.size)
    shared.reshape(film.pixels.shape)[...] = film.pixels
    return {
        "shape": film.pixels.shape,
        "size": film.size,
        "name": film.name,
        "format": film.format,
        "notes": [[note.code, dict(note.arguments)] for note in film.notes],
        "saturation": film.saturation,
        "tags": asdict(film.tags),
        "ends": film.ends,
    }


def main() -> None:
    memory = mmap.mmap(int(sys.argv[1]), 0)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(2, 1)  # nothing that a decoder prints is an answer
    confine()
    for line in sys.stdin:
        films = [FilmRef(Path(path), member, entry) for path, member, entry in json.loads(line)]
        allow_seconds()
        for film in read_films(films):
            print(json.dumps(answer(film, memory)), file=out, flush=True)
            del film
            sys.stdin.readline()  # the pixels have been taken
            allow_seconds()


if __name__ == "__main__":
    main()
