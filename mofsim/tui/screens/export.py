"""What to export, of which tasks, to where on this machine; then how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from mofsim.tui import destinations, export_jobs, format, jobs, messages
from mofsim.tui.destinations import Verdict
from mofsim.tui.export_jobs import Wanted
from mofsim.tui.screens.destination import PathInput
from mofsim.tui.session import Session
from mofsim.tui.widgets.choice import Choice
from mofsim.tui.widgets.fields import Field, Note

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task
    from mofsim.tui.query import Query

THESE, LISTED = "these", "listed"
KINDS = {"csv": "table (CSV)", "json": "JSON", "folders": "folders with files"}
_BAR = 30


class ExportForm(ModalScreen[None]):
    """esc leaves it, and what was begun goes on; its end is told wherever one is then."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="export.leave", tooltip="Back; an export that has begun goes on"),
        Binding("ctrl+s", "begin", "export", id="export.begin", tooltip="Write it"),
    ]

    def __init__(self, session: Session, tasks: Sequence[Task], listed: tuple[Query, int | None] | None) -> None:
        super().__init__()
        self._session = session
        self._tasks = tasks
        self._listed = listed
        glyphs = session.glyphs
        kind = "csv" if len(tasks) > 1 else "folders"
        self.which = Choice(list(self._whiches()), THESE, glyphs, "which")
        self.kind = Choice(list(KINDS.items()), kind, glyphs, "kind")
        self.path = PathInput("")
        self.note = Note(glyphs)
        self._progress = Static("", id="progress", markup=False)
        self._worker: Worker[None] | None = None
        #: the path that we wrote into the field, so that one that was typed is not written over
        self._proposed = ""

    def _whiches(self) -> Iterator[tuple[str, str]]:
        n = len(self._tasks)
        yield THESE, f"task {self._tasks[0].id}" if n == 1 else f"the {n} selected"
        if self._listed is not None:
            query, total = self._listed
            count = f" ({format.grouped(total)})" if total is not None and query.exact else ""
            yield LISTED, f"all {'that match the filter' if query.text else 'tasks'}{count}"

    def compose(self) -> ComposeResult:
        glyphs = self._session.glyphs
        with Vertical(id="dialog"):
            yield Static("Export", id="question", markup=False)
            yield Field("which", "tasks", self.which, glyphs)
            yield Field("kind", "as", self.kind, glyphs)
            yield Field("path", "to", self.path, glyphs)
            yield self.note
            with Horizontal(id="buttons"):
                yield Button("export (enter)", id="begin", compact=True)
                yield Button("back (esc)", id="leave", compact=True)
                yield Button("stop", id="stop", compact=True)
            yield self._progress

    def on_mount(self) -> None:
        self.query_one("#stop").display = False
        self._propose()
        self.path.focus()
        self.path.cursor_position = len(self.path.value)

    def _propose(self) -> None:
        """A path that fits, unless somebody typed another one."""
        if self.path.value != self._proposed:
            return
        folder = self._session.remembered.folder or "."
        name = "" if self.kind.value == "folders" else f"/mofsim-tasks.{self.kind.value}"
        if len(self._chosen) == 1 and name:
            name = f"/mofsim-task-{self._chosen[0].id}.{self.kind.value}"
        self._proposed = f"{folder.rstrip('/') if name else folder}{name}"
        self.path.value = self._proposed
        self.path.cursor_position = len(self._proposed)

    @property
    def _chosen(self) -> Sequence[Task]:
        return self._tasks if self.which.value == THESE else ()

    def on_choice_changed(self, message: Choice.Changed) -> None:
        self._propose()
        self._judge()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._judge()

    def _judge(self) -> Verdict:
        folders = self.kind.value == "folders"
        verdict = (destinations.judge_folder if folders else destinations.judge_file)(self.path.value)
        if folders and not verdict.problem:
            verdict = self._judge_folders(verdict)
        self.note.say(verdict.note)
        self.note.complain(verdict.problem)
        return verdict

    def _judge_folders(self, verdict: Verdict) -> Verdict:
        if len(self._chosen) != 1:
            return Verdict(note=f"mofsim-task-ID in it, at most {export_jobs.MOST_FOLDERS}")
        task = self._chosen[0]
        if not task.status.is_final:
            return Verdict(f"task {task.id} has not ended; a table or JSON has what it is")
        target = destinations.task_folder(destinations.path_of(self.path.value), task.id)
        if destinations.is_taken(target):
            return Verdict(f"{target.name} is there already")
        return Verdict(note=f"{target.name} in it")

    def on_input_submitted(self) -> None:
        self.action_begin()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        {"begin": self.action_begin, "leave": self.action_leave, "stop": self._stop}[event.button.id or "leave"]()

    def action_begin(self) -> None:
        client = self._session.client
        if self._worker is not None or self._judge().problem:
            return
        if client is None or not self._session.store.online:
            self.note.complain("the server does not answer; this works again as soon as it does")
            return
        query = self._listed[0] if self._listed is not None and self.which.value == LISTED else None
        wanted = Wanted(self.kind.value, destinations.path_of(self.path.value), self._chosen, query)
        self._worker = self.app.run_worker(jobs.bound(export_jobs.export, client, wanted, self._post), group="actions")
        self._show_running(True)
        self._remember()

    def _post(self, message: Message) -> None:
        """How far it is concerns this dialog; how it ended everybody, for it may have been left."""
        if isinstance(message, messages.Exported):
            if message.failed:
                said = messages.Said(message.text, "error")
            else:
                said = messages.Said(f"exported {message.text}", "warning" if message.incomplete else "information")
            self.app.post_message(said)
        (self.app if isinstance(message, messages.Said) else self).post_message(message)

    def _remember(self) -> None:
        typed = self.path.value.strip()
        folder = typed if self.kind.value == "folders" else typed.rpartition("/")[0] or ("/" if "/" in typed else ".")
        problem = self._session.remembered.keep(folder=folder)
        if problem:
            self.app.notify(problem, severity="warning", markup=False)

    def _show_running(self, running: bool) -> None:
        self.query_one("#begin").display = not running
        self.query_one("#stop").display = running
        self._progress.update("reads the tasks" if running else "")
        if running:
            self.query_one("#stop").focus()

    def on_exporting(self, message: messages.Exporting) -> None:
        bar = format.bar(message.done / max(1, message.total), _BAR, self._session.glyphs)
        self._progress.update(f"{bar} {message.done} of {message.total}  {message.words}")

    def on_exported(self, message: messages.Exported) -> None:
        self._worker = None
        if not message.failed:
            self.dismiss()
            return
        self._show_running(False)
        self.note.complain(message.text)
        self.path.focus()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
        self._show_running(False)
        self.path.focus()

    def action_leave(self) -> None:
        self.dismiss()
