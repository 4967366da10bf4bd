"""Numbers, times and tasks as short texts. Knows neither Textual nor HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui.looks import Glyphs
from mofsim.vocabulary import TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task

#: What a task does, as the first word of its name.
VERBS = {TaskType.OPTIMIZATION: "relax", TaskType.SINGLE_POINT: "energy"}


def name(task: Task) -> str:
    return f"{VERBS.get(task.task_type) or task.task_type.replace('-', ' ')} {task.structure.name}"


def is_relaxation(task: Task) -> bool:
    """Whether it ends when its forces are small, so that its number of steps is not known beforehand."""
    return task.task_type is TaskType.OPTIMIZATION


def device(task: Task) -> str | None:
    """`0` for GPU 0, `cpu0` for a CPU slot; None when no worker holds it."""
    if not task.worker_id or task.status.is_waiting:
        return None
    return task.worker_id.rpartition(":")[2].removeprefix("gpu")


def place(task: Task) -> str | None:
    """Where it runs, in words: `GPU 0 of box-1`."""
    slot = device(task)
    if slot is None:
        return None
    host = (task.worker_id or "").rpartition(":")[0]
    return f"{f'GPU {slot}' if slot.isdecimal() else slot} of {host}" if host else slot


def number(value: float | None, none: str = "–") -> str:
    """Three significant digits: 0.184, 12.3, 1900, 1.9e+05."""
    if value is None:
        return none
    if value and not 1e-3 <= abs(value) < 1e4:
        return f"{value:.1e}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def grouped(count: int) -> str:
    """1 204: a thin thousands separator that no locale reads as a decimal point."""
    return f"{count:,}".replace(",", " ")


def clock(seconds: float) -> str:
    """05:02, 1:05:02, 3d 04:05: for a time that is shown to the second."""
    total = max(0, int(seconds))
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days}d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes:02}:{secs:02}"


def rough(seconds: float) -> str:
    """40 s, 4 min, 2 h 54 m, 3 d: for a time that is an estimate."""
    total = max(0.0, seconds)
    if total < 55:
        return f"{max(1, round(total / 5) * 5)} s" if total >= 8 else f"{max(1, round(total))} s"
    minutes = round(total / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m" if hours < 48 else f"{round(total / 86400)} d"


def age(seconds: float) -> str:
    """A waiting time, coarse on purpose, so that a screen where nothing happens does not change each second."""
    if seconds < 60:
        return "<1 min"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02}"
    return f"{int(seconds // 86400)} d {int(seconds % 86400 // 3600):02} h"


def elapsed(task: Task, now: datetime) -> str | None:
    """How long it ran, or has been running or waiting."""
    if task.started_at is None:
        return None if task.status.is_final else age((now - task.created_at).total_seconds())
    return clock(((task.completed_at or now) - task.started_at).total_seconds())


def waits_for(task: Task) -> str:
    """What a waiting task needs besides a free worker; empty when that is all."""
    if task.held:
        return "held"
    if task.awaits_parent:
        return f"needs {task.parent_id}"
    later = task.retry_at or (task.not_before if task.status is TaskStatus.PENDING else None)
    return f"not before {later.astimezone():%H:%M:%S}" if later else ""


def bar(fraction: float, width: int, glyphs: Glyphs) -> str:
    """A bar `width` cells wide, in eighths of a cell where the terminal has them."""
    steps = glyphs.bar_steps
    parts = len(steps) - 1
    filled = round(min(max(fraction, 0.0), 1.0) * width * parts)
    whole, rest = divmod(filled, parts)
    return (steps[-1] * whole + (steps[rest] if rest else "")).ljust(width)


def shorten(text: str, width: int, glyphs: Glyphs) -> str:
    """At most `width` characters, with dots where something is missing."""
    if len(text) <= width:
        return text
    return text[: max(0, width - len(glyphs.dots))] + glyphs.dots[:width]


def size(n_bytes: float) -> str:
    for unit in ("B", "KB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 10 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def outcome(task: Task) -> str:
    """A word or two on how far it came, for where no bar fits."""
    if task.status is TaskStatus.FAILED and task.error:
        return task.error.type
    return f"step {task.progress.step}" if task.progress.step else ""
