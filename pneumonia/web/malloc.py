"""Returns freed memory to the system: glibc keeps it per thread, and a server has many threads.

Without this the page grows with the films and does not stop, as tools/soak.py would tell.
"""

import contextlib
import ctypes

_M_ARENA_MAX = -8  # of glibc's malloc.h


def limit_arenas() -> None:
    """Limit glibc to one malloc arena. Call it before threads start."""
    with contextlib.suppress(OSError, TypeError, AttributeError):  # another system's library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return what is free now: of models that were loaded, of a large film's pictures."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
