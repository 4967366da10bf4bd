"""Text that may be longer than the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mofsim.tui.looks import BOLD, DIM, Glyphs
from mofsim.tui.widgets.lines import Lines, Row, piece


class ScrollText(Lines, can_focus=True):
    """Lines; one that does not begin with a space and is followed by one that does is a title."""

    def __init__(self, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.lines: Sequence[str] = ()
        self._top = 0

    def show(self, lines: Sequence[str]) -> None:
        if lines != self.lines:
            self.lines = lines
            self.move(0)

    def draw(self, width: int, height: int) -> Iterable[Row]:
        shown = self.lines[self._top : self._top + height]
        for index, line in enumerate(shown, self._top):
            if index == self._top + height - 1 and index + 1 < len(self.lines):
                yield (piece(f"{self.glyphs.dots} {len(self.lines) - index} more lines", DIM),)
            else:
                title = line and not line.startswith(" ") and "".join(self.lines[index + 1 : index + 2]).startswith(" ")
                yield (piece(line, BOLD) if title else piece(line),)

    def move(self, by: int) -> None:
        self._top = max(0, min(self._top + by, len(self.lines) - self.content_size.height))
        self.redraw()

    def page_by(self, by: int) -> None:
        self.move(by * max(1, self.content_size.height - 1))

    def first(self) -> None:
        self.move(-len(self.lines))

    def last(self) -> None:
        self.move(len(self.lines))

    def on_mouse_scroll_down(self) -> None:
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)
