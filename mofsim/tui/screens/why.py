"""All that is known about why a task is where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mofsim.tui import jobs, messages
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.why import why_lines
from mofsim.tui.widgets.panes import title

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task


class Why(ModalScreen[None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,space,q,w,backspace", "close", "close", id="why.close", tooltip="Close")
    ]

    def __init__(self, session: Session, task: Task) -> None:
        super().__init__()
        self._session = session
        self._task_shown = task
        self._sentence: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(title(self._task_shown), id="question", markup=False)
            yield Static("", id="text", markup=False)
            yield Static("esc closes", id="hint", markup=False)

    def on_mount(self) -> None:
        self._session.changed.subscribe(self, self._on_store)
        self._draw_text()
        client = self._session.client
        if client and self._session.store.online:
            self.run_worker(jobs.bound(jobs.explain, client, self._task_shown.id, self.post_message))

    def on_explained(self, message: messages.Explained) -> None:
        self._sentence = message.explanation.sentence
        self._draw_text()

    def _on_store(self, change: Change) -> None:
        task = self._session.store.task(self._task_shown.id)
        if task and self._task_shown.id in change.rows:
            if task.status is not self._task_shown.status:
                self._sentence = None
            self._task_shown = task
            self._draw_text()

    def _draw_text(self) -> None:
        forecast = self._session.store.forecast(self._task_shown)
        lines = why_lines(self._task_shown, self._sentence, forecast, min(68, self.app.size.width - 8))
        self.query_one("#text", Static).update("\n".join(lines))

    def action_close(self) -> None:
        self.dismiss(None)
