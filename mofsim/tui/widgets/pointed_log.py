"""A log with a cursor: moving moves it, and the view as far as it must stay in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message

from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.looks import CURSOR, DIM, KEY, Glyphs
from mofsim.tui.widgets.lines import Row, piece
from mofsim.tui.widgets.log_view import LogView


class PointedLog(LogView):
    """While it follows, the cursor is on the newest row."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another row, or the log follows its end or not."""

    def __init__(self, buffer: LogBuffer, glyphs: Glyphs, id: str) -> None:
        super().__init__(buffer, glyphs, id, titled=False)
        self.cursor = 0
        self.stale = False
        #: the first row in view
        self._first = 0
        #: which row of the log each row on the screen belongs to
        self._on_screen: list[int] = []

    def redraw(self) -> None:
        super().redraw()
        self.caption = ""

    def draw(self, width: int, height: int) -> Iterable[Row]:
        count = len(self.buffer)
        self._on_screen = []
        if not count:
            lines = self.empty.splitlines()
            return [(piece(f"   {line}", DIM),) for line in lines]
        if self.following:
            self.cursor = count - 1
        self.cursor = max(0, min(self.cursor, count - 1))
        self._end = count if self.following else max(self.cursor + 1, min(self._end, count))
        rows, first = self._upwards(width - 1, height)
        if self.cursor < first:
            self._end = self._downwards(self.cursor, width - 1, height)
            rows, first = self._upwards(width - 1, height)
        while len(rows) < height and self._end < count:
            rows += [(self._end, row) for row in self._rows(self._end, width - 1)]
            self._end += 1
        self._first = first
        self._on_screen = [index for index, _ in rows[:height]]
        return [self._pointed(index, row, width) for index, row in rows[:height]]

    def _upwards(self, width: int, height: int) -> tuple[list[tuple[int, Row]], int]:
        """What is drawn above `_end`, and the first row of the log that is all of it there."""
        rows: list[tuple[int, Row]] = []
        index = self._end
        while index > 0 and len(rows) < height:
            index -= 1
            rows[:0] = [(index, row) for row in self._rows(index, width)]
        surplus = max(0, len(rows) - height)
        cut = surplus > 0 and rows[surplus - 1][0] == rows[surplus][0]
        # A row that is taller than the screen shows its begin.
        if cut and index == self._end - 1:
            return rows[:height], index
        return rows[surplus:], index + cut

    def _downwards(self, first: int, width: int, height: int) -> int:
        """Where the view ends that begins with row `first`."""
        index, room = first, height
        while index < len(self.buffer) and room > 0:
            room -= len(list(self._rows(index, width)))
            index += room >= 0
        return max(index, first + 1)

    def _pointed(self, index: int, row: Row, width: int) -> Row:
        if index != self.cursor:
            return [piece(" "), *(_dim(row) if self.stale else row)]
        over = CURSOR if self.has_focus else Style(bold=True)
        here = [Segment(segment.text, Style.combine([segment.style or Style.null(), over])) for segment in row]
        used = sum(segment.cell_length for segment in row)
        return [piece(self.glyphs.cursor, KEY), *here, piece(" " * max(0, width - 1 - used), over)]

    def grown(self, before: int = 0, gone: int = 0) -> None:
        """The buffer has more rows, `before` of them in front, or `gone` of the oldest less."""
        if not self.following:
            self.cursor = max(0, self.cursor + before - gone)
            self._end = max(0, self._end + before - gone)
        if self.found is not None:
            self.found += before - gone
            self.found = self.found if self.found >= 0 else None
        self.redraw()

    def move(self, by: int) -> None:
        """Down at the newest row it follows; up at the first one older ones are wanted."""
        count = len(self.buffer)
        self.following = by > 0 and self.cursor + by >= count - 1
        self.cursor = max(0, min(self.cursor + by, count - 1))
        self._moved()
        if by < 0 and self.cursor < self.content_size.height and not self.buffer.from_start:
            self.post_message(self.StartWanted())

    def page_by(self, by: int) -> None:
        page = max(1, self.content_size.height - 1)
        if by < 0:
            self._end = max(1, min(self._end, len(self.buffer)) - page)
        else:
            self._end = min(self._end + page, len(self.buffer))
        self.move(by * page)

    def follow(self, following: bool) -> None:
        self.following = following
        self._moved()

    def go(self, index: int) -> None:
        """Put the cursor on a row, and show what is around it."""
        self.following = False
        self.cursor = index
        if not self._first <= index < self._end:
            self._end = min(len(self.buffer), index + 1 + self.content_size.height // 2)
        self._moved()

    def look_for(self, needle: str, step: int) -> bool:
        """Put the cursor on the nearest row with `needle` in this direction; False when there is none that way."""
        count = len(self.buffer)
        anew, self.needle = needle != self.needle, needle
        start = self.cursor if anew else self.cursor + step
        inside = bool(needle) and 0 <= start < count
        self.found = self.buffer.find(needle, start, step, round=False) if inside else None
        if self.found is not None:
            self.go(self.found)
        else:
            self.redraw()
        return self.found is not None

    @property
    def line_to_copy(self) -> str:
        return self.buffer.text(self.cursor) if self.cursor < len(self.buffer) else ""

    def _moved(self) -> None:
        self.redraw()
        self.post_message(self.Moved())

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self._on_screen):
            self.following = False
            self.cursor = self._on_screen[event.y]
            self._moved()


def _dim(row: Row) -> Row:
    return [Segment(segment.text, DIM) for segment in row]
