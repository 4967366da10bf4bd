"""The columns of the list of tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.looks import ACTIVE, BAD, DIM, PLAIN, STATE_STYLES, STATE_WORDS, WARN, Glyphs
from mofsim.tui.store import Store
from mofsim.tui.widgets.table import Cell, Column
from mofsim.vocabulary import Priority, TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Progress, Task

Clock = Callable[[], datetime]


def task_columns(store: Store, glyphs: Glyphs, now: Clock) -> list[Column[Task]]:
    """What is dropped first where room is short: ELAPSED, MODEL, GPU, FMAX, PROGRESS, ETA."""
    return [
        Column("ID", 6, lambda task, _: (str(task.id), PLAIN), sort="id"),
        Column("NAME", 14, lambda task, width: _name(task, width, glyphs), flex=3, most=44, sort="task_type"),
        Column("MODEL", 12, lambda task, width: _cut(task.model, width, glyphs), flex=1, most=18, drop=5, sort="model"),
        Column("STATE", 11, lambda task, _: state(task, glyphs), sort="status"),
        Column("GPU", 4, lambda task, _: _device(task, glyphs), right=True, drop=4),
        Column("PROGRESS", 14, lambda task, width: _progress(task, width, store, glyphs), flex=3, most=26, drop=2),
        Column("FMAX", 8, lambda task, _: _fmax(task, glyphs), right=True, drop=3),
        Column("ELAPSED", 9, lambda task, _: _elapsed(task, now(), glyphs), right=True, drop=6),
        Column("ETA", 8, lambda task, _: _eta(task, store, glyphs), right=True, drop=1),
    ]


def state(task: Task, glyphs: Glyphs) -> Cell:
    if task.stop_requested and task.status.is_active:
        return f"{glyphs.states[task.status]} stopping", WARN
    return f"{glyphs.states[task.status]} {STATE_WORDS[task.status]}", STATE_STYLES[task.status]


def _name(task: Task, width: int, glyphs: Glyphs) -> Cell:
    return _cut(format.name(task), width, glyphs)


def _cut(text: str, width: int, glyphs: Glyphs) -> Cell:
    return format.shorten(text, width, glyphs), PLAIN


def _device(task: Task, glyphs: Glyphs) -> Cell:
    slot = format.device(task)
    return (slot, PLAIN) if slot else (glyphs.none, DIM)


def _fmax(task: Task, glyphs: Glyphs) -> Cell:
    fmax = task.progress.fmax_eV_per_A
    return (format.number(fmax), PLAIN) if fmax is not None else (glyphs.none, DIM)


def _elapsed(task: Task, now: datetime, glyphs: Glyphs) -> Cell:
    text = format.elapsed(task, now)
    return (text, DIM if task.status.is_waiting else PLAIN) if text else (glyphs.none, DIM)


def _eta(task: Task, store: Store, glyphs: Glyphs) -> Cell:
    seconds = store.seconds_left(task)
    return (glyphs.none, DIM) if seconds is None else (f"~{format.rough(seconds)}", PLAIN)


def _progress(task: Task, width: int, store: Store, glyphs: Glyphs) -> Cell:
    match task.status:
        case TaskStatus.QUEUED | TaskStatus.PENDING:
            return _waiting(task, width, glyphs)
        case TaskStatus.ASSIGNED:
            return _cut("loading the model"[:width], width, glyphs)[0], DIM
        case TaskStatus.RUNNING:
            return _running(task, width, store, glyphs)
        case TaskStatus.COMPLETED:
            return _with_bar(1.0, width, glyphs), DIM
        case TaskStatus.FAILED if task.error:
            return format.shorten(task.error.message or task.error.type, width, glyphs), BAD
        case _:
            return format.outcome(task), DIM


def _waiting(task: Task, width: int, glyphs: Glyphs) -> Cell:
    text = format.waits_for(task)
    if text:
        return format.shorten(text, width, glyphs), WARN if task.held else DIM
    if task.priority is not Priority.NORMAL:
        return format.shorten(f"{task.priority.name.lower()} priority", width, glyphs), DIM
    return "", DIM


def _running(task: Task, width: int, store: Store, glyphs: Glyphs) -> Cell:
    """A bar where it is known how far there is to go; a relaxation's limit of steps does not tell that."""
    found = store.forecast(task)
    progress = task.progress
    if found is not None and progress.step is not None:
        return _with_bar(progress.step / max(1, found.goal_step), width, glyphs), ACTIVE
    if format.is_relaxation(task) or progress.percent is None:
        return (f"step {progress.step}" if progress.step is not None else "starting"), ACTIVE
    if not progress.brief:
        return _with_bar(progress.percent / 100, width, glyphs), ACTIVE
    return _stage(progress, width, glyphs), ACTIVE


def _stage(progress: Progress, width: int, glyphs: Glyphs) -> str:
    """What is being done, and how much of all that is, where there is room for both."""
    if progress.remaining_seconds is None:
        return format.shorten(progress.brief, width, glyphs)
    part = f"{(progress.percent or 0.0) / 100:4.0%}"
    room = width - len(part) - 1
    return (
        f"{progress.brief:<{room}} {part}"
        if len(progress.brief) <= room
        else format.shorten(progress.brief, width, glyphs)
    )


def _with_bar(fraction: float, width: int, glyphs: Glyphs) -> str:
    return f"{format.bar(fraction, width - 5, glyphs)} {min(1.0, fraction):4.0%}"
