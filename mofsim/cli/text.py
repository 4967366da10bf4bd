"""Values as people read them."""

from datetime import UTC, datetime

#: stands for what is not known; never 0
UNKNOWN = "–"


def number(value: float | None, digits: int, unit: str = "") -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.{digits}f}{' ' if unit else ''}{unit}"


def duration(seconds: float | None) -> str:
    """At most two units: 8.2 s, 3 min 05 s, 2 h 10 min, 4 d 3 h."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"


def age(time: datetime | None) -> str:
    if time is None:
        return UNKNOWN
    return f"{duration(max(0.0, (datetime.now(UTC) - time).total_seconds()))} ago"


def between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from `start` to `end`, or to now while there is no end."""
    return None if start is None else ((end or datetime.now(UTC)) - start).total_seconds()


def clock(time: datetime | None) -> str:
    """Local date and time."""
    return UNKNOWN if time is None else f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def size(n_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def steps(done: int | None, total: int | None) -> str:
    if done is None:
        return UNKNOWN
    return f"{done}/{total}" if total else f"{done}"
