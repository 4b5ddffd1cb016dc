"""Memory that is freed goes back: glibc keeps it for each thread, and a server has many of them.

Without this the page grows with the films and does not stop, as tools/soak.py would tell.
"""

import contextlib
import ctypes

_M_ARENA_MAX = -8  # of glibc's malloc.h


def limit_arenas() -> None:
    """Share what is freed among all threads; to be called before there are any."""
    with contextlib.suppress(OSError, TypeError, AttributeError):  # another system's library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return what is free now: loading a model takes twice what it keeps."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
