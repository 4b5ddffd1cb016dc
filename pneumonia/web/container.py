"""What a container or a shell lets the page have (on Linux: control groups, versions 1 and 2)."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

MEMORY = 0.8e9  # bytes, with which the page starts; films take more
ADDRESS_SPACE = 4e9  # bytes; with less some libraries try for ever instead of failing
_GROUPS = Path("/sys/fs/cgroup")


def check_memory() -> None:
    """Look at the limits before anything large is loaded: who takes more is ended without a word.

    Raises:
        OSError: the page cannot live with so little.
    """
    for need, given, where in (
        (MEMORY, memory(), "memory in this container"),
        (ADDRESS_SPACE, _address_space(), "address space (ulimit -v)"),
    ):
        if given is not None and given < need:
            raise OSError(f"The page needs {need / 1e9:g} GB of {where}, not {given / 1e9:.2g}.")


def allow_files() -> None:
    """As many open files as the system permits: connections and half of an upload count, too."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def memory(groups: Path = _GROUPS) -> int | None:
    """Bytes that the container may use; None where no limit is set."""
    names = ("memory.max", "memory.limit_in_bytes")
    found = [text for name in names for text in _say(groups, "memory", name)]
    return min((int(text) for text in found if text.isdecimal()), default=None)


def processors(groups: Path = _GROUPS) -> float | None:
    """How many processors' time the container may use; None where no limit is set.

    ``$CPU_CORES`` counts, too, by which Hugging Face tells a Space.
    """
    quotas = [text.split()[:2] for text in _say(groups, "cpu", "cpu.max")]
    first, second = (_say(groups, "cpu", f"cpu.cfs_{what}_us") for what in ("quota", "period"))
    quotas += map(list, zip(first, second, strict=False))
    found = [int(quota) / int(period) for quota, period in quotas if quota.isdecimal()]
    told = os.environ.get("CPU_CORES", "")
    return min([*found, *([float(told)] if told.isdecimal() else [])], default=None)


def _address_space() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _say(groups: Path, controller: str, name: str) -> Iterator[str]:
    """What the file of that name says in this process's control group and in those above it.

    Version 2 has one tree, version 1 one for each controller. A container may see its own group as
    the root of the tree, under a name that is not there.
    """
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, group = line.split(":", 2)
        if controller in controllers.split(",") or not controllers:
            root = groups / controllers
            folder = root / group.lstrip("/")
            for above in (folder, *folder.parents):
                if above.is_relative_to(root) and (text := _read(above / name)):
                    yield text


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
