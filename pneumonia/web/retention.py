"""Upload retention: no file stays an hour, and none stays behind when the page ends.

Gradio's ``delete_cache`` sees only what it stored itself, and nothing that a killed page left.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_AGE = 3000  # seconds a file may stay
_PREFIX = "films-"
_INTERVAL = 600  # seconds between two sweeps, so that none stays longer than an hour


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
        sweeper = threading.Thread(
            target=_sweep_all, args=(Path(folder).parent, ended), daemon=True
        )
        sweeper.start()
        try:
            yield Path(folder)
        finally:
            ended.set()
            sweeper.join()


def sweep(folder: Path, seconds: float = MAX_AGE) -> None:
    """Delete what has not changed in ``folder`` for that many seconds, and folders left empty."""
    before = time.time() - seconds
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies in a folder before the folder
        try:
            if path.is_dir():
                path.rmdir()  # which fails unless it is empty
            elif path.stat().st_mtime < before:
                path.unlink()
        except OSError:
            continue


def _sweep_all(above: Path, ended: threading.Event) -> None:
    """Sweep all such folders: one may be left of a page that was killed."""
    while True:
        for folder in above.glob(f"{_PREFIX}*"):
            sweep(folder)
        if ended.wait(_INTERVAL):
            return
