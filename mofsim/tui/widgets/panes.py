"""The panes of a task's screen. Each is told what came, and draws it; none asks for anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mofsim.tui import format, summary
from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.looks import BOLD, DIM, KEY, Glyphs
from mofsim.tui.session import Session
from mofsim.tui.trail import Series, goal_of
from mofsim.tui.widgets.chart import Chart, Curve
from mofsim.tui.widgets.lines import Lines, Row, piece
from mofsim.tui.widgets.log_view import LogView
from mofsim.tui.widgets.peek import TextLines

if TYPE_CHECKING:
    from mofsim.schemas.tasks import SeriesColumns, Task

PANES = ("plot", "log", "structure", "result", "inputs", "history")


class PaneBar(Lines):
    """Names of the panes, with the one that is shown in brackets, and how much is in them where that matters."""

    def __init__(self, glyphs: Glyphs, panes: Sequence[str] = PANES, hint: str = "tab next pane   esc back ") -> None:
        super().__init__(id="panes")
        self.glyphs = glyphs
        self.current = panes[0]
        self._panes = panes
        self._hint = hint
        self._counts: dict[str, int] = {}

    def show(self, pane: str) -> None:
        self.current = pane
        self.redraw()

    def count(self, pane: str, n: int) -> None:
        self._counts[pane] = n
        self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        names = [self._titled(pane) for pane in self._panes]
        # Where there is no room for all, those at the left of the one that is shown make way for it.
        until = self._panes.index(self.current) + 1
        first = next((i for i in range(until) if sum(n.cell_length for n in names[i:until]) < width), until - 1)
        row = [piece(self.glyphs.dots[0] if first else " ", DIM), *names[first:]]
        gap = width - sum(segment.cell_length for segment in row) - len(self._hint)
        yield [*row, piece(" " * gap), piece(self._hint, KEY)] if gap > 0 else row

    def _titled(self, pane: str) -> Segment:
        name = f"{pane.capitalize()}{f' {n}' if (n := self._counts.get(pane)) else ''}"
        return piece(f"[{name}] ", BOLD) if pane == self.current else piece(f" {name}  ", DIM)


class PlotPane(Horizontal):
    """Energy and force against steps, the newest lines of the log, and a summary where there is room for it."""

    def __init__(self, session: Session, buffer: LogBuffer) -> None:
        super().__init__(id="plot")
        self._session = session
        glyphs = session.glyphs
        self.energy, self.force = Chart(id="energy"), Chart(id="force")
        self.energy.glyphs = self.force.glyphs = glyphs
        self.log_tail = LogView(buffer, glyphs, "log-tail", titled=False)
        self.log_tail.can_focus = False
        self.facts = TextLines(glyphs, "facts")
        self._series: SeriesColumns | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="curves"):
            yield self.energy
            yield self.force
            yield self.log_tail
        yield self.facts

    def on_mount(self) -> None:
        self.energy.caption = "energy (eV)"
        self.facts.caption = "summary"

    @property
    def points(self) -> int:
        return max(100, 2 * self.force.content_size.width)

    def plot(self, series: SeriesColumns | None) -> None:
        self._series = series

    def draw(self, task: Task) -> None:
        self.facts.show(summary.summary(task, self._series, self._session.now()))
        series = self._series
        if series is None or not series.columns.get("step"):
            empty = "no steps yet" if not task.status.is_final else "no steps were made"
            self.energy.show(Curve(empty=empty))
            self.force.show(Curve(empty=empty))
            return
        forecast = self._session.store.forecast(task)
        until = float(forecast.goal_step) if forecast else None
        found = Series.of(task, series)
        energies = series.columns.get("energy_eV", [])
        self.energy.show(Curve(found.steps, energies, until=until))
        temperatures = series.columns.get("temperature_K", [])
        if any(value is not None for value in temperatures):
            self.force.caption = "temperature (K)"
            self.force.show(Curve(found.steps, temperatures, goal=task.parameters.get("temperature_K")))
            return
        self.force.caption = self._force_title(task)
        self.force.show(Curve(found.steps, found.fmax, log=True, goal=goal_of(task), until=until))

    def _force_title(self, task: Task) -> str:
        kind = "fmax with the cell's gradient" if task.parameters.get("relax_cell") else "fmax"
        forecast = self._session.store.forecast(task)
        ahead = f"   goal near step {forecast.goal_step}" if forecast else ""
        return f"{kind} (eV/Å, log){ahead}"


def title(task: Task) -> str:
    return f"{task.id} {format.name(task)}"
