"""Why a task is where it is, and what comes next, in lines of text. Knows neither Textual nor HTTP."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.eta import Forecast
from mofsim.tui.trail import goal_of, limit_of
from mofsim.vocabulary import StopReason, TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task, TaskResult


def why_lines(
    task: Task, sentence: str | None, forecast: Forecast | None, width: int, result: TaskResult | None = None
) -> list[str]:
    """`sentence` is the server's explanation, once it is there; a running task needs none.

    `result` is that of a task that has completed, once it is there.
    """
    found = []
    for line in _sentences(task, sentence, forecast, result):
        found += textwrap.wrap(line, max(20, width)) or [""]
    return found


def _sentences(task: Task, sentence: str | None, forecast: Forecast | None, result: TaskResult | None) -> Iterator[str]:
    if task.status is TaskStatus.COMPLETED and result is not None:
        # Loaded with the first result that is looked at: the first picture shows none.
        from mofsim.tui.outcome import result_lines

        yield from result_lines(task, result)
        return
    if task.status in (TaskStatus.FAILED, TaskStatus.TIMEOUT):
        from mofsim.tui.outcome import error_lines

        yield from error_lines(task)
        return
    if task.status is TaskStatus.RUNNING and not task.stop_requested:
        yield f"running on {format.place(task) or 'a worker'}"
        yield from _running(task, forecast)
        return
    yield sentence or _plainly(task)
    if task.status.is_waiting:
        yield f"{task.priority.name.lower()} priority; + and - change it"
    elif task.status is TaskStatus.CANCELLED:
        if task.progress.step:
            yield f"it came to step {task.progress.step}, {_fmax(task)}"
        yield "r tries it again; l shows its log"


def _running(task: Task, forecast: Forecast | None) -> Iterator[str]:
    goal = goal_of(task)
    if task.progress.step is None:
        return
    if goal is None:
        total = task.progress.total_steps
        yield task.progress.words or f"step {task.progress.step}" + (f" of {total}" if total else "")
        left = task.progress.remaining_seconds
        if left is not None:
            yield f"about {format.rough(left)} left"
    elif forecast is None:
        yield f"step {task.progress.step}; {_fmax(task)}, goal {format.number(goal)}"
        yield "no forecast: the force does not fall steadily (yet)"
    else:
        yield f"step {task.progress.step}; fmax {_halving(forecast)}"
        yield f"reaches {format.number(goal)} eV/Å near step {forecast.goal_step}{_time(forecast)}"
    limit = limit_of(task)
    if limit is not None and goal is not None:
        yield f"gives up after step {limit}"


def _halving(forecast: Forecast) -> str:
    steps = round(forecast.halving_steps)
    return f"halves every {steps} steps" if steps > 1 else "halves with every step"


def _time(forecast: Forecast) -> str:
    if forecast.seconds is None or forecast.seconds_low is None or forecast.seconds_high is None:
        return ""
    low, high = format.rough(forecast.seconds_low), format.rough(forecast.seconds_high)
    return f": about {format.rough(forecast.seconds)}" + (f" ({low} to {high})" if low != high else "")


def _fmax(task: Task) -> str:
    return f"fmax {format.number(task.progress.fmax_eV_per_A)} eV/Å"


def _plainly(task: Task) -> str:
    """What the task itself tells, before the server explains more."""
    if task.stop_requested is StopReason.CANCELLED:
        return "A cancel was asked for; it ends after the current step."
    return {
        TaskStatus.PENDING: "It waits for its time.",
        TaskStatus.QUEUED: "It waits for a worker.",
        TaskStatus.ASSIGNED: f"{format.place(task) or 'A worker'} holds it and loads {task.model}.",
        TaskStatus.COMPLETED: "It is done.",
        TaskStatus.CANCELLED: "It was cancelled.",
    }.get(task.status, str(task.status))


def would_be_lost(task: Task, elapsed: float | None) -> str:
    """What cancelling a task throws away."""
    if task.status is TaskStatus.RUNNING:
        step = f", step {task.progress.step}" if task.progress.step is not None else ""
        return f"running {format.rough(elapsed or 0)}{step}"
    if task.status is TaskStatus.ASSIGNED:
        return "loading its model, no step made"
    return "waiting, no step made"
