"""Retention: nothing of a visitor's stays an hour, and no file stays behind when the page ends.

Gradio's ``delete_cache`` sees only what it stored itself, and nothing that a killed page left.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_AGE = 3000  # seconds a file may stay
_PREFIX = "pneumonia-uploads-"  # in a folder that others use too, often /tmp
_INTERVAL = 600  # seconds between two sweeps, so that none stays longer than an hour

sweeps: list[Callable[[], None]] = []  # of what is kept in memory, called with each of the files


@contextmanager
def upload_folder() -> Iterator[Path]:
    """A folder for uploads that is swept while the page runs, and gone when it ends.

    It is made in the folder that ``$GRADIO_TEMP_DIR`` names, and the variable then names it. Enter
    it before Gradio is imported.
    """
    above = os.environ.get("GRADIO_TEMP_DIR")
    if above:
        Path(above).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, dir=above, ignore_cleanup_errors=True
    ) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        ended = threading.Event()
        sweeper = threading.Thread(target=_sweep_all, args=(Path(folder), ended), daemon=True)
        sweeper.start()
        try:
            yield Path(folder)
        finally:
            ended.set()
            sweeper.join()


def sweep(folder: Path, seconds: float = MAX_AGE) -> None:
    """Delete the files and the empty folders that have not changed for that many seconds.

    A folder that was emptied just now is young, as is one that waits for its first file.
    """
    before = time.time() - seconds
    for above, folders, files in os.walk(folder, topdown=False):  # which skips what has vanished
        for names, remove in ((files, os.remove), (folders, os.rmdir)):
            for path in (os.path.join(above, name) for name in names):
                with suppress(OSError):  # such as that a folder is not empty
                    if os.lstat(path).st_mtime < before:
                        remove(path)


def _sweep_all(mine: Path, ended: threading.Event) -> None:
    """Sweep all folders of this user's pages: one may be left of a page that was killed."""
    while True:
        for folder in mine.parent.glob(f"{_PREFIX}*"):
            with suppress(OSError):  # its page has just ended
                if folder.lstat().st_uid == mine.lstat().st_uid:  # nor is it another user's link
                    sweep(folder)
        for sweep_memory in sweeps:
            sweep_memory()
        if ended.wait(_INTERVAL):
            return
