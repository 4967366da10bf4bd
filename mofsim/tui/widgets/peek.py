"""The panels under the list: the force of the task under the cursor, and why it is where it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal

from mofsim.tui import format
from mofsim.tui.looks import BOLD, Glyphs
from mofsim.tui.store import Store
from mofsim.tui.trail import Series, goal_of
from mofsim.tui.why import why_lines
from mofsim.tui.widgets.chart import Chart, Curve
from mofsim.tui.widgets.lines import Lines, Row, piece

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Explanation, SeriesColumns, Task, TaskResult


class TextLines(Lines):
    """Plain lines, the first of them bold when `titled`."""

    def __init__(self, glyphs: Glyphs, id: str, titled: bool = False) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._titled = titled
        self.lines: Sequence[str] = ()

    def show(self, lines: Sequence[str]) -> None:
        if lines != self.lines:
            self.lines = lines
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        for number, line in enumerate(self.lines[:height]):
            yield (piece(line[:width], BOLD) if self._titled and number == 0 else piece(line[:width]),)


class Peek(Horizontal):
    """Shows at once what the task itself tells; the rest when it comes."""

    def __init__(self, store: Store, glyphs: Glyphs) -> None:
        super().__init__(id="peek")
        self._store = store
        self._glyphs = glyphs
        self.chart = Chart(id="peek-chart")
        self.chart.glyphs = glyphs
        self.why = TextLines(glyphs, "why")
        self.shown: Task | None = None
        self._explanation: Explanation | None = None
        self._series: SeriesColumns | None = None
        self._result: TaskResult | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        yield self.chart
        yield self.why

    def on_mount(self) -> None:
        self.why.caption = "why, and what next"

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    @property
    def points(self) -> int:
        """As many points as the chart has columns."""
        return max(50, 2 * self.chart.content_size.width)

    def show(self, task: Task | None) -> None:
        """Another task, or the same as it is now."""
        if task is None or self.shown is None or task.id != self.shown.id:
            self._explanation = self._series = self._result = None
        elif task.status is not self.shown.status:
            self._explanation = self._result = None
        self.shown = task
        self.display = task is not None
        self.draw()

    def explained(self, explanation: Explanation) -> None:
        if self.shown and explanation.task_id == self.shown.id and explanation.status is self.shown.status:
            self._explanation = explanation
            self.draw()

    def came_out(self, result: TaskResult) -> None:
        if self.shown and result.task_id == self.shown.id:
            self._result = result
            self.draw()

    def plot(self, series: SeriesColumns) -> None:
        if self.shown and series.task_id == self.shown.id:
            self._series = series
            self.draw()

    def draw(self) -> None:
        if self.shown is None:
            self.chart.caption = "fmax"
            self.chart.show(Curve())
            self.why.show(())
            return
        self._draw_chart(self.shown)
        sentence = self._explanation.sentence if self._explanation else None
        forecast = self._store.forecast(self.shown)
        self.why.show(why_lines(self.shown, sentence, forecast, self.why.content_size.width - 1, self._result))

    def _draw_chart(self, task: Task) -> None:
        self.chart.caption = f"{task.id} {format.name(task)}   fmax (eV/Å, log)"
        if self._series is None or not self._series.columns.get("step"):
            self.chart.show(Curve(empty="no steps yet" if task.status.is_waiting else ""))
            return
        series, forecast = Series.of(task, self._series), self._store.forecast(task)
        until = float(forecast.goal_step) if forecast else None
        self.chart.show(Curve(series.steps, series.fmax, log=True, goal=goal_of(task), until=until))
