"""What is known of a running task's way down, for a forecast in its row and in the panels."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mofsim.tui.eta import Forecast, forecast
from mofsim.tui.format import is_relaxation

if TYPE_CHECKING:
    from mofsim.schemas.tasks import SeriesColumns, Task

#: Steps that the recorded series may lie behind the newest event and still be the better source.
FRESH = 10
Column = Sequence[float | None]


class Series(NamedTuple):
    """Columns of one length, oldest first."""

    steps: Column
    fmax: Column
    times: Column

    @classmethod
    def of(cls, task: Task, series: SeriesColumns) -> Series:
        """The force that decides: with a relaxed cell that of the filter, which counts the cell's gradient too."""
        columns = series.columns
        steps = columns.get("step", [])
        none: Column = [None] * len(steps)
        fmax = columns.get("fmax_eV_per_A", none)
        if task.parameters.get("relax_cell"):
            fmax = columns.get("fmax_filter_eV_per_A", fmax)
        return cls(steps, fmax, columns.get("time_s", none))


@dataclass
class Trail:
    """Steps seen in events, and the recorded series where it was fetched."""

    live: deque[tuple[float, float | None, float]] = field(default_factory=lambda: deque(maxlen=120))
    series: Series | None = None
    _known: tuple[tuple[float, int], Forecast | None] | None = None

    def add(self, step: float | None, fmax: float | None, time: float) -> None:
        if step is None:
            return
        if self.live and step < self.live[-1][0]:
            # A later attempt began anew.
            self.live.clear()
            self.series = None
        if not self.live or step > self.live[-1][0]:
            self.live.append((step, fmax, time))

    def record(self, series: Series) -> None:
        self.series, self._known = series, None

    def forecast(self, goal: float) -> Forecast | None:
        series = self._best()
        last = next((s for s in reversed(series.steps) if s is not None), -1.0)
        key = (last, len(series.steps))
        if self._known is None or self._known[0] != key:
            self._known = (key, forecast(*series, goal))
        return self._known[1]

    def _best(self) -> Series:
        newest = self.live[-1][0] if self.live else 0
        if self.series and self.series.steps and (self.series.steps[-1] or 0) + FRESH >= newest:
            return self.series
        steps, fmax, times = zip(*self.live, strict=True) if self.live else ((), (), ())
        return Series(steps, fmax, times)


def goal_of(task: Task) -> float | None:
    """The fmax, in eV/Å, at which the task is done; None when it is not a relaxation and nothing more."""
    goal = task.parameters.get("fmax_eV_per_A") if is_relaxation(task) else None
    return float(goal) if goal else None


def limit_of(task: Task) -> int | None:
    limit = task.parameters.get("max_steps")
    return int(limit) if limit else None
