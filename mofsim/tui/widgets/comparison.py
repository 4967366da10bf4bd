"""The table of a comparison: its head stays while the rest is scrolled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.events import Resize

from mofsim.tui.compare_layout import Layout, Line
from mofsim.tui.comparison import Row
from mofsim.tui.looks import DIM, Glyphs
from mofsim.tui.widgets.lines import Lines, piece
from mofsim.tui.widgets.lines import Row as Drawn

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task


class ComparisonTable(Lines):
    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="comparison")
        self.glyphs = glyphs
        self.stale = False
        #: said where there is no row
        self.empty = ""
        self._tasks: Sequence[Task] = ()
        self._rows: Sequence[Row] = ()
        self._marks = False
        self._offset = 0
        self._top = 0
        self._head: Sequence[Line] = ()
        self._body: Sequence[Line] = ()

    @property
    def needed(self) -> int:
        """Lines that show all of it."""
        return len(self._head) + max(2, len(self._body))

    def show(self, tasks: Sequence[Task], rows: Sequence[Row], marks: bool) -> None:
        self._tasks, self._rows, self._marks = tasks, rows, marks
        self._lay()

    def on_resize(self, event: Resize) -> None:
        self._lay()
        super().on_resize(event)

    def _lay(self) -> None:
        width = self.content_size.width
        if not self._tasks or not width:
            return
        layout = Layout(self._tasks, self._rows, width, self._offset, self.glyphs)
        self._offset = min(self._offset, layout.last_offset)
        self._head, self._body = layout.head(), layout.body(self._marks)
        self.move(0)

    def draw(self, width: int, height: int) -> Iterable[Drawn]:
        yield from self._drawn(self._head)
        if not self._body:
            yield ()
            yield (piece(f" {self.empty}", DIM),)
            return
        room = height - len(self._head)
        below = len(self._body) - self._top - room
        shown = self._body[self._top : self._top + room]
        yield from self._drawn(shown[:-1] if below > 0 else shown)
        if below > 0:
            yield (piece(f"{self.glyphs.dots} {below + 1} more lines", DIM),)

    def _drawn(self, lines: Sequence[Line]) -> Iterable[Drawn]:
        for line in lines:
            yield [piece(text, style + DIM if self.stale else style) for text, style in line]

    def move(self, by: int) -> None:
        room = max(1, self.content_size.height - len(self._head))
        self._top = max(0, min(self._top + by, len(self._body) - room))
        self.redraw()

    def page_by(self, by: int) -> None:
        self.move(by * max(1, self.content_size.height - len(self._head) - 1))

    def first(self) -> None:
        self.move(-len(self._body))

    def last(self) -> None:
        self.move(len(self._body))

    def shift(self, by: int) -> None:
        """To tasks that there is no room for beside the first."""
        self._offset = max(0, self._offset + by)
        self._lay()

    def on_mouse_scroll_down(self) -> None:
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)
