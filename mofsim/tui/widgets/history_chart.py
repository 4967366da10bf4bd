"""What a device showed over the last minutes or hours: a curve whose right end is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mofsim.tui import raster
from mofsim.tui.looks import ACTIVE, DIM
from mofsim.tui.trace import Trace, overlaid
from mofsim.tui.widgets.lines import Lines, Row, piece


@dataclass(frozen=True)
class Scale:
    """`high` is the top of the axis, from 0; None: as high and as low as the values are, with some room."""

    high: float | None = None
    #: values are divided by it before they are shown
    unit: float = 1.0


class HistoryChart(Lines):
    """One column of a trace."""

    def __init__(self, column: str, id: str) -> None:
        super().__init__(id=id)
        self._column = column
        self._trace: Trace | None = None
        self._scale = Scale()
        self._span = self._now = 0.0
        self._empty = ""
        self._shown: object = None

    def show(self, trace: Trace | None, scale: Scale, span: float, now: float, empty: str) -> None:
        """`empty` is said where nothing is known."""
        # Progress of a task comes ten times a second, readings seldom.
        read = trace and (id(trace), len(trace.times), trace.times[-1:], trace.asked)
        column = now // (span / max(1, 2 * self.content_size.width))
        shown = (read, scale, span, column, empty)
        if shown != self._shown:
            self._shown = shown
            self._trace, self._scale, self._span, self._now, self._empty = trace, scale, span, now, empty
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        axis = self._axis()
        if self._trace is None or axis is None or height < 2:
            return [(piece(f" {self._empty}", DIM),)]
        rows = height - 1
        labels = {0: self._label(axis.high), rows - 1: self._label(axis.low)} if rows > 1 else {}
        margin = max((len(label) for label in labels.values()), default=0)
        inner = width - margin - 1
        if inner < 8:
            return [(piece(f" {self._empty}", DIM),)]
        found = [
            (piece(f"{labels.get(y, ''):>{margin}}{self._tick(y in labels)}", DIM), piece(cells, ACTIVE))
            for y, cells in enumerate(self._curve(axis, inner, rows))
        ]
        return [*found, (piece(" " * margin + self.glyphs.corner + self._times(inner), DIM),)]

    def _axis(self) -> raster.Axis | None:
        values = self._trace.values[self._column] if self._trace else []
        if all(value is None for value in values):
            return None
        if self._scale.high:
            # A hair more, so that a value at the top is not cut off.
            return raster.Axis(0.0, self._scale.high * 1.0001)
        known = [value for value in values if value is not None]
        low, high = min(known), max(known)
        space = max((high - low) * 0.1, abs(high) * 0.05, 1.0)
        return raster.Axis(max(0.0, low - space), high + space)

    def _curve(self, axis: raster.Axis, width: int, height: int) -> list[str]:
        assert self._trace is not None
        braille = self.glyphs.braille
        n = 2 * width if braille else width
        curve = raster.curve if braille else raster.ascii_curve
        found = self._trace.columns(self._column, self._span, self._now, n)
        return overlaid([curve(columns, axis, width, height) for columns in found]) if found else [" " * width] * height

    def _label(self, value: float) -> str:
        shown = value / self._scale.unit
        return f"{shown:.1f}" if 0 < shown < 9.95 and self._scale.unit != 1 else f"{shown:.0f}"

    def _tick(self, labelled: bool) -> str:
        return self.glyphs.tick if labelled else self.glyphs.side

    def _times(self, width: int) -> str:
        ago, now = f"{span_words(self._span)} ago", "now"
        return ago + self.glyphs.rule * (width - len(ago) - len(now)) + now if width > len(ago) + len(now) else now


def span_words(seconds: float) -> str:
    """5 min, 1 h."""
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
