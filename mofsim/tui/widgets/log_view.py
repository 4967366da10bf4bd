"""A log of any length: draws the rows in view, follows the end, finds text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.style import Style
from textual.message import Message

from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.looks import BAD, CURSOR, DIM, PLAIN, WARN, Glyphs
from mofsim.tui.widgets.lines import Lines, Row, piece
from mofsim.vocabulary import LogLevel

STYLES = {LogLevel.DEBUG: DIM, LogLevel.WARNING: WARN, LogLevel.ERROR: BAD}


class LogView(Lines, can_focus=True):
    """`found` is the row that has what was looked for."""

    @dataclass
    class StartWanted(Message):
        """The view came to the first row that was read, and there are more before it."""

    def __init__(self, buffer: LogBuffer, glyphs: Glyphs, id: str, titled: bool = True) -> None:
        """`titled`: the border tells what is shown, and how."""
        super().__init__(id=id)
        self._titled = titled
        self.glyphs = glyphs
        self.buffer = buffer
        self.following = True
        self.wrap = False
        self.needle = ""
        self.found: int | None = None
        self.empty = "no lines yet"
        #: the row after the last one in view
        self._end = 0

    def redraw(self) -> None:
        super().redraw()
        self.caption = self._title() if self._titled else "log"

    def _title(self) -> str:
        state = (
            "log",
            "following" if self.following else "held",
            "wrapped" if self.wrap else "",
            f"find: {self.needle}" if self.needle else "",
            "" if self.buffer.from_start or not len(self.buffer) else "newest lines; g reads the rest",
        )
        return "   ".join(part for part in state if part)

    def draw(self, width: int, height: int) -> Iterable[Row]:
        count = len(self.buffer)
        if not count:
            return [(piece(f" {self.empty}", DIM),)]
        self._end = count if self.following else min(self._end, count)
        if self._end <= height and not self.following:
            # At the start the first row must be in view, however many rows wrapping makes of the others.
            return [row for index in range(self._end) for row in self._rows(index, width)][:height]
        rows: list[Row] = []
        index = self._end
        while index > 0 and len(rows) < height:
            index -= 1
            rows[:0] = self._rows(index, width)
        del rows[: max(0, len(rows) - height)]
        while len(rows) < height and self._end < count:
            rows += self._rows(self._end, width)
            self._end += 1
        return rows[:height]

    def _rows(self, index: int, width: int) -> Iterator[Row]:
        text = self.buffer.text(index)
        style = STYLES.get(self.buffer.level(index), PLAIN)
        if self.wrap and cell_len(text) > width:
            for part in chop_cells(text, width):
                yield (piece(part, style),)
        else:
            yield self._marked(text, style, index)

    def _marked(self, text: str, style: Style, index: int) -> Row:
        start = text.lower().find(self.needle.lower()) if self.needle else -1
        if start < 0:
            return (piece(text, style),)
        end = start + len(self.needle)
        mark = CURSOR if index == self.found else Style(underline=True, bold=True)
        marked = piece(text[start:end], Style.combine([style, mark]))
        return piece(text[:start], style), marked, piece(text[end:], style)

    def grown(self, before: int = 0) -> None:
        """The buffer has more rows, `before` of them in front."""
        if not self.following:
            self._end += before
            if self.found is not None:
                self.found += before
        self.redraw()

    def follow(self, following: bool) -> None:
        self.following = following
        self.redraw()

    def move(self, by: int) -> None:
        self._end = max(min(self.content_size.height, len(self.buffer)), min(self._end + by, len(self.buffer)))
        self.following = self._end >= len(self.buffer)
        self.redraw()
        if by < 0 and self._end <= self.content_size.height and not self.buffer.from_start:
            self.post_message(self.StartWanted())

    def page_by(self, by: int) -> None:
        self.move(by * max(1, self.content_size.height - 1))

    def first(self) -> None:
        self.move(-len(self.buffer))

    def last(self) -> None:
        self.follow(True)

    def find(self, needle: str, step: int = -1) -> bool:
        """Show the nearest row with `needle`, upwards (-1) or downwards; False when there is none."""
        anew = needle != self.needle or self.found is None
        self.needle = needle
        start = self._end - 1 if anew or self.found is None else self.found + step
        self.found = self.buffer.find(needle, start, step) if needle and len(self.buffer) else None
        if self.found is not None:
            self.following = False
            if not self._end - self.content_size.height <= self.found < self._end:
                self._end = min(len(self.buffer), self.found + self.content_size.height // 2)
        self.redraw()
        return self.found is not None

    @property
    def line_to_copy(self) -> str:
        """The row that was found, else the last one in view."""
        index = self.found if self.found is not None else self._end - 1
        return self.buffer.text(index) if 0 <= index < len(self.buffer) else ""

    def on_mouse_scroll_down(self) -> None:
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)
