"""The base of all that the console draws itself: rows of segments, of which only those that changed are sent.

A row is written from its left end up to the last cell that changed: the compositor can not begin in its middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Region
from textual.markup import escape
from textual.strip import Strip
from textual.widget import Widget

from mofsim.tui.looks import PLAIN, UNICODE, Glyphs

Row = Sequence[Segment]


def piece(text: str, style: Style = PLAIN) -> Segment:
    return Segment(text, style)


class Lines(Widget):
    """Draws what `draw` gives; call `redraw` when that may have changed."""

    glyphs: Glyphs = UNICODE

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []
        self._caption = ""

    @property
    def caption(self) -> str:
        """What the border says."""
        return self._caption

    @caption.setter
    def caption(self, text: str) -> None:
        self._caption = text
        # A border without corners leaves no space around its title.
        spaced = text if not text or self.styles.border_left[0] else f" {text} "
        if self.border_title != (title := escape(spaced)):
            self.border_title = title

    def draw(self, width: int, height: int) -> Iterable[Row]:
        """The rows to show, at most `height`, each cut or filled to `width`."""
        raise NotImplementedError

    def on_resize(self, event: Resize) -> None:
        self.caption = self._caption
        self.redraw()

    def redraw(self) -> None:
        width, height = self.content_size
        if not width or not height:
            return
        before, self._strips = (
            self._strips,
            [Strip(row).adjust_cell_length(width, PLAIN) for row in self.draw(width, height)],
        )
        del self._strips[height:]
        self._strips += [Strip.blank(width, PLAIN)] * (height - len(self._strips))
        if [strip.cell_length for strip in before] != [width] * height:
            self.refresh()
            return
        dirty = [
            Region(0, y, changed_until(old, new), 1)
            for y, (old, new) in enumerate(zip(before, self._strips, strict=True))
            if old != new
        ]
        if dirty:
            self.refresh(*dirty)

    def render_line(self, y: int) -> Strip:
        # Neighbours of one style are sent as one: each style costs more bytes than most cells.
        return self._strips[y].simplify() if y < len(self._strips) else Strip.blank(self.content_size.width, PLAIN)


def changed_until(old: Strip, new: Strip) -> int:
    """The cell after the last one in which two strips of one length differ."""
    end = new.cell_length
    for before, now in zip(reversed(list(old)), reversed(list(new)), strict=False):
        if before != now:
            break
        end -= now.cell_length
    return max(end, 1)
