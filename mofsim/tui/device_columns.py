"""The columns of the list of workers and devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.style import Style

from mofsim.tui import device_words, format
from mofsim.tui.device_book import Place
from mofsim.tui.looks import ACTIVE, BAD, DIM, PLAIN, WARN, Glyphs
from mofsim.tui.store import Store
from mofsim.tui.widgets.table import Cell, Column
from mofsim.vocabulary import TaskStatus, WorkerState

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task

Clock = Callable[[], datetime]

STYLES: Final[Mapping[WorkerState, Style]] = {
    WorkerState.STARTING: ACTIVE,
    WorkerState.IDLE: PLAIN,
    WorkerState.BUSY: ACTIVE,
    WorkerState.PAUSED: WARN,
    WorkerState.DRAINING: WARN,
    WorkerState.DRAINED: WARN,
    WorkerState.STOPPED: DIM,
    WorkerState.LOST: BAD,
}
#: Hotter than this, or fuller, it is worth a look.
HOT_C, FULL = 85.0, 0.95


def device_columns(store: Store, glyphs: Glyphs, now: Clock) -> list[Column[Place]]:
    """What is dropped first where room is short: HEARD, MODELS, POWER, NAME, °C, MEMORY, USE."""
    return [
        Column("STATE", 10, lambda place, _: state(place, glyphs)),
        Column("DEVICE", 15, lambda place, width: _device(place, width, glyphs), flex=2, most=26),
        Column("NAME", 14, lambda place, width: _name(place, width, glyphs), flex=1, most=22, drop=4),
        Column("MEMORY", 15, lambda place, width: memory(place, width, glyphs), flex=1, most=24, drop=2),
        Column("USE", 12, lambda place, width: use(place, width, glyphs), flex=1, most=18, drop=1),
        Column("°C", 3, lambda place, _: _temperature(place, glyphs), right=True, drop=3),
        Column("POWER", 6, lambda place, _: _power(place, glyphs), right=True, drop=5),
        Column("TASK", 20, lambda place, width: task_cell(place, width, store, glyphs), flex=9, most=60, least=10),
        Column("MODELS", 12, lambda place, width: _models(place, width, glyphs), flex=1, most=24, drop=6),
        Column("HEARD", 8, lambda place, _: _heard(place, now(), glyphs), right=True, drop=7),
    ]


def brief_columns(store: Store, glyphs: Glyphs) -> list[Column[Place]]:
    """For the dashboard: a line for each device. What is dropped first: MEMORY, USE."""
    return [
        Column("STATE", 10, lambda place, _: state(place, glyphs)),
        Column("DEVICE", 15, lambda place, width: _device(place, width, glyphs), flex=1, most=30),
        Column("USE", 12, lambda place, width: use(place, width, glyphs), flex=1, most=22, drop=1),
        Column("MEMORY", 15, lambda place, width: memory(place, width, glyphs), flex=1, most=24, drop=2),
        Column("TASK", 16, lambda place, width: task_cell(place, width, store, glyphs), flex=5, most=80, least=10),
    ]


def state(place: Place, glyphs: Glyphs) -> Cell:
    if place.worker is None:
        return f"{glyphs.none} unused", DIM
    state = place.worker.state
    return f"{_glyph(state, glyphs)} {state.lower()}", STYLES[state]


def _glyph(state: WorkerState, glyphs: Glyphs) -> str:
    return {
        WorkerState.STARTING: glyphs.states[TaskStatus.ASSIGNED],
        WorkerState.IDLE: glyphs.states[TaskStatus.QUEUED],
        WorkerState.BUSY: glyphs.states[TaskStatus.RUNNING],
        WorkerState.PAUSED: glyphs.paused,
        WorkerState.DRAINING: glyphs.paused,
        WorkerState.DRAINED: glyphs.paused,
        WorkerState.STOPPED: glyphs.none,
        WorkerState.LOST: glyphs.failed,
    }[state]


def _device(place: Place, width: int, glyphs: Glyphs) -> Cell:
    return format.shorten(place.name, width, glyphs), PLAIN


def _name(place: Place, width: int, glyphs: Glyphs) -> Cell:
    return format.shorten(device_words.device_name(place), width, glyphs), DIM


def use(place: Place, width: int, glyphs: Glyphs) -> Cell:
    percent = place.busy_percent
    if percent is None:
        return glyphs.none, DIM
    return f"{format.bar(percent / 100, width - 6, glyphs)} {percent:3.0f} %", ACTIVE if percent >= 1 else DIM


def memory(place: Place, width: int, glyphs: Glyphs) -> Cell:
    used, total = place.used_MB, place.total_MB
    if used is None or not total:
        return (glyphs.none if total is None else f"{device_words.gigabytes(total)} GB"), DIM
    numbers = f"{device_words.gigabytes(used)}/{device_words.gigabytes(total)} GB"
    room = width - len(numbers) - 1
    text = f"{format.bar(used / total, room, glyphs)} {numbers}" if room >= 3 else numbers
    return text, WARN if used > FULL * total else PLAIN


def _temperature(place: Place, glyphs: Glyphs) -> Cell:
    found = place.gpu.temperature_C if place.gpu else None
    return (glyphs.none, DIM) if found is None else (f"{found:.0f}", BAD if found > HOT_C else PLAIN)


def _power(place: Place, glyphs: Glyphs) -> Cell:
    found = place.gpu.power_W if place.gpu else None
    return (glyphs.none, DIM) if found is None else (f"{found:.0f} W", PLAIN)


def task_cell(place: Place, width: int, store: Store, glyphs: Glyphs) -> Cell:
    """What runs there, how far it is and how long it takes; else why nothing does."""
    worker = place.worker
    if worker is None:
        fault = place.gpu.fault if place.gpu else None
        return (
            (format.shorten(fault, width, glyphs), BAD)
            if fault
            else (format.shorten("no worker uses it", width, glyphs), DIM)
        )
    task = store.devices.task_of(worker)
    if task is not None:
        return _task(task, width, store, glyphs), ACTIVE
    if worker.task_id is not None:
        return f"task {worker.task_id}", ACTIVE
    why = worker.note or device_words.wishes(worker)
    return format.shorten(why, width, glyphs), WARN if worker.note else DIM


def _task(task: Task, width: int, store: Store, glyphs: Glyphs) -> str:
    name, far = f"{task.id} {format.name(task)}", device_words.how_far(task, store)
    room = width - len(far) - 3
    return f"{name:<{room}}  {far}" if far and len(name) <= room else format.shorten(name, width, glyphs)


def _models(place: Place, width: int, glyphs: Glyphs) -> Cell:
    models = ", ".join(place.worker.loaded_models) if place.worker else ""
    return (format.shorten(models, width, glyphs), PLAIN) if models else (glyphs.none, DIM)


def _heard(place: Place, now: datetime, glyphs: Glyphs) -> Cell:
    return (device_words.heard(place.worker, now), PLAIN) if place.worker else (glyphs.none, DIM)
