"""The matrix of a benchmark: a glyph for each cell, under its model and task type; only what is in view is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import set_cell_size
from rich.segment import Segment
from textual import events
from textual.message import Message

from mofsim.tui import format
from mofsim.tui.looks import BOLD, CURSOR, DIM, KEY, PLAIN, Glyphs
from mofsim.tui.matrix import CELL_STYLES, Kind, Matrix, cell_glyph
from mofsim.tui.widgets.lines import Lines, Row, piece

#: Width of a column, lines above the cells, and the most that names of structures get.
CELL, HEAD, NAMES = 6, 2, 24


class MatrixView(Lines, can_focus=True):
    """The cursor is a place; it stays where it is while cells change, for rows and columns do not move."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another cell."""

    def __init__(self, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.matrix: Matrix | None = None
        self.stale = False
        self.empty = ""
        self.row = 0
        self.column = 0
        self._top = 0
        self._left = 0

    @property
    def page(self) -> int:
        """Rows in view."""
        return max(1, self.content_size.height - HEAD)

    def _names(self, width: int) -> int:
        longest = max((len(s.name) for s in self.matrix.structures), default=0) if self.matrix else 0
        return min(longest, NAMES, max(8, width // 3))

    def _columns(self, width: int) -> int:
        return max(1, (width - self._names(width) - 3) // CELL)

    def show(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self.go(self.row, self.column)

    def draw(self, width: int, height: int) -> Iterable[Row]:
        if self.matrix is None or not self.matrix.kinds or not self.matrix.structures:
            yield ()
            yield (piece(f"   {self.empty}", DIM),)
            return
        names, kinds = self._names(width), self.matrix.kinds[self._left : self._left + self._columns(width)]
        blank = piece(" " * (names + 3))
        more = self._left + len(kinds) < len(self.matrix.kinds)
        yield [blank, *self._models(kinds)]
        yield [blank, *self._types(kinds), piece(self.glyphs.arrow if more else "", DIM)]
        for row in range(self._top, min(self._top + height - HEAD, len(self.matrix.structures))):
            yield self._line(row, names, len(kinds))

    def _models(self, kinds: Sequence[Kind]) -> Iterator[Segment]:
        for model, group in groupby(kinds, key=lambda kind: kind.model):
            room = CELL * len(list(group))
            style = BOLD if self.matrix and self.matrix.kinds[self.column].model == model else PLAIN
            yield piece(f"{format.shorten(model, room - 1, self.glyphs):<{room}}", style)

    def _types(self, kinds: Sequence[Kind]) -> Iterator[Segment]:
        for place, kind in enumerate(kinds, self._left):
            style = BOLD if place == self.column else DIM
            yield piece(f"{kind.short[: CELL - 1]:<{CELL}}", style)

    def _line(self, row: int, names: int, n_columns: int) -> Row:
        assert self.matrix is not None
        here = row == self.row
        name = set_cell_size(format.shorten(self.matrix.structures[row].name, names, self.glyphs), names)
        line = [
            piece(self.glyphs.cursor if here else " ", KEY),
            piece(f" {name} ", BOLD if here else DIM if self.stale else PLAIN),
        ]
        for column in range(self._left, self._left + n_columns):
            cell = self.matrix.at(row, column)
            glyph = cell_glyph(cell.state, self.glyphs) if cell else " "
            style = DIM if self.stale or cell is None else CELL_STYLES[cell.state]
            if here and column == self.column:
                style = CURSOR if self.has_focus else BOLD
            line += [piece(f"  {glyph} ", style), piece("  ")]
        return line

    def go(self, row: int, column: int) -> None:
        before = (self.row, self.column)
        rows, columns = (len(self.matrix.structures), len(self.matrix.kinds)) if self.matrix else (0, 0)
        self.row, self.column = max(0, min(row, rows - 1)), max(0, min(column, columns - 1))
        self._top = max(0, min(self._top, rows - self.page))
        self._top = min(max(self._top, self.row - self.page + 1), self.row)
        shown = self._columns(self.content_size.width)
        self._left = max(0, min(self._left, columns - shown))
        self._left = min(max(self._left, self.column - shown + 1), self.column)
        self.redraw()
        if (self.row, self.column) != before:
            self.post_message(self.Moved())

    def move(self, by: int) -> None:
        self.go(self.row + by, self.column)

    def shift(self, by: int) -> None:
        self.go(self.row, self.column + by)

    def page_by(self, by: int) -> None:
        self._top += by * self.page
        self.move(by * self.page)

    def first(self) -> None:
        self.go(0, self.column)

    def last(self) -> None:
        self.go(len(self.matrix.structures) - 1 if self.matrix else 0, self.column)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.go(self.row, self.column)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        frame = int(bool(self.styles.border_left[0])), int(bool(self.styles.border_top[0]))
        column = (event.x - frame[0] - self._names(self.content_size.width) - 3) // CELL
        row = event.y - frame[1] - HEAD
        if row >= 0 and column >= 0:
            self.go(self._top + row, self._left + column)

    def on_mouse_scroll_down(self) -> None:
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)
