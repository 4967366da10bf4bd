"""The columns of the list of tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mofsim.tui import format
from mofsim.tui.looks import ACTIVE, BAD, DIM, PLAIN, STATE_STYLES, STATE_WORDS, WARN, Glyphs
from mofsim.tui.store import Store
from mofsim.tui.summary import moment
from mofsim.tui.widgets.table import Cell, Column
from mofsim.vocabulary import Priority, TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Progress, Task

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Offer:
    """A column that can be chosen; `usual` where nobody chose."""

    name: str
    help: str
    column: Column[Task]
    usual: bool = True


def task_columns(store: Store, glyphs: Glyphs, now: Clock, names: Sequence[str] = ()) -> list[Column[Task]]:
    """Those with these names, in this order, of which the last are dropped first where room is short.

    Without names the usual ones, of which are dropped: ELAPSED, MODEL, GPU, FMAX, PROGRESS, ETA.
    """
    found = {offer.name: offer for offer in offers(store, glyphs, now)}
    chosen = [found[name] for name in dict.fromkeys(names) if name in found]
    if not chosen:
        return [offer.column for offer in found.values() if offer.usual]
    return [replace(offer.column, drop=place) for place, offer in enumerate(chosen)]


def offers(store: Store, glyphs: Glyphs, now: Clock) -> list[Offer]:
    def cut(text: Callable[[Task], str]) -> Callable[[Task, int], Cell]:
        return lambda task, width: _cut(text(task), width, glyphs)

    def some(text: Callable[[Task], str | None]) -> Callable[[Task, int], Cell]:
        return lambda task, width: _cut(found, width, glyphs) if (found := text(task)) else (glyphs.none, DIM)

    def column(title: str, width: int, cell: Callable[[Task, int], Cell], **more: Any) -> Column[Task]:
        return Column(title, width, cell, **more)

    def time(of: Callable[[Task], datetime | None]) -> Callable[[Task, int], Cell]:
        return some(lambda task: moment(found, now()) if (found := of(task)) else None)

    name = column("NAME", 14, lambda task, width: _name(task, width, glyphs), flex=3, most=44, sort="task_type")
    bar = column("PROGRESS", 14, lambda t, width: _progress(t, width, store, glyphs), flex=3, most=26, drop=2)
    return [
        Offer("id", "number of the task", column("ID", 6, cut(lambda task: str(task.id)), sort="id")),
        Offer("name", "what it does, and the structure", name),
        Offer("model", "potential", column("MODEL", 12, cut(lambda t: t.model), flex=1, most=18, drop=5, sort="model")),
        Offer("state", "state", column("STATE", 11, lambda task, _: state(task, glyphs), sort="status")),
        Offer("gpu", "device", column("GPU", 4, lambda task, _: _device(task, glyphs), right=True, drop=4)),
        Offer("progress", "how far it is, or why it waits", bar),
        Offer("fmax", "largest force in eV/Å", column("FMAX", 8, lambda t, _: _fmax(t, glyphs), right=True, drop=3)),
        Offer(
            "elapsed",
            "how long it ran or waits",
            column("ELAPSED", 9, lambda task, _: _elapsed(task, now(), glyphs), right=True, drop=6),
        ),
        Offer("eta", "time left", column("ETA", 8, lambda task, _: _eta(task, store, glyphs), right=True, drop=1)),
        Offer("energy", "energy in eV", column("ENERGY", 12, some(_energy), right=True), usual=False),
        Offer("step", "steps made", column("STEP", 7, some(_step), right=True), usual=False),
        Offer("type", "type of task", column("TYPE", 18, cut(lambda task: task.task_type), sort="task_type"), False),
        Offer("structure", "structure", column("STRUCTURE", 12, cut(lambda t: t.structure.name), flex=1), False),
        Offer("formula", "formula", column("FORMULA", 16, cut(lambda t: t.structure.formula), flex=1), False),
        Offer("atoms", "atoms", column("ATOMS", 6, cut(lambda t: str(t.structure.n_atoms)), right=True), False),
        Offer("preset", "preset", column("PRESET", 11, cut(lambda task: task.preset)), False),
        Offer("priority", "priority", column("PRIORITY", 9, cut(_priority), sort="priority"), False),
        Offer("submitted", "when it was submitted", column("SUBMITTED", 19, time(lambda t: t.created_at)), False),
        Offer("ended", "when it ended", column("ENDED", 19, time(lambda t: t.completed_at)), False),
        Offer("worker", "worker that has or had it", column("WORKER", 14, some(lambda t: t.worker_id), flex=1), False),
        Offer(
            "attempt", "attempt, of so many", column("TRY", 5, cut(lambda t: f"{t.attempt}/{t.max_attempts}")), False
        ),
        Offer("batch", "batch", column("BATCH", 6, some(lambda t: str(t.batch_id or "")), right=True), False),
    ]


def _energy(task: Task) -> str | None:
    energy = task.progress.energy_eV
    return None if energy is None else f"{energy:.4f}"


def _step(task: Task) -> str | None:
    return None if task.progress.step is None else str(task.progress.step)


def _priority(task: Task) -> str:
    return task.priority.name.lower()


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
