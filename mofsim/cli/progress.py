"""A task's progress while somebody waits: redrawn on a terminal, else a plain line now and then."""

import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import click

from mofsim.cli import text
from mofsim.cli.output import Output, console
from mofsim.client import ClientError
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import TaskStatus

if TYPE_CHECKING:
    from rich.console import Group

#: a task that has waited so long says why, and again as often
_WHY_AFTER_SECONDS, _WHY_EVERY_SECONDS = 2.0, 10.0

_BARS = "▁▂▃▄▅▆▇█"
_SPARKS = 40


class Progress(Protocol):
    """Told of each change of the task, why it waits, and of a lost line to the server."""

    def changed(self, task: Task) -> None: ...

    def waits(self, why: str) -> None: ...

    def lost(self, error: ClientError) -> None: ...


class Waiting(threading.Thread):
    """While a task waits nothing happens to it that would be told, so the server is asked for the reason."""

    def __init__(self, task_id: int, ask: Callable[[int], str], progress: Progress) -> None:
        super().__init__(daemon=True)
        self._task_id = task_id
        self._ask = ask
        self._progress = progress
        self._is_waiting = True
        self._over = threading.Event()

    def changed(self, task: Task) -> None:
        self._is_waiting = task.status.is_waiting
        self._progress.changed(task)

    def end(self) -> None:
        self._over.set()

    def run(self) -> None:
        pause = _WHY_AFTER_SECONDS
        while not self._over.wait(pause):
            pause = _WHY_EVERY_SECONDS
            if self._is_waiting:
                # A line that is lost is told by whoever follows the task.
                with suppress(ClientError):
                    self._progress.waits(self._ask(self._task_id))


@contextmanager
def shown(out: Output, every_seconds: float) -> Iterator[Progress]:
    """Progress on stdout, which with --json belongs to the document: then on stderr."""
    stream = sys.stderr if out.json else sys.stdout
    if not stream.isatty():
        yield Lines(out, every_seconds)
        return
    from rich.live import Live

    picture = Picture()
    with Live(console=console(out.json), get_renderable=picture.draw, refresh_per_second=5) as live:
        yield picture
        live.refresh()


class Lines:
    """A line for each new status, and one every so many seconds while steps are made."""

    def __init__(self, out: Output, every_seconds: float) -> None:
        self._out = out
        self._every = every_seconds
        self._status: TaskStatus | None = None
        self._due = 0.0
        self._why = ""

    def changed(self, task: Task) -> None:
        now = time.monotonic()
        if task.status is self._status and now < self._due:
            return
        self._status, self._due = task.status, now + self._every
        click.echo(line(task), err=self._out.json)

    def waits(self, why: str) -> None:
        if why != self._why:
            self._why = why
            click.echo(why, err=self._out.json)

    def lost(self, error: ClientError) -> None:
        self._out.note(f"mofsim: {error}; trying again")


def line(task: Task) -> str:
    progress = task.progress
    parts = [f"task {task.id} {task.status}"]
    if progress.step is not None:
        parts.append(_where(task))
    if progress.remaining_seconds is not None:
        parts.append(f"about {text.duration(progress.remaining_seconds)} left")
    if progress.energy_eV is not None:
        parts.append(f"energy {progress.energy_eV:.4f} eV")
    if progress.fmax_eV_per_A is not None:
        parts.append(f"fmax {progress.fmax_eV_per_A:.4f} eV/Å")
    return "  ".join(parts)


def _where(task: Task) -> str:
    """What is being done while it runs; afterwards the steps alone."""
    progress = task.progress
    doing = progress.words if task.status is TaskStatus.RUNNING else ""
    return doing or f"step {text.steps(progress.step, progress.total_steps)}"


class Picture:
    """A few lines that are drawn anew; the clock in them goes on between two events."""

    def __init__(self) -> None:
        self._task: Task | None = None
        self._fmax: deque[float] = deque(maxlen=_SPARKS)
        self._step: int | None = None
        self._trouble = ""
        self._why = ""

    def changed(self, task: Task) -> None:
        self._task, self._trouble, self._why = task, "", ""
        progress = task.progress
        if progress.fmax_eV_per_A is not None and progress.step != self._step:
            self._step = progress.step
            self._fmax.append(progress.fmax_eV_per_A)

    def waits(self, why: str) -> None:
        self._why = why

    def lost(self, error: ClientError) -> None:
        self._trouble = f"{error}; trying again"

    def draw(self) -> "Group":
        from rich.console import Group
        from rich.text import Text

        return Group(*(Text(each, no_wrap=True, overflow="ellipsis") for each in self._lines()))

    def _lines(self) -> list[str]:
        task = self._task
        if task is None:
            return ["…"]
        progress = task.progress
        ran = text.duration(text.between(task.started_at, task.completed_at))
        lines = [
            f"task {task.id}  {task.task_type} of {task.structure.name} with {task.model}",
            f"{task.status}  {_where(task)}  {ran}",
        ]
        if progress.remaining_seconds is not None:
            lines[-1] += f"  about {text.duration(progress.remaining_seconds)} left"
        if progress.energy_eV is not None:
            fmax = text.number(progress.fmax_eV_per_A, 4, "eV/Å")
            lines.append(f"energy {progress.energy_eV:.4f} eV  fmax {fmax}{_goal(task)}")
        if len(self._fmax) > 1:
            lines.append(f"fmax {sparkline(self._fmax)}")
        return [*lines, *filter(None, (self._why, self._trouble))]


def _goal(task: Task) -> str:
    goal = task.parameters.get("fmax_eV_per_A")
    return f" (goal {goal:g})" if goal else ""


def sparkline(values: Sequence[float]) -> str:
    """Positive values as bars, on a logarithmic scale: a relaxation goes over decades."""
    logs = [math.log10(max(value, 1e-12)) for value in values]
    low, high = min(logs), max(logs)
    span = high - low or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in logs)
