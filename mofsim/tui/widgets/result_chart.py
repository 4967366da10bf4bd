"""Several curves over one axis with numbers of its own: volumes, temperatures, times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from rich.style import Style

from mofsim.tui import raster
from mofsim.tui.format import number
from mofsim.tui.looks import ACTIVE, BAD, DIM, GOOD, PLAIN, WARN, Glyphs
from mofsim.tui.result_curves import Plot, Trace
from mofsim.tui.widgets.chart import tick_labels
from mofsim.tui.widgets.lines import Lines, Row, piece

#: One for each curve; which is which also stands as a letter at its end.
STYLES: Sequence[Style] = (ACTIVE, WARN, GOOD, Style(color="magenta"), BAD, Style(color="blue"))
_BRAILLE = range(0x2800, 0x2900)
_LEAST_WIDTH, _LEAST_HEIGHT = 8, 3

Cell = tuple[str, Style]
Grid = list[list[Cell]]


class ResultChart(Lines):
    """Shows a plot; marks lie over lines, later curves over earlier ones."""

    def __init__(self, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.plot = Plot("", "", ())

    def show(self, plot: Plot) -> None:
        if plot != self.plot:
            self.plot = plot
            self.caption = plot.title
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        plot = self.plot
        values = [y for trace in plot.traces for y in trace.ys]
        axis = raster.axis_for(values, plot.log, plot.goal)
        span = _span(plot.traces)
        if axis is None or span is None or height < _LEAST_HEIGHT:
            return [(piece(f" {plot.empty}", DIM),)]
        labels = tick_labels(axis, height - 1)
        margin = max((len(label) for label in labels.values()), default=0)
        inner = width - margin - 1
        if inner < _LEAST_WIDTH:
            return [(piece(f" {plot.empty}", DIM),)]
        grid = self._grid(axis, span, inner, height - 1)
        rows: list[Row] = []
        for y, cells in enumerate(grid):
            tick = self.glyphs.tick if y in labels else self.glyphs.side
            rows.append((piece(labels.get(y, "").rjust(margin) + tick, DIM), *(piece(*cell) for cell in cells)))
        rows.append((piece(" " * margin + self.glyphs.corner + self._x_axis(span, inner), DIM),))
        return rows

    def _grid(self, axis: raster.Axis, span: tuple[float, float], width: int, height: int) -> Grid:
        grid: Grid = [[(" ", PLAIN)] * width for _ in range(height)]
        self._draw_goal(grid, axis)
        # Points have the letter of their curve already.
        marked = any(trace.points and trace.label for trace in self.plot.traces)
        several = sum(not trace.points for trace in self.plot.traces) > 1 and not marked
        lines = [trace for trace in self.plot.traces if not trace.points]
        for number_, trace in enumerate(lines):
            self._draw_line(grid, trace, axis, span, STYLES[number_ % len(STYLES)])
        names = list(dict.fromkeys(trace.label for trace in self.plot.traces))
        for trace in (trace for trace in self.plot.traces if trace.points):
            style = STYLES[names.index(trace.label) % len(STYLES)] if trace.label else WARN
            for x, y in zip(trace.xs, trace.ys, strict=True):
                _put(grid, axis, span, x, y, trace.label or self.glyphs.live, style)
        self._name_goal(grid, axis)
        if several:
            for number_, trace in enumerate(lines):
                self._letter(grid, trace, axis, span, STYLES[number_ % len(STYLES)])
        return grid

    def _draw_goal(self, grid: Grid, axis: raster.Axis) -> None:
        row = self._goal_row(grid, axis)
        if row is not None:
            grid[row] = [(self.glyphs.rule_light, WARN)] * len(grid[row])

    def _name_goal(self, grid: Grid, axis: raster.Axis) -> None:
        """Over the curves: what swings around it would make it unreadable."""
        row, label = self._goal_row(grid, axis), self._goal_label()
        if row is not None and len(label) <= len(grid[row]):
            start = (len(grid[row]) - len(label)) // 2
            grid[row][start : start + len(label)] = [(character, WARN) for character in label]

    def _goal_label(self) -> str:
        return f" {self.plot.goal_name} {self.plot.goal_text or number(self.plot.goal)} "

    def _goal_row(self, grid: Grid, axis: raster.Axis) -> int | None:
        return None if self.plot.goal is None else raster.row_of(self.plot.goal, axis, len(grid))

    def _draw_line(self, grid: Grid, trace: Trace, axis: raster.Axis, span: tuple[float, float], style: Style) -> None:
        width, low, reach = len(grid[0]), span[0], span[1] - span[0]
        braille = self.glyphs.braille
        xs = [None if x is None else x - low for x in trace.xs]
        columns = raster.buckets(xs, trace.ys, reach, 2 * width if braille else width)
        drawn = (raster.curve if braille else raster.ascii_curve)(columns, axis, width, len(grid))
        for y, cells in enumerate(drawn):
            for x, character in enumerate(cells):
                if character != " ":
                    grid[y][x] = (_both(grid[y][x][0], character), style)

    def _letter(self, grid: Grid, trace: Trace, axis: raster.Axis, span: tuple[float, float], style: Style) -> None:
        """At the end of a curve, or before it where another letter stands there."""
        points = [(x, y) for x, y in zip(trace.xs, trace.ys, strict=True) if x is not None and y is not None]
        for x, y in reversed(points):
            row, column = _place(grid, axis, span, x, y)
            if row is not None and column is not None and not grid[row][column][0].isalpha():
                grid[row][column] = (trace.label, style + Style(bold=True))
                return

    def _x_axis(self, span: tuple[float, float], width: int) -> str:
        """Its ends, and in its middle what it is."""
        low, high = (f"{end:.6g}" for end in span)
        between = width - len(low) - len(high)
        name = f" {self.plot.x_title} "
        if between <= 0:
            return self.glyphs.rule * width
        middle = name.center(between, self.glyphs.rule) if len(name) <= between else self.glyphs.rule * between
        return low + middle + high


def _span(traces: Sequence[Trace]) -> tuple[float, float] | None:
    xs = [x for trace in traces for x, y in zip(trace.xs, trace.ys, strict=True) if x is not None and y is not None]
    return (min(xs), max(xs)) if xs and min(xs) < max(xs) else None


def _both(under: str, over: str) -> str:
    """The dots of both where both are dots."""
    if len(under) == 1 and ord(under) in _BRAILLE and ord(over) in _BRAILLE:
        return chr(ord(under) | ord(over))
    return over


def _place(
    grid: Grid, axis: raster.Axis, span: tuple[float, float], x: float, y: float
) -> tuple[int | None, int | None]:
    width = len(grid[0])
    part = (x - span[0]) / (span[1] - span[0])
    column = min(width - 1, int(part * width)) if 0 <= part <= 1 else None
    return (raster.row_of(y, axis, len(grid)) if isfinite(y) else None), column


def _put(
    grid: Grid, axis: raster.Axis, span: tuple[float, float], x: float | None, y: float | None, mark: str, style: Style
) -> None:
    if x is None or y is None:
        return
    row, column = _place(grid, axis, span, x, y)
    if row is not None and column is not None:
        grid[row][column] = (mark, style)
