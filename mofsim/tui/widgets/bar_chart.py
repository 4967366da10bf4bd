"""Bars next to each other, as high as their numbers; the greatest is written at the top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mofsim.tui.looks import ACTIVE, DIM
from mofsim.tui.widgets.lines import Lines, Row, piece

EIGHTHS = " ▁▂▃▄▅▆▇█"


class BarChart(Lines):
    """`begin` and `end` are said below the first and the last bar, `empty` where all are 0."""

    def __init__(self, id: str, begin: str, end: str, empty: str) -> None:
        super().__init__(id=id)
        self._begin, self._end, self._empty = begin, end, empty
        self.values: Sequence[int] = ()

    def show(self, values: Sequence[int]) -> None:
        if values != self.values:
            self.values = values
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        top = max(self.values, default=0)
        if not top:
            return [(), (piece(f" {self._empty}", DIM),)] if height > 1 else []
        label = str(top)
        margin, rows = len(label), height - 1
        inner = width - margin - 1
        if rows < 1 or inner < len(self.values):
            return [(piece(f" {label}"),)]
        each = inner // len(self.values)
        found: list[Row] = []
        for y in range(rows):
            cells = "".join(self._cell(value, top, rows - 1 - y, rows) * each for value in self.values)
            tick = self.glyphs.side if y else self.glyphs.tick
            found.append((piece(f"{label if y == 0 else '':>{margin}}{tick}", DIM), piece(cells, ACTIVE)))
        below = self._begin + self.glyphs.rule * (each * len(self.values) - len(self._begin) - len(self._end))
        return [*found, (piece(" " * margin + self.glyphs.corner + below + self._end, DIM),)]

    def _cell(self, value: int, top: int, row: int, rows: int) -> str:
        """The part of a bar in a row, counted from the bottom; one that is not 0 is seen."""
        steps = EIGHTHS if self.glyphs.braille else " #"
        parts = len(steps) - 1
        filled = max(1, round(value / top * rows * parts)) if value else 0
        return steps[max(0, min(parts, filled - row * parts))]
