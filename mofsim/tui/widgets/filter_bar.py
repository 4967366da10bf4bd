"""The filter line: a text field, and at its right how many rows there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from mofsim.tui.looks import Glyphs
from mofsim.tui.widgets.lines import Lines, Row

#: A pause in typing after which the filter is applied, in seconds.
PAUSE = 0.15


class FilterInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False, id="filter.clear", tooltip="Clear the filter"),
        Binding("down", "submit", show=False, id="filter.leave", tooltip="Back to the list"),
    ]

    def action_clear(self) -> None:
        self.value = ""
        self.post_message(self.Submitted(self, ""))


class Status(Lines):
    def __init__(self) -> None:
        super().__init__(id="filter-status")
        self._segments: list[Segment] = []

    def show(self, segments: list[Segment]) -> None:
        if segments != self._segments:
            self._segments = segments
            self.styles.width = sum(segment.cell_length for segment in segments) + 1
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        yield self._segments


class FilterBar(Horizontal):
    """Tells the text while it is typed, after a short pause, and when it is left."""

    @dataclass
    class Changed(Message):
        text: str

    @dataclass
    class Left(Message):
        """Back to the list."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="filter")
        self.input = FilterInput(placeholder="filter", compact=True, id="filter-input", select_on_focus=False)
        self.input.cursor_blink = False
        self.status = Status()
        self._waiting: Timer | None = None
        self._told = ""

    def compose(self) -> ComposeResult:
        yield Static(" / ", id="filter-slash")
        yield self.input
        yield self.status

    def edit(self) -> None:
        self.input.focus()

    def put(self, text: str) -> None:
        """Set the text and tell it at once."""
        self.input.value = text
        self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._waiting:
            self._waiting.stop()
        self._waiting = self.set_timer(PAUSE, self._tell)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._tell()
        self.post_message(self.Left())

    def _tell(self) -> None:
        if self._waiting:
            self._waiting.stop()
        if self.input.value != self._told:
            self._told = self.input.value
            self.post_message(self.Changed(self._told))
