"""The keys of every log: follow, find, wrap, time."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.session import Session
from mofsim.tui.widgets.log_view import LogView


class FindBar(Input):
    """Where the text to find is typed; not there until it is asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "stop finding", show=False, id="find.stop", tooltip="Stop finding")
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="find in the log", compact=True, id="find")
        self.cursor_blink = False
        self.display = False

    def action_give_up(self) -> None:
        self.value = ""
        self.post_message(self.Submitted(self, ""))


class ReadingLog(ConsoleScreen):
    """Subclasses have a `log_view` on a `buffer`, and tell how they `find`."""

    buffer: LogBuffer
    log_view: LogView

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.find_bar = FindBar()

    def log_drawn(self) -> None:
        """The log shows something else than before."""
        self.refresh_keys()

    def find(self, step: int) -> None:
        """The next row with what is looked for, down (+1) or up (-1)."""
        raise NotImplementedError

    def do_log_follow(self) -> None:
        self.log_view.follow(not self.log_view.following)
        self.log_drawn()

    def do_log_wrap(self) -> None:
        self.log_view.wrap = not self.log_view.wrap
        self.log_view.redraw()
        self.log_drawn()

    def do_log_time(self) -> None:
        self.buffer.stamp = self.buffer.stamp.next
        self.log_view.redraw()
        self.log_drawn()

    def do_log_find(self) -> None:
        self.find_bar.display = True
        self.find_bar.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.find_bar.display = False
        self.look_for(event.value)

    def look_for(self, needle: str) -> None:
        """Upwards from where the log is; empty: for nothing any more."""
        self.set_focus(None)
        self.log_view.needle, self.log_view.found = needle, None
        self.find(-1)

    def do_log_next(self) -> None:
        self.find(+1)

    def do_log_previous(self) -> None:
        self.find(-1)
