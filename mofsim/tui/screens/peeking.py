"""Keeps the panels under a list up to date, without asking the server more often than a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

from mofsim.tui import jobs, messages
from mofsim.tui.screens.task_screen import TaskScreen
from mofsim.tui.store import Change
from mofsim.tui.widgets.peek import Peek
from mofsim.vocabulary import TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task

#: Seconds that the cursor must rest on a task before the server is asked about it, and between later questions.
REST = 0.12
AGAIN = 1.0


class Peeking(TaskScreen):
    """Subclasses have a `peek`."""

    peek: Peek
    _asking: Timer | None = None

    def peek_at(self, task: Task | None) -> None:
        """The cursor came to a task."""
        self.peek.show(task)
        self._ask_in(REST, anew=True)

    def peek_changed(self, change: Change) -> None:
        shown = self.peek.shown
        if shown is None:
            return
        if shown.id in change.rows or change.list:
            task = self.store.window.get(shown.id)
            if task:
                status_changed = task.status is not shown.status
                self.peek.show(task)
                self._ask_in(REST if status_changed else AGAIN)
        elif change.recount and shown.status.is_waiting:
            # Its place in the queue may have changed.
            self._ask_in(AGAIN)
        elif change.line and self.store.online:
            self._ask_in(REST)

    def _ask_in(self, seconds: float, anew: bool = False) -> None:
        if self._asking and anew:
            self._asking.stop()
        elif self._asking:
            return
        self._asking = self.set_timer(seconds, self._ask)

    def _ask(self) -> None:
        self._asking = None
        task = self.peek.shown
        if task is None or not self.store.online or not self.is_active:
            return
        if task.status is TaskStatus.COMPLETED:
            self.ask(jobs.outcome, task.id, group="explain")
        elif task.status not in (TaskStatus.RUNNING, TaskStatus.FAILED, TaskStatus.TIMEOUT):
            self.ask(jobs.explain, task.id, group="explain")
        if not task.status.is_waiting:
            self.ask(jobs.series, task.id, self.peek.points, group="series")

    def on_explained(self, message: messages.Explained) -> None:
        self.peek.explained(message.explanation)

    def on_outcome_came(self, message: messages.OutcomeCame) -> None:
        self.peek.came_out(message.result)

    def on_series_came(self, message: messages.SeriesCame) -> None:
        task = self.store.task(message.task_id)
        if task:
            self.session.changed.publish(self.store.series(task, message.series))
            self.peek.plot(message.series)
