"""The keys of a log: follow, find, wrap."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from mofsim.tui import jobs, messages
from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.screens.task_screen import TaskScreen
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


class LogKeys(TaskScreen):
    """Subclasses have a `log_view` on a `buffer`, and a task with `task_id`."""

    task_id: int
    buffer: LogBuffer
    log_view: LogView

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.find_bar = FindBar()
        self._reading_start = False
        #: a direction to look in as soon as the whole log is there
        self._find_then: int | None = None

    def on_log_came(self, message: messages.LogCame) -> None:
        buffer = self.buffer
        if message.earlier:
            self._reading_start = not message.from_start
            self.log_view.grown(before=buffer.add_before(message.lines, message.from_start))
        else:
            buffer.from_start |= message.from_start
            if buffer.add(message.lines):
                self.log_view.grown()
        self.log_drawn()
        if self._find_then is not None and buffer.from_start:
            step, self._find_then = self._find_then, None
            self._find(step)

    def log_drawn(self) -> None:
        """The log shows something else than before."""
        self.refresh_keys()

    def on_log_view_start_wanted(self) -> None:
        self.read_from_start()

    def read_from_start(self) -> None:
        first = self.buffer.first_id
        if first is not None and not self._reading_start and not self.buffer.from_start:
            self._reading_start = True
            self.ask(jobs.log_before, self.task_id, first, group="log-start")

    def do_log_follow(self) -> None:
        self.log_view.follow(not self.log_view.following)
        self.log_drawn()

    def do_log_wrap(self) -> None:
        self.log_view.wrap = not self.log_view.wrap
        self.log_view.redraw()
        self.log_drawn()

    def do_log_find(self) -> None:
        self.find_bar.display = True
        self.find_bar.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.find_bar.display = False
        self.set_focus(None)
        self.log_view.needle = event.value
        self.log_view.found = None
        self._find(-1)

    def do_log_next(self) -> None:
        self._find(+1)

    def do_log_previous(self) -> None:
        self._find(-1)

    def _find(self, step: int) -> None:
        """In the whole log, which may first have to be read."""
        needle = self.log_view.needle
        if needle and not self.buffer.from_start and self.buffer.first_id is not None:
            self._find_then = step
            self.read_from_start()
            return
        if not self.log_view.find(needle, step) and needle:
            self.app.notify(f"no line has {needle!r}", markup=False, timeout=3)
        self.log_drawn()
