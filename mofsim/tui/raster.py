"""Curves as text: braille dots (2 × 4 to a cell), or one character a cell where there is no Unicode.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

Values = Sequence[float | None]

#: The bit of each dot of a braille cell, by row and column.
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
BRAILLE = 0x2800


@dataclass(frozen=True)
class Axis:
    """From values to heights: 0 at `low`, 1 at `high`; with `log`, even steps are powers."""

    low: float
    high: float
    log: bool = False

    def height(self, value: float) -> float:
        low, high = (log10(self.low), log10(self.high)) if self.log else (self.low, self.high)
        return ((log10(value) if self.log else value) - low) / (high - low)

    def ticks(self, rows: int) -> list[float]:
        """Round values to label: powers of ten, or about one to each second row."""
        if self.log:
            powers = range(ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9) + 1)
            every = max(1, ceil(len(powers) / max(1, rows // 2)))
            return [10.0**power for power in powers if power % every == 0]
        step = _round_step((self.high - self.low) / max(1, rows // 2))
        first = ceil(self.low / step - 1e-9)
        last = floor(self.high / step + 1e-9)
        return [round(i * step, 12) for i in range(first, last + 1)]


def axis_for(values: Values, log: bool = False, also: float | None = None) -> Axis | None:
    """An axis with room for all values, and for `also` (a goal); None when there is nothing to show."""
    found = [v for v in (*values, also) if v is not None and isfinite(v) and (v > 0 or not log)]
    if not found:
        return None
    low, high = min(found), max(found)
    if log:
        low, high = log10(low), log10(high)
        space = max((high - low) * 0.04, 0.05)
        return Axis(10 ** (low - space), 10 ** (high + space), log=True)
    space = (high - low) * 0.04 or max(abs(high) * 1e-6, 1e-6)
    return Axis(low - space, high + space)


def buckets(steps: Values, values: Values, last: float, columns: int) -> list[tuple[float, float] | None]:
    """The least and greatest value of each column, so that a spike in a long run still shows.

    Columns run from step 0 to `last`.
    """
    found: list[tuple[float, float] | None] = [None] * columns
    for step, value in zip(steps, values, strict=True):
        if step is None or value is None or not isfinite(value) or not 0 <= step <= last:
            continue
        column = min(columns - 1, int(step / last * columns)) if last else 0
        least, greatest = found[column] or (value, value)
        found[column] = (min(least, value), max(greatest, value))
    return found


def curve(columns: Sequence[tuple[float, float] | None], axis: Axis, width: int, height: int) -> list[str]:
    """Braille rows, top first, of `2 * width` columns; neighbours are joined, gaps in the data bridged."""
    cells = [[0] * width for _ in range(height)]
    for x, low, high in _strokes(columns, axis, 4 * height):
        for dot in range(low, high + 1):
            row, part = divmod(4 * height - 1 - dot, 4)
            cells[row][x // 2] |= DOTS[part][x % 2]
    return ["".join(chr(BRAILLE | cell) if cell else " " for cell in row) for row in cells]


def ascii_curve(columns: Sequence[tuple[float, float] | None], axis: Axis, width: int, height: int) -> list[str]:
    """The same with a star a cell, of `width` columns."""
    cells = [[" "] * width for _ in range(height)]
    for x, low, high in _strokes(columns, axis, height):
        for dot in range(low, high + 1):
            cells[height - 1 - dot][x] = "*"
    return ["".join(row) for row in cells]


def sparkline(values: Values, width: int, log: bool = False) -> str:
    """One row of blocks, for where no chart fits."""
    axis = axis_for(values, log)
    if axis is None:
        return ""
    steps = [float(i) for i in range(len(values))]
    found = buckets(steps, values, max(1.0, len(values) - 1.0), min(width, len(values)))
    blocks = "▁▂▃▄▅▆▇█"
    return "".join(
        blocks[round(axis.height(pair[1]) * 7)] if pair and (pair[1] > 0 or not log) else " " for pair in found
    )


def row_of(value: float, axis: Axis, height: int) -> int | None:
    """The row, from the top, that a value lies in; None when it lies outside."""
    if axis.log and value <= 0:
        return None
    place = axis.height(value)
    return height - 1 - min(height - 1, int(place * height)) if 0 <= place <= 1 else None


def _strokes(columns: Sequence[tuple[float, float] | None], axis: Axis, dots: int) -> list[tuple[int, int, int]]:
    """Vertical strokes (column, lowest dot, highest dot), lengthened so that each meets the one before."""
    found: list[tuple[int, int, int]] = []
    before: tuple[int, int, int] | None = None
    for x, pair in enumerate(columns):
        if pair is None or (axis.log and pair[0] <= 0):
            continue
        low, high = (min(dots - 1, max(0, int(axis.height(value) * dots))) for value in pair)
        if before:
            bridge = _bridge(before, x, low, high)
            found += bridge
            before = bridge[-1] if bridge else before
            low = min(low, before[2] + 1) if low > before[2] else low
            high = max(high, before[1] - 1) if high < before[1] else high
        before = (x, low, high)
        found.append(before)
    return found


def _bridge(before: tuple[int, int, int], x: int, low: int, high: int) -> list[tuple[int, int, int]]:
    """A straight line across columns without a value."""
    start, end = (before[1] + before[2]) / 2, (low + high) / 2
    gap = x - before[0]
    points = [(before[0] + i, round(start + (end - start) * i / gap)) for i in range(1, gap)]
    return [(column, dot, dot) for column, dot in points]


def _round_step(rough: float) -> float:
    power = 10.0 ** floor(log10(rough))
    return next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough - 1e-12)
