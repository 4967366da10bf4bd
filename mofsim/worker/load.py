"""How busy this box is: its cores, its load, its memory. What the system does not tell is None."""

import os
from pathlib import Path

from mofsim.worker import memory, slots

_STAT = Path("/proc/stat")
#: Columns of /proc/stat: user nice system idle iowait irq softirq steal; what follows is counted in user and nice.
_COLUMNS = 8
_IDLE = (3, 4)


class CpuTime:
    """Tells how busy the cores were that this process may use, between one look and the next."""

    def __init__(self, stat: Path = _STAT) -> None:
        self._stat = stat
        self._before = self._read()

    def busy_percent(self) -> float | None:
        """Since the look before; None where that can not be known."""
        before, self._before = self._before, self._read()
        if before is None or self._before is None:
            return None
        busy, total = (now - then for now, then in zip(self._before, before, strict=True))
        return round(100 * busy / total, 1) if total > 0 else None

    def _read(self) -> tuple[int, int] | None:
        """Ticks that our cores were busy, and all ticks."""
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        busy = total = 0
        try:
            for line in self._stat.read_text().splitlines():
                name, *fields = line.split()
                if not name[3:].isdecimal() or (allowed is not None and int(name[3:]) not in allowed):
                    continue
                ticks = [int(field) for field in fields[:_COLUMNS]]
                total += sum(ticks)
                busy += sum(ticks) - sum(ticks[column] for column in _IDLE)
        except (OSError, ValueError, IndexError):
            return None
        return (busy, total) if total else None


def cores() -> int:
    return slots.cores()


def load_1min() -> float | None:
    """Processes that run or want to, over the last minute."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def memory_MB() -> tuple[float | None, float | None]:
    """What processes may use here, and what of it they do."""
    total, available = memory.total_MB(), memory.available_MB()
    used = None if total is None or available is None else max(0.0, total - available)
    return total, used
