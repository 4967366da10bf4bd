"""A task's result: its numbers as a sheet, its curves beside it, or below it where the screen is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from mofsim.tui import result_words
from mofsim.tui.result_curves import plots
from mofsim.tui.sheet import Entry
from mofsim.tui.widgets.result_chart import ResultChart
from mofsim.tui.widgets.result_sheet import Sheet

if TYPE_CHECKING:
    from mofsim.schemas.tasks import OutputFile, SeriesColumns, Task, TaskResult
    from mofsim.tui.looks import Glyphs

#: Curves that one result has at most.
CHARTS = 3


class ResultPane(Container):
    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="result")
        self._glyphs = glyphs
        self.sheet = Sheet(glyphs, "result-sheet")
        self.charts = [ResultChart(glyphs, f"result-chart-{number}") for number in range(CHARTS)]
        self._curves = Vertical(*self.charts, id="result-curves")
        self._curves.add_class("-none")
        self._came: tuple[TaskResult | None, Sequence[OutputFile]] | None = None
        self._series: SeriesColumns | None = None
        #: how far a file is that is being saved, by its name
        self._under_way: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield self.sheet
        yield self._curves

    @property
    def files(self) -> Sequence[OutputFile]:
        return self._came[1] if self._came else ()

    def progress(self, row: str, words: str) -> None:
        """How far the file in this row is; no words when it is there."""
        self._under_way = {**self._under_way, row: words} if words else _without(self._under_way, row)

    def came(self, found: TaskResult | None, files: Sequence[OutputFile]) -> None:
        self._came = found, files

    def plot(self, series: SeriesColumns) -> None:
        self._series = series

    def draw(self, task: Task) -> None:
        if self._came is None:
            self.sheet.show([Entry(value=f"reading {self._glyphs.dots}")])
            return
        found, files = self._came
        self.sheet.show(result_words.entries(task, found, files, self._glyphs, self._under_way))
        shown = plots(task, found.result, self._series) if found else []
        self._curves.set_class(not shown, "-none")
        for number, chart in enumerate(self.charts):
            chart.display = number < len(shown)
            if number < len(shown):
                chart.show(shown[number])


def _without(words: dict[str, str], row: str) -> dict[str, str]:
    return {name: told for name, told in words.items() if name != row}
