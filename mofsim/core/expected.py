"""What a task is expected to need, in words for a person."""

from mofsim.schemas.estimates import MemoryEstimate, TimeEstimate


def sentence(memory: MemoryEstimate | None, time: TimeEstimate | None, reused_from: int | None = None) -> str:
    """E.g. `about 1.3 GB and 40 s (12–95 s, learnt from 7 tasks)`."""
    if reused_from is not None:
        return f"nothing is computed: task {reused_from} has its result"
    needs = _memory(memory)
    if needs is None and time is None:
        return "memory and time are not known yet: no such task has ended here"
    if time is None:
        return f"{needs}; its time is not known yet: no such task has ended here"
    if needs is None:
        return f"about {_time(time)}; its memory is not known yet"
    about = "" if needs.startswith("about") else "about "
    return f"{needs} and {about}{_time(time)}"


def _memory(found: MemoryEstimate | None) -> str | None:
    if found is None or (found.memory_MB is None and found.known_too_little_MB is None):
        return None
    if found.memory_MB is None:
        return f"more than {gigabytes(found.known_too_little_MB or 0.0)}"
    return f"{'at most' if found.is_limit else 'about'} {gigabytes(found.memory_MB)}"


def _time(found: TimeEstimate) -> str:
    source = "1 task" if found.tasks == 1 else f"{found.tasks} tasks"
    source += "" if found.same_parameters else " with other parameters"
    around = duration_range(found.low, found.high)
    is_narrow = duration(found.low) == duration(found.high)
    return f"{duration(found.median)} ({'' if is_narrow else f'{around}, '}learnt from {source})"


def gigabytes(MB: float) -> str:
    return f"{MB / 1000:.1f} GB" if MB >= 1000 else f"{MB:.0f} MB"


#: Seconds in a unit, and up to how many seconds it is used.
_UNITS = (("s", 1.0, 100.0), ("min", 60.0, 100 * 60.0), ("h", 3600.0, 72 * 3600.0), ("d", 86400.0, float("inf")))


def duration(seconds: float) -> str:
    """With two digits, as an estimate deserves: 0.4 s, 40 s, 8 min, 2.5 h, 4 d."""
    unit, size = _unit(seconds)
    return f"{_number(seconds / size)} {unit}"


def duration_range(low: float, high: float) -> str:
    """12–95 s; 40 s–3 min where one unit does not do."""
    (unit, size), (other, _) = _unit(low), _unit(high)
    return f"{_number(low / size)}–{duration(high)}" if unit == other else f"{duration(low)}–{duration(high)}"


def _unit(seconds: float) -> tuple[str, float]:
    return next((unit, size) for unit, size, until in _UNITS if seconds < until)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
