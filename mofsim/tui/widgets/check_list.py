"""A list to tick: as long as it may be, only the lines in view are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from mofsim.tui import format
from mofsim.tui.looks import BOLD, CURSOR, DIM, KEY, PLAIN, Glyphs
from mofsim.tui.widgets.lines import Lines, piece
from mofsim.tui.widgets.lines import Row as Drawn

if TYPE_CHECKING:
    from mofsim.tui.many import Row

#: Cells in front of a name: the cursor, the tick and a gap.
BEFORE = 4
#: A note narrower than this says nothing.
LEAST_NOTE = 8


class CheckList(Lines, can_focus=True):
    """`marked` are the keys of all that are ticked, in view or not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False, id="check.down", tooltip="Next line"),
        Binding("up,k", "move(-1)", show=False, id="check.up", tooltip="Previous line"),
        Binding("pagedown,ctrl+d", "page(1)", show=False, id="check.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+u", "page(-1)", show=False, id="check.page_up", tooltip="A page up"),
        Binding("g,home", "first", show=False, id="check.first", tooltip="First line"),
        Binding("G,end", "last", show=False, id="check.last", tooltip="Last line"),
        Binding("space,x", "tick", show=False, id="check.tick", tooltip="Tick the line, or not"),
        Binding("asterisk", "all", show=False, id="check.all", tooltip="Tick all that are listed"),
        Binding("minus", "none", show=False, id="check.none", tooltip="Tick none of those that are listed"),
        Binding("right,enter", "app.focus_next", show=False, id="check.next", tooltip="The next list or field"),
        Binding("left", "app.focus_previous", show=False, id="check.previous", tooltip="The list or field before"),
    ]

    @dataclass
    class Changed(Message):
        """What is ticked is not what it was."""

    def __init__(self, title: str, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.title = title
        self.rows: Sequence[Row] = ()
        self.marked: set[str] = set()
        self.empty = ""
        self._index = 0
        self._top = 0

    def on_mount(self) -> None:
        self._tell()

    def offer(self, rows: Sequence[Row], empty: str = "") -> None:
        """Other lines; the cursor stays on its line where that is still there."""
        under = self.rows[self._index].key if self._index < len(self.rows) else None
        self.rows, self.empty = rows, empty
        self._go(next((i for i, row in enumerate(rows) if row.key == under), 0))

    def draw(self, width: int, height: int) -> Iterable[Drawn]:
        if not self.rows:
            yield (piece(f"  {self.empty}", DIM),)
            return
        shown = self.rows[self._top : self._top + height]
        names = max(len(row.name) for row in shown)
        room = width - BEFORE
        name_width = min(names, room)
        for index, row in enumerate(shown, self._top):
            yield self._line(row, index == self._index, name_width, room)

    def _line(self, row: Row, here: bool, name_width: int, room: int) -> Drawn:
        ticked = row.key in self.marked
        over = (CURSOR if self.has_focus else BOLD) if here else None
        left = room - name_width - 2
        note = f"  {row.note[:left]}" if row.note and left >= LEAST_NOTE else ""
        return (
            piece(self.glyphs.cursor if here else " ", KEY),
            piece(f"{self.glyphs.mark if ticked else ' '} ", KEY),
            piece(format.shorten(row.name, name_width, self.glyphs).ljust(name_width), over or PLAIN),
            piece(note, over or DIM),
        )

    def _go(self, index: int) -> None:
        height = max(1, self.content_size.height)
        self._index = max(0, min(index, len(self.rows) - 1))
        self._top = max(0, min(self._top, len(self.rows) - height))
        self._top = min(max(self._top, self._index - height + 1), self._index)
        self.redraw()

    def _tell(self) -> None:
        self.caption = f"{self.title}: {format.grouped(len(self.marked))}"
        self.redraw()

    def mark(self, keys: Iterable[str], ticked: bool = True) -> None:
        before = len(self.marked)
        self.marked = self.marked | set(keys) if ticked else self.marked - set(keys)
        if len(self.marked) != before:
            self._tell()
            self.post_message(self.Changed())

    def action_move(self, by: int) -> None:
        self._go(self._index + by)

    def action_page(self, by: int) -> None:
        self._top += by * self.content_size.height
        self._go(self._index + by * self.content_size.height)

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.rows) - 1)

    def action_tick(self) -> None:
        if self._index < len(self.rows):
            key = self.rows[self._index].key
            self.mark([key], key not in self.marked)
            self._go(self._index + 1)

    def action_all(self) -> None:
        """Sets are left alone: all of the list is more than any of them."""
        self.mark(row.key for row in self.rows if not row.key.startswith("@"))

    def action_none(self) -> None:
        self.mark((row.key for row in self.rows), False)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._go(self._index)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - int(bool(self.styles.border_top[0]))
        if 0 <= index < len(self.rows):
            self._go(index)
            self.action_tick()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)
