"""The elements that a model knows, in the periodic table."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rich.segment import Segment

from mofsim.tui.elements import TABLE
from mofsim.tui.looks import DIM, GOOD, Glyphs
from mofsim.tui.widgets.lines import Lines, Row, piece

#: of a symbol and the gap behind it
WIDE = 3


class PeriodicTable(Lines):
    """Known elements by their symbols, a dot for each other one; the lanthanides and actinides stand below."""

    def __init__(self, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.known: Collection[str] = ()

    def show(self, known: Collection[str]) -> None:
        if known != self.known:
            self.known = known
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        if not self.known:
            return
        for period in TABLE:
            yield [self._cell(symbol) for symbol in period]

    def _cell(self, symbol: str | None) -> Segment:
        if symbol is None:
            return piece(" " * WIDE)
        known = symbol in self.known
        return piece((symbol if known else self.glyphs.dot).ljust(WIDE), GOOD if known else DIM)
