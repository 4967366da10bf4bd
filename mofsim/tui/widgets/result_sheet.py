"""Labelled values that a cursor goes through: what it stands on can be copied, and a file be saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from mofsim.tui.looks import BOLD, DIM, KEY, PLAIN, Glyphs
from mofsim.tui.sheet import Entry, Laid, lay
from mofsim.tui.widgets.lines import Lines, Row, piece

_MARGIN = 2


class Sheet(Lines):
    """The cursor stays on its entry when others come, go or change."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another entry."""

    @dataclass
    class Chosen(Message):
        """An entry was clicked twice."""

    def __init__(self, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.entries: Sequence[Entry] = ()
        self.stale = False
        self._laid: list[Laid] = []
        self._at = 0
        self._top = 0

    @property
    def entry(self) -> Entry | None:
        """What the cursor stands on."""
        return self.entries[self._at] if self._at < len(self.entries) and self.entries[self._at].stands else None

    def show(self, entries: Sequence[Entry]) -> None:
        if entries == self.entries:
            return
        before, self.entries = self.entry, entries
        places = [index for index, entry in enumerate(entries) if entry.stands]
        same = [index for index in places if before and entries[index].key == before.key]
        # Of several alike the one that is nearest to where it was.
        near = same or [index for index in places if index >= self._at] or places or [0]
        self._at = min(near, key=lambda index: abs(index - self._at))
        self._lay()

    def on_resize(self, event: events.Resize) -> None:
        self._lay()
        super().on_resize(event)

    def _lay(self) -> None:
        self._laid = lay(self.entries, max(1, self.content_size.width - _MARGIN))
        self._settle()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        below = len(self._laid) - self._top - height
        for number, laid in enumerate(self._laid[self._top : self._top + height]):
            if below > 0 and number == height - 1:
                yield (piece(f"  {self.glyphs.dots} {below + 1} more lines", DIM),)
                return
            here = laid.index == self._at and self.entries[laid.index].stands
            over = BOLD if here else DIM if self.stale else PLAIN
            mark = self.glyphs.cursor if here else " "
            yield (piece(f"{mark} ", KEY), *(piece(text, style + over) for text, style in laid.parts))

    def move(self, by: int) -> None:
        places = [index for index, entry in enumerate(self.entries) if entry.stands]
        if places:
            now = places.index(self._at) if self._at in places else 0
            self._go(places[max(0, min(now + by, len(places) - 1))])

    def page_by(self, by: int) -> None:
        """So many pages further, by lines, for an entry may have several."""
        lines = [number for number, laid in enumerate(self._laid) if laid.index == self._at]
        if lines:
            wanted = lines[0] + by * max(1, self.content_size.height - 2)
            places = [laid.index for laid in self._laid if self.entries[laid.index].stands]
            rows = [number for number, laid in enumerate(self._laid) if self.entries[laid.index].stands]
            nearest = min(range(len(rows)), key=lambda place: abs(rows[place] - wanted))
            self._go(places[nearest])

    def first(self) -> None:
        self.move(-len(self.entries))

    def last(self) -> None:
        self.move(len(self.entries))

    def _go(self, index: int) -> None:
        moved, self._at = index != self._at, index
        self._settle()
        if moved:
            self.post_message(self.Moved())

    def _settle(self) -> None:
        """Scroll as little as keeps the entry of the cursor in view, and its title where it is the first below it."""
        height = self.content_size.height
        if not height:
            return
        own = [number for number, laid in enumerate(self._laid) if laid.index == self._at]
        first, last = (own[0], own[-1]) if own else (0, 0)
        while first and not self.entries[self._laid[first - 1].index].stands:
            first -= 1
        # The last line of the view tells how many more there are.
        end = last + (1 if last + 1 < len(self._laid) else 0)
        self._top = min(max(self._top, end - height + 1), first)
        self._top = max(0, min(self._top, len(self._laid) - height))
        self.redraw()

    def on_mouse_scroll_down(self) -> None:
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        number = self._top + event.y
        if number < len(self._laid) and self.entries[self._laid[number].index].stands:
            self._go(self._laid[number].index)
            if event.chain == 2:
                self.post_message(self.Chosen())
