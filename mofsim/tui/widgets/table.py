"""A table of any length that draws only the rows in view, and asks for them by index when they are not loaded.

The cursor belongs to a row's key, not to a place: it stays on its row when rows come, go or move.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual import events
from textual.message import Message

from mofsim.tui.looks import BOLD, CURSOR, DIM, KEY
from mofsim.tui.widgets.lines import Lines, Row, piece

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Cell = tuple[str, Style]


class Rows(Protocol[R_co]):
    """Rows in screen order; `at` gives None for one that is not loaded."""

    def __len__(self) -> int: ...
    def at(self, index: int) -> R_co | None: ...
    def index_of(self, key: int) -> int | None: ...


@dataclass(frozen=True)
class Column(Generic[R]):
    """`cell` gets the row and the column's width; columns with the greatest `drop` go first where room is short."""

    title: str
    width: int
    cell: Callable[[R, int], Cell]
    right: bool = False
    #: share of the room that is left over, up to `most`
    flex: int = 0
    most: int = 200
    drop: int = 0
    #: what it shrinks to where nothing is left to drop; 0: it does not
    least: int = 0
    #: the server's name of the sort by this column
    sort: str = ""


def fit(columns: Sequence[Column[R]], width: int, gap: int = 1) -> list[tuple[Column[R], int]]:
    """The columns that fit into `width`, with the width each gets."""
    kept, wants = list(columns), _width
    while len(kept) > 1 and sum(wants(c) + gap for c in kept) - gap > width:
        if wants is _width and not any(c.drop for c in kept):
            wants = _least
        else:
            # Of those that must all stay the first says what a row is.
            kept.remove(max(reversed(kept), key=lambda c: c.drop))
    spare = max(0, width - sum(wants(c) + gap for c in kept) + gap)
    shares = sum(c.flex for c in kept) or 1
    return [(c, min(c.most, wants(c) + spare * c.flex // shares)) for c in kept]


def _width(column: Column[Any]) -> int:
    return column.width


def _least(column: Column[Any]) -> int:
    return column.least or column.width


class Table(Lines, Generic[R], can_focus=True):
    """`key_of` tells a row's key. What an empty table says is `empty`."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another row; None when there is none."""

        key: int | None

    @dataclass
    class Chosen(Message):
        key: int

    @dataclass
    class Shown(Message):
        """These rows are in view, some of them perhaps not loaded."""

        first: int
        last: int

    def __init__(self, columns: Sequence[Column[R]], rows: Rows[R], key_of: Callable[[R], int], id: str) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.rows = rows
        self.marked: Container[int] = ()
        self.empty: Sequence[str] = ()
        self.sort = ""
        self.stale = False
        self.cursor: int | None = None
        self._key_of = key_of
        self._index = 0
        self._top = 0

    @property
    def page(self) -> int:
        """Rows in view."""
        return max(1, self.content_size.height - 1)

    @property
    def index(self) -> int:
        """Where the cursor stands."""
        return self._index

    def draw(self, width: int, height: int) -> Iterable[Row]:
        laid = fit(self.columns, width - 3)
        yield self._titles(laid)
        if not len(self.rows):
            yield ()
            for line in self.empty:
                yield from ((piece(f"   {part}", DIM),) for part in textwrap.wrap(line, max(10, width - 6)) or [""])
            return
        for index in range(self._top, min(self._top + height - 1, len(self.rows))):
            row = self.rows.at(index)
            yield self._row(row, index, laid) if row is not None else (piece(f"   {self.glyphs.dots}", DIM),)

    def _titles(self, laid: Sequence[tuple[Column[R], int]]) -> Row:
        cells = [piece("   ")]
        for column, width in laid:
            title = column.title
            if column.sort and column.sort == self.sort.removeprefix("-"):
                title += f" {self.glyphs.down if self.sort.startswith('-') else self.glyphs.up}"
            cells.append(piece(f"{_sized(title, width, column.right)} ", BOLD))
        return cells

    def _row(self, row: R, index: int, laid: Sequence[tuple[Column[R], int]]) -> Row:
        here = index == self._index
        over = (CURSOR if self.has_focus else BOLD) if here else DIM if self.stale else None
        mark = self.glyphs.mark if self._key_of(row) in self.marked else " "
        cells = [piece(self.glyphs.cursor if here else " ", KEY), piece(f"{mark} ", over or KEY)]
        for column, width in laid:
            text, style = column.cell(row, width)
            text = f"{_sized(text, width, column.right)} "
            cells.append(piece(text, style if over is None else over))
        return cells

    def changed(self) -> None:
        """Rows came, went or moved: keep the cursor on its row and that row where it is on the screen."""
        offset = self._index - self._top
        found = self.rows.index_of(self.cursor) if self.cursor is not None else None
        if found is not None:
            at_top = self._top == 0 and found < self.page
            self._index = found
            self._top = 0 if at_top else found - offset
        self._settle()

    def go(self, index: int) -> None:
        """Put the cursor on a row by its place, and scroll as little as needed."""
        self._index = index
        self._settle()

    def go_to(self, key: int) -> bool:
        """Put the cursor on a row by its key; False when it is not loaded."""
        index = self.rows.index_of(key)
        if index is not None:
            self.go(index)
        return index is not None

    def move(self, by: int) -> None:
        self.go(self._index + by)

    def page_by(self, by: int) -> None:
        """Pages down, or up when negative; the cursor keeps its place on the screen."""
        self._top += by * self.page
        self.go(self._index + by * self.page)

    def first(self) -> None:
        self.go(0)

    def last(self) -> None:
        self.go(len(self.rows) - 1)

    def scroll(self, by: int) -> None:
        """Move the view, and the cursor only as far as it must stay in it."""
        self._top = max(0, min(self._top + by, len(self.rows) - self.page))
        self._index = min(max(self._index, self._top), self._top + self.page - 1)
        self._settle()

    def _settle(self) -> None:
        count = len(self.rows)
        self._index = max(0, min(self._index, count - 1))
        self._top = max(0, min(self._top, count - self.page))
        self._top = min(max(self._top, self._index - self.page + 1), self._index)
        row = self.rows.at(self._index) if count else None
        before, self.cursor = self.cursor, self._key_of(row) if row is not None else None
        self.redraw()
        self.post_message(self.Shown(self._top, self._top + self.page - 1))
        if self.cursor != before:
            self.post_message(self.Moved(self.cursor))

    def on_resize(self, event: events.Resize) -> None:
        self._settle()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.redraw()

    def on_mouse_scroll_down(self) -> None:
        self.scroll(3)

    def on_mouse_scroll_up(self) -> None:
        self.scroll(-3)

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - 1
        if event.y >= 1 and index < len(self.rows):
            self.go(index)
            if event.chain == 2 and self.cursor is not None:
                self.post_message(self.Chosen(self.cursor))


def _sized(text: str, width: int, right: bool) -> str:
    """Exactly `width` cells; what is too long is cut."""
    if right and cell_len(text) < width:
        return " " * (width - cell_len(text)) + text
    return set_cell_size(text, width)
