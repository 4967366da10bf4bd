"""One line above the log: how it is read, which lines are shown, how many there are."""

from __future__ import annotations

from collections.abc import Iterable

from mofsim.tui import format
from mofsim.tui.looks import BOLD, DIM, GOOD, KEY, WARN, Glyphs
from mofsim.tui.system_log import LogFilter, SystemLog
from mofsim.tui.widgets.bars import length, spread
from mofsim.tui.widgets.lines import Lines, Row, piece
from mofsim.tui.widgets.pointed_log import PointedLog


class LogState(Lines):
    def __init__(self, log: SystemLog, view: PointedLog, glyphs: Glyphs) -> None:
        super().__init__(id="log-state")
        self.glyphs = glyphs
        self._log = log
        self._view = view
        self.wanted = LogFilter()
        self.reading = False

    def show(self, wanted: LogFilter, log: SystemLog, reading: bool) -> None:
        self.wanted, self._log, self.reading = wanted, log, reading
        self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        view = self._view
        following = piece(f" {self.glyphs.live} following", GOOD) if view.following else piece(" held: f follows", WARN)
        words = ", ".join(self.wanted.words)
        left = [following, piece("   "), piece(words, BOLD) if words else piece("all lines", DIM)]
        if view.needle:
            left.append(piece(f"   find: {view.needle}", KEY))
        if view.wrap:
            left.append(piece("   wrapped", DIM))
        right = [piece(f"{self._count()} ", DIM)]
        # What is looked at matters more than how many there are.
        yield spread(left, right, width) if length(left) + length(right) < width else left

    def _count(self) -> str:
        if self.reading:
            return f"reading {self.glyphs.dots}"
        n = len(self._log)
        if not n:
            return ""
        return f"{format.grouped(n)} rows, {'all there are' if self._log.from_start else 'older ones above'}"
