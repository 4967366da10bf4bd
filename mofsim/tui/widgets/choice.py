"""A choice among a few: all of them in a row where there is room, else the chosen one and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from mofsim.tui.looks import CURSOR, DIM, KEY, PLAIN, Glyphs
from mofsim.tui.widgets.lines import Lines, Row, piece


class Choice(Lines, can_focus=True):
    """`options` are (value, label)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,l", "step(1)", show=False, id="choice.next", tooltip="The next one"),
        Binding("left,h", "step(-1)", show=False, id="choice.previous", tooltip="The one before"),
        Binding("down,enter", "app.focus_next", show=False, id="choice.leave", tooltip="The next field"),
        Binding("up", "app.focus_previous", show=False, id="choice.back", tooltip="The field before"),
    ]

    @dataclass
    class Changed(Message):
        choice: Choice

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.options = options
        self.value = value

    def offer(self, options: Sequence[tuple[str, str]]) -> None:
        """Other options; the value stays where it is one of them."""
        self.options = options
        if self.value not in dict(options):
            self.value = options[0][0] if options else ""
        self.redraw()

    def choose(self, value: str) -> None:
        if value != self.value and value in dict(self.options):
            self.value = value
            self.redraw()
            self.post_message(self.Changed(self))

    def draw(self, width: int, height: int) -> Iterable[Row]:
        over = CURSOR if self.has_focus else KEY
        if sum(len(label) + 2 for _, label in self.options) <= width:
            yield [
                piece(f"[{label}]", over) if value == self.value else piece(f" {label} ", PLAIN)
                for value, label in self.options
            ]
            return
        values = [value for value, _ in self.options]
        place = f" {values.index(self.value) + 1} of {len(values)}" if self.value in values else ""
        yield piece(f"[{dict(self.options).get(self.value, '')}]", over), piece(place, DIM)

    def action_step(self, by: int) -> None:
        values = [value for value, _ in self.options]
        if values:
            self.choose(values[(values.index(self.value) + by) % len(values)])

    def on_click(self, event: events.Click) -> None:
        self.action_step(1)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.redraw()
