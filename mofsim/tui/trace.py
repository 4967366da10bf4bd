"""What a GPU or a box showed over the last minutes or hours: bounded columns, and how a chart cuts them.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from mofsim.tui import raster

#: What is known of one moment, by the server's names.
COLUMNS = ("memory_used_MB", "utilisation_percent", "temperature_C", "power_W")
#: As long as the server keeps it, in seconds.
LONGEST = 6 * 3600.0
#: Where nothing was read for so long, in seconds, a curve has a gap.
GAP = 45.0

Point = Mapping[str, float | None]
Columns = Sequence[tuple[float, float] | None]


@dataclass
class Trace:
    """Times are seconds since 1970, rising; each column has a value, or None, for each."""

    times: list[float] = field(default_factory=list)
    values: dict[str, list[float | None]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    #: seconds that were asked for when the server told of it last
    asked: float = 0.0

    def came(self, columns: Mapping[str, Sequence[float | None]], asked: float) -> None:
        """What the server has; what was read since then stays."""
        known = [(time, i) for i, time in enumerate(columns.get("time_s", ())) if time is not None]
        newest = known[-1][0] if known else 0.0
        later = [i for i, time in enumerate(self.times) if time > newest]
        self.values = {
            name: [*(columns[name][i] for _, i in known), *(self.values[name][i] for i in later)]
            if name in columns
            else [None] * (len(known) + len(later))
            for name in COLUMNS
        }
        self.times = [*(time for time, _ in known), *(self.times[i] for i in later)]
        self.asked = asked

    def add(self, time: float, point: Point) -> bool:
        """What it shows at a moment; False when that is known already."""
        if self.times and time <= self.times[-1]:
            return False
        self.times.append(time)
        for name in COLUMNS:
            self.values[name].append(point.get(name))
        self._forget(time - LONGEST)
        return True

    def _forget(self, before: float) -> None:
        old = next((i for i, time in enumerate(self.times) if time >= before), 0)
        if old:
            del self.times[:old]
            for column in self.values.values():
                del column[:old]

    def last(self, name: str) -> float | None:
        return self.values[name][-1] if self.times else None

    def window(self, span: float, now: float, n: int) -> tuple[float, float]:
        """Begin and end of a picture of `n` columns; they move by whole columns, so that it stands still in between."""
        each = span / n
        end = ceil(max(now, self.times[-1] if self.times else now) / each) * each
        return end - span, end

    def columns(self, name: str, span: float, now: float, n: int) -> list[Columns]:
        """The curve in `n` columns, in pieces: between them nothing was read."""
        begin, end = self.window(span, now, n)
        steps = [time - begin for time in self.times]
        found = raster.buckets(steps, self.values[name], end - begin, n)
        return pieces(found, ceil(GAP / (span / n)))


def pieces(columns: Columns, longest: int) -> list[Columns]:
    """Columns that are all there, but for gaps of at most `longest`, which a curve may bridge."""
    found: list[Columns] = []
    begin, last = None, 0
    for x, pair in enumerate(columns):
        if pair is None:
            continue
        if begin is not None and x - last - 1 > longest:
            found.append(_only(columns, begin, last))
            begin = None
        begin, last = x if begin is None else begin, x
    return found if begin is None else [*found, _only(columns, begin, last)]


def _only(columns: Columns, begin: int, last: int) -> Columns:
    return [pair if begin <= x <= last else None for x, pair in enumerate(columns)]


def overlaid(layers: Sequence[Sequence[str]]) -> list[str]:
    """Rows of braille or ASCII cells laid over each other."""
    return ["".join(_joined(cells) for cells in zip(*rows, strict=True)) for rows in zip(*layers, strict=True)]


def _joined(cells: Sequence[str]) -> str:
    dots = 0
    for cell in cells:
        if cell == "*":
            return cell
        dots |= ord(cell) - 0x2800 if cell != " " else 0
    return chr(0x2800 | dots) if dots else " "
