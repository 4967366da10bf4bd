"""What a task is and how it fares, as lines of text for the panes of its screen. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.eta import seconds_per_step

if TYPE_CHECKING:
    from mofsim.schemas.tasks import SeriesColumns, Task

Pair = tuple[str, str]


def summary(task: Task, series: SeriesColumns | None, now: datetime) -> list[str]:
    return _columns([*_what(task), *_when(task, now), *_how(series)])


def _what(task: Task) -> Iterator[Pair]:
    yield "model", task.model
    yield "structure", f"{task.structure.name}  {format.grouped(task.structure.n_atoms)} atoms"
    if format.is_relaxation(task):
        cell = "cell relaxed" if task.parameters.get("relax_cell") else "cell fixed"
        yield "optimiser", f"{task.parameters.get('optimizer', '')}, {cell}"
    yield "preset", str(task.preset)
    yield "priority", task.priority.name.lower()
    if task.attempt > 1:
        yield "attempt", f"{task.attempt} of {task.max_attempts}"


def _when(task: Task, now: datetime) -> Iterator[Pair]:
    yield "submitted", moment(task.created_at, now)
    begin = task.started_at or (now if task.status.is_waiting else None)
    if begin:
        yield "waited", format.clock((begin - task.created_at).total_seconds())
    if task.started_at:
        end = task.completed_at or now
        yield "ran" if task.completed_at else "running", format.clock((end - task.started_at).total_seconds())
    if task.worker_id:
        yield "on", format.place(task) or task.worker_id
    if not task.status.is_final:
        yield "time limit", format.clock(task.timeout_seconds)


def _how(series: SeriesColumns | None) -> Iterator[Pair]:
    if series is None:
        return
    steps = series.columns.get("step", [])
    speed = seconds_per_step(steps, series.columns.get("time_s", [None] * len(steps)))
    if speed is not None:
        yield "speed", f"{speed:.3g} s/step"
    volumes = [volume for volume in series.columns.get("volume_A3", []) if volume]
    if len(volumes) > 1:
        yield "volume", f"{volumes[-1]:.1f} Å³ ({100 * (volumes[-1] / volumes[0] - 1):+.2f} %)"
    energies = [energy for energy in series.columns.get("energy_eV", []) if energy is not None]
    if energies:
        yield "energy", f"{energies[-1]:.4f} eV"


def moment(time: datetime, now: datetime) -> str:
    """Local time; the date too when it is not today's."""
    local = time.astimezone()
    return f"{local:%H:%M:%S}" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d %H:%M:%S}"


def _columns(pairs: Sequence[Pair]) -> list[str]:
    width = max((len(label) for label, _ in pairs), default=0)
    return [f"{label:<{width}}  {value}" for label, value in pairs]
