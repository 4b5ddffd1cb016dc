"""Films of strangers are read in processes of their own: one film costs one film at most.

A decoder can be made to run for hours or to take all the memory, by files that no check foresees.
So pages and services read in ``worker`` processes with limits, which are ended and replaced when a
film takes more. Only numbers and codes come back from them, and the pixels in shared memory.
"""

import json
import logging
import mmap
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from pneumonia.reading.archive import FilmRef, read_films
from pneumonia.reading.arrays import MAX_PIXELS
from pneumonia.reading.dicom import Tags
from pneumonia.reading.radiograph import Radiograph
from pneumonia.reading.refusals import Note, RadiographError

KEPT = 2**24  # bytes of shared memory that stay with a reader, so that most films find it warm
OWN = {
    # each further thread reserves address space, and only a process of one can leave the network
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")},
    # what an ordinary film took stays: to fetch it anew takes as long as to read
    **{"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)},
}
log = logging.getLogger(__name__)

WALL_SECONDS = 60  # per film, in which a worker waits for a processor or a disk


class Reader:
    """One worker process, started at once."""

    def __init__(self) -> None:
        self._idle = True
        self._memory = os.memfd_create("film")
        try:
            os.ftruncate(self._memory, 4 * MAX_PIXELS)
            self._map = mmap.mmap(self._memory, 0, prot=mmap.PROT_READ)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pneumonia.reading.worker", str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[self._memory],
                env={**os.environ, **OWN, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                encoding="utf-8",
                errors="surrogateescape",
            )
        except OSError:
            os.close(self._memory)
            raise

    def read(self, films: Sequence[FilmRef]) -> Iterator[Radiograph | RadiographError]:
        """Each film or why it cannot be read; ends early where the worker has ended."""
        self._idle = False
        if not self._say(json.dumps([[str(f.path), f.member, f.entry] for f in films])):
            return
        for _ in films:
            try:
                answer = self._answer(json.loads(self._hear()))
            except (ValueError, TypeError, KeyError):  # it has ended, or is not itself any more
                return
            if not self._say(""):
                return
            yield answer
        self._idle = True

    @property
    def ready(self) -> bool:
        """Whether nothing is under way and the process lives."""
        return self._idle and self._process.poll() is None

    def close(self) -> None:
        """End the process and give its memory back."""
        self._process.kill()
        self._process.communicate()
        self._map.close()
        os.close(self._memory)

    def _say(self, line: str) -> bool:
        try:
            print(line, file=self._process.stdin, flush=True)
        except OSError:  # it has ended
            return False
        return True

    def _hear(self) -> str:
        alarm = threading.Timer(WALL_SECONDS, self._process.kill)
        alarm.start()
        try:
            return self._process.stdout.readline() if self._process.stdout else ""
        finally:
            alarm.cancel()

    def _answer(self, said: dict) -> Radiograph | RadiographError:
        if "code" in said:
            return RadiographError(said["code"], said["name"], **said["arguments"])
        height, width = said["shape"]
        pixels = np.frombuffer(self._map, np.float32, height * width).reshape(height, width).copy()
        if pixels.nbytes > KEPT:  # what so large a film took goes back to the system
            os.ftruncate(self._memory, KEPT)
            os.ftruncate(self._memory, 4 * MAX_PIXELS)
        notes = tuple(Note(code, arguments) for code, arguments in said["notes"])
        facts = (said["name"], said["format"], notes, said["saturation"], tuple(said["size"]))
        ends = said["ends"] and tuple(said["ends"])
        return Radiograph(pixels, *facts, Tags(**said["tags"]), ends)


class Cage:
    """A few readers, for any number of threads at a time.

    Where the system has no anonymous files (it is not Linux), or no room for one, films are read in
    this process.
    """

    def __init__(self, readers: int = 2) -> None:
        self._idle: queue.LifoQueue[Reader] | None = queue.LifoQueue()
        try:
            for _ in range(readers):
                self._idle.put(Reader())
        except (AttributeError, OSError) as error:
            log.warning("Films are read without a process of their own: %s", error)
            self.close()
            self._idle = None

    def read(self, film: FilmRef) -> Radiograph:
        """One film.

        Raises:
            RadiographError: it cannot be read, or takes too long or too much memory.
        """
        (answer,) = self.read_films([film])
        if isinstance(answer, RadiographError):
            raise answer
        return answer

    def read_films(self, films: Sequence[FilmRef]) -> Iterator[Radiograph | RadiographError]:
        """Films one after the other, and an archive's in one opening.

        Yields:
            The film, or why it cannot be read.

        Raises:
            OSError: the system has no room for another process at this moment.
        """
        if self._idle is None:
            yield from read_films(films)
            return
        done = 0
        while done < len(films):
            reader = self._idle.get()
            try:
                reader = _alive(reader)
                for answer in reader.read(films[done:]):
                    done += 1
                    yield answer
            finally:
                with suppress(OSError):  # the next film tries again
                    reader = _alive(reader)
                self._idle.put(reader)
            if done < len(films):
                yield RadiographError("too_costly", films[done].name)
                done += 1

    def close(self) -> None:
        """End all readers that are idle."""
        while self._idle and not self._idle.empty():
            self._idle.get().close()


def _alive(reader: Reader) -> Reader:
    """The reader, or another in its place if it was ended, or left amid a batch."""
    if reader.ready:
        return reader
    another = Reader()
    reader.close()
    return another
