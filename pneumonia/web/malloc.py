"""Returns freed memory to the system: glibc keeps it per thread, and a server has many threads.

Without this the page grows with the films and does not stop, as tools/soak.py would tell.
"""

import contextlib
import ctypes

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
_LARGE = 2**23  # bytes of one block, such as the pixels of a film of two megapixels


def limit_arenas() -> None:
    """Limit glibc to one malloc arena, and to none for what a large film takes, which then goes
    back as soon as it is free. Call it before threads start."""
    with contextlib.suppress(OSError, TypeError, AttributeError):  # another system's library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def trim_heap() -> None:
    """Return what is free now: loading a model takes twice the memory that it keeps."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
