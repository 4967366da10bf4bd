"""The memory that processes of this machine may use: of the machine, or of the control group that holds them.

Everything is None where the system does not tell (macOS has neither file).
"""

from collections.abc import Iterator
from pathlib import Path

_MB = 1e6
_CGROUPS = Path("/sys/fs/cgroup")


def total_MB() -> float | None:
    limits = [_meminfo("MemTotal"), *(limit for limit, _ in _groups())]
    return min((limit for limit in limits if limit is not None), default=None)


def available_MB() -> float | None:
    """What a new process could have before somebody is killed for it."""
    left = [_meminfo("MemAvailable"), *(max(0.0, limit - used) for limit, used in _groups())]
    return min((each for each in left if each is not None), default=None)


def kills() -> int:
    """A counter that rises when the kernel kills a process because memory has run out."""
    files = [Path("/proc/vmstat")]
    files += [folder / name for folder in _folders() for name in ("memory.events", "memory.oom_control")]
    return sum(_counter(file, "oom_kill") for file in files)


def _groups() -> Iterator[tuple[float, float]]:
    """Limit and use of each control group that holds this process and has a limit."""
    for folder in _folders():
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes")
        if limit is not None and used is not None:
            # Files that were read stay in memory until somebody needs it.
            cached = _counter(folder / "memory.stat", "inactive_file") / _MB
            yield limit, used - cached


def _folders() -> Iterator[Path]:
    """The folders of those control groups, version 2 or 1; a container may see its own as the topmost."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            top = _CGROUPS / controllers
            inner = top / path.lstrip("/")
            yield from (each for each in (inner, *inner.parents) if each.is_relative_to(top) and each.is_dir())


def _meminfo(name: str) -> float | None:
    kB = _counter(Path("/proc/meminfo"), f"{name}:")
    return kB * 1024 / _MB if kB else None


def _counter(file: Path, name: str) -> int:
    """The number after `name` in a file of lines `name number`; 0 where there is none."""
    try:
        for line in file.read_text().splitlines():
            words = line.split()
            if words[0] == name:
                return int(words[1])
    except (OSError, ValueError, IndexError):
        pass
    return 0


def _number(file: Path) -> float | None:
    """Bytes in MB; None for "max"."""
    try:
        return int(file.read_text()) / _MB
    except (OSError, ValueError):
        return None
