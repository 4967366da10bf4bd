"""The log of a task: its lines as they come, and from its start on when somebody goes there."""

from __future__ import annotations

from mofsim.tui import jobs, messages
from mofsim.tui.screens.reading_log import ReadingLog
from mofsim.tui.screens.task_screen import TaskScreen
from mofsim.tui.session import Session


class LogKeys(ReadingLog, TaskScreen):
    """Subclasses have a `log_view` on a `buffer`, and a task with `task_id`."""

    task_id: int

    def __init__(self, session: Session) -> None:
        super().__init__(session)
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
            self.find(step)

    def on_log_view_start_wanted(self) -> None:
        self.read_from_start()

    def read_from_start(self) -> None:
        first = self.buffer.first_id
        if first is not None and not self._reading_start and not self.buffer.from_start:
            self._reading_start = True
            self.ask(jobs.log_before, self.task_id, first, group="log-start")

    def find(self, step: int) -> None:
        """In the whole log, which may first have to be read."""
        needle = self.log_view.needle
        if needle and not self.buffer.from_start and self.buffer.first_id is not None:
            self._find_then = step
            self.read_from_start()
            return
        if not self.log_view.find(needle, step) and needle:
            self.app.notify(f"no line has {needle!r}", markup=False, timeout=3)
        self.log_drawn()
