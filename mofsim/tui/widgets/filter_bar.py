"""The filter line: a text field, and at its right how many rows there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input, Static

from mofsim.tui.completion import Complete
from mofsim.tui.looks import Glyphs
from mofsim.tui.widgets.lines import Lines, Row

#: A pause in typing after which the filter is applied, in seconds.
PAUSE = 0.15


class Words(Suggester):
    """The first completion, shown behind what is typed."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return next((found for found in self._complete(value) if found.startswith(value)), None)


class FilterInput(Input):
    """tab completes, and once more takes the next completion; where there is none it goes on to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False, id="filter.clear", tooltip="Clear the filter"),
        Binding("down", "submit", show=False, id="filter.leave", tooltip="Back to the list"),
        Binding("tab", "complete", show=False, id="filter.complete", tooltip="Complete a field or a value"),
    ]

    def __init__(self, complete: Complete | None) -> None:
        suggester = Words(complete) if complete else None
        super().__init__(
            placeholder="filter", compact=True, id="filter-input", select_on_focus=False, suggester=suggester
        )
        self.cursor_blink = False
        self._complete = complete
        #: the completions that tab goes through, and which of them stands there
        self._offered: tuple[Sequence[str], int] = ((), 0)

    def action_complete(self) -> None:
        offered, place = self._offered
        if len(offered) > 1 and self.value == offered[place]:
            place = (place + 1) % len(offered)
        else:
            offered, place = (self._complete(self.value) if self._complete else ()), 0
        self._offered = (offered, place)
        if not offered:
            self.app.action_focus_next()
            return
        self.value = offered[place]
        self.cursor_position = len(self.value)

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

    def __init__(self, glyphs: Glyphs, complete: Complete | None = None) -> None:
        super().__init__(id="filter")
        self.input = FilterInput(complete)
        self.status = Status()
        self._waiting: Timer | None = None
        self._told = ""

    def compose(self) -> ComposeResult:
        yield Static(" / ", id="filter-slash")
        yield self.input
        yield self.status

    def edit(self) -> None:
        """Begin with another word behind those that are there."""
        if self.input.value and not self.input.value.endswith(" "):
            self.input.value += " "
        self.input.cursor_position = len(self.input.value)
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
