"""A curve with its axes: title and border are the style sheet's, numbers come from `raster`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from mofsim.tui import raster
from mofsim.tui.format import number
from mofsim.tui.looks import ACTIVE, DIM, WARN
from mofsim.tui.widgets.lines import Lines, Row, piece


@dataclass(frozen=True)
class Curve:
    """`goal` is drawn as a line across; `until` is the step at which the axis ends, if beyond the last one."""

    steps: raster.Values = ()
    values: raster.Values = ()
    log: bool = False
    goal: float | None = None
    until: float | None = None
    #: shown where there is nothing to draw yet
    empty: str = ""


class Chart(Lines):
    """Shows one curve; a long one is thinned so that its spikes stay."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.curve = Curve()

    def show(self, curve: Curve) -> None:
        if curve != self.curve:
            self.curve = curve
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        curve = self.curve
        axis = raster.axis_for(curve.values, curve.log, curve.goal)
        last = next((step for step in reversed(curve.steps) if step is not None), None)
        if axis is None or last is None or height < 3:
            return [(piece(f" {curve.empty}", DIM),)]
        labels = tick_labels(axis, height - 1)
        margin = max((len(label) for label in labels.values()), default=0)
        inner = width - margin - 1
        if inner < 8:
            return [(piece(f" {number(curve.values[-1])}"),)]
        end = max(last, curve.until or 0)
        rows = list(self._rows(axis, end, labels, margin, inner, height - 1))
        rows.append((piece(" " * margin + self.glyphs.corner + self._steps(inner, last, end), DIM),))
        return rows

    def _rows(
        self, axis: raster.Axis, end: float, labels: dict[int, str], margin: int, inner: int, height: int
    ) -> Iterable[Row]:
        curve, glyphs = self.curve, self.glyphs
        braille = glyphs.braille
        columns = raster.buckets(curve.steps, curve.values, end, inner * 2 if braille else inner)
        cells = (raster.curve if braille else raster.ascii_curve)(columns, axis, inner, height)
        goal_row = raster.row_of(curve.goal, axis, height) if curve.goal else None
        for y, cell in enumerate(cells):
            tick = glyphs.tick if y in labels else glyphs.side
            yield (
                piece(labels.get(y, "").rjust(margin) + tick, DIM),
                *(self._with_goal(cell) if y == goal_row else (piece(cell, ACTIVE),)),
            )

    def _with_goal(self, cells: str) -> Row:
        """The row of the goal: a dashed line where the curve is not, with its value, which the curve must not cut."""
        label = f" goal {number(self.curve.goal)} "
        middle = max(0, (len(cells) - len(label)) // 2)
        free = [x for x in range(len(cells) - len(label) + 1) if not cells[x : x + len(label)].strip()]
        start = min(free, key=lambda x: abs(x - middle), default=middle)
        end = min(len(cells), start + len(label))
        line = [piece(cell, ACTIVE) if cell != " " else piece(self.glyphs.rule_light, WARN) for cell in cells]
        return [*line[:start], piece(label[: end - start], WARN), *line[end:]]

    def _steps(self, width: int, last: float, end: float) -> str:
        """The step axis: 0 at its left, the last step where it lies, the end at its right."""
        line = list(self.glyphs.rule * width)
        for step in (0, end, last):
            text = f"{step:.0f}"
            start = min(width - len(text), max(0, round(step / end * width) - len(text) // 2 if end else 0))
            near = line[max(0, start - 1) : start + len(text) + 1]
            if all(cell == self.glyphs.rule for cell in near):
                line[start : start + len(text)] = text
        return "".join(line)


def tick_labels(axis: raster.Axis, height: int) -> dict[int, str]:
    """Row → label, without those that would share a row; rows next to each other stay apart where they can."""
    found: dict[int, str] = {}
    ticks = axis.ticks(height)
    digits = _decimals(ticks)
    for tick in ticks:
        row = raster.row_of(tick, axis, height)
        if row is not None and row not in found:
            found[row] = number(tick) if axis.log else f"{tick:.{digits}f}"
    if axis.log and not found:
        found = {0: number(axis.high), height - 1: number(axis.low)}
    return found


def _decimals(ticks: list[float]) -> int:
    """As many decimals as tell neighbours apart."""
    steps = [b - a for a, b in pairwise(ticks) if b > a]
    return next((n for n in range(7) if all(abs(round(s, n) - s) < s / 100 for s in steps)), 6)
