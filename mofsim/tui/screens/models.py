"""The models: whether tasks can use them, where they are loaded, and below all that is known of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from textual.containers import Horizontal
from textual.timer import Timer

from mofsim.tui import model_words, stock_jobs, stock_messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.registry import bindings
from mofsim.tui.screens.base import ConsoleScreen, Job
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.session import Session
from mofsim.tui.stock import ModelRow
from mofsim.tui.stock_columns import model_columns
from mofsim.tui.store import Change, Line
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.peek import TextLines
from mofsim.tui.widgets.periodic_table import PeriodicTable
from mofsim.tui.widgets.table import Table

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.envelope import Page
    from mofsim.schemas.resources import Worker
    from mofsim.schemas.tasks import Task
    from mofsim.tui.app import Console

#: Seconds that the cursor must rest on a model before the server is asked about it, and between later questions.
REST = 0.12
AGAIN = 2.0


class ModelsScreen(Moving, ConsoleScreen):
    SCOPES = (Scope.MOVE, Scope.MODEL, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#models"
    CSS_PATH = "models.tcss"
    MODE = "models"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.book = self.store.stock.models
        columns = model_columns(self.store, session.glyphs)
        self.table: Table[ModelRow] = Table(columns, self.book.listing, lambda row: row.id, id="models")
        self.table.glyphs = session.glyphs
        self.details = TextLines(session.glyphs, "model-details", titled=True)
        self.elements = PeriodicTable(session.glyphs, "model-elements")
        self._tasks: dict[str, Page[Task]] = {}
        self._told_width = 0
        self._asking: Timer | None = None
        self._validations: frozenset[int] = frozenset()

    def body(self) -> Sequence[Widget]:
        return self.table, Horizontal(self.details, self.elements, id="model-peek")

    def on_mount(self) -> None:
        self.details.caption = "model"

    def _ask_list(self) -> None:
        if self.store.online:
            self.ask(stock_jobs.models, group="models")

    def on_models_came(self, message: stock_messages.ModelsCame) -> None:
        self.book.came(message.models)
        self._came()

    def on_model_came(self, message: stock_messages.ModelCame) -> None:
        self.book.detail_came(message.detail)
        self._came()

    def on_models_changed(self) -> None:
        self._ask_list()

    def on_tasks_of_came(self, message: stock_messages.TasksOfCame) -> None:
        self._tasks[str(message.of)] = message.tasks
        self._peek()

    def _came(self) -> None:
        details = [row.detail for row in self.book.listing.rows if row.detail]
        self._validations = frozenset(each.validation_task for each in details if each.validation_task is not None)
        self.session.changed.publish(Change(stock=True))

    def changed(self, change: Change) -> None:
        # Also when the screen comes to the front: no event tells of models that came or went.
        if change.missed or (change.line and self.store.online) or self._was_validated(change):
            self._ask_list()
        if not (change.stock or change.counts or change.line or change.list):
            return
        self.table.rows = self.book.listing
        self.table.stale = self.store.line is Line.LOST
        self.table.empty = self._nothing()
        self.table.changed()
        self._peek()

    def _was_validated(self, change: Change) -> bool:
        """A validation that is known of came to its end."""
        found = [self.store.task(task_id) for task_id in change.rows & self._validations]
        return any(task is None or task.status.is_final for task in found)

    def _nothing(self) -> Sequence[str]:
        if self.store.line is Line.CONNECTING:
            return no_line(self.store, self.session.glyphs)
        if self.book.rows is None:
            return (f"reading {self.session.glyphs.dots}",)
        return ("The server has no models.", "", "i uploads one; others are named in its settings ([models.NAME]).")

    @property
    def _row(self) -> ModelRow | None:
        return self.book.listing.get(self.table.cursor)

    @property
    def _workers(self) -> list[Worker]:
        return list(self.store.workers.values())

    def _peek(self) -> None:
        row = self._row
        if row is None:
            self.details.show(())
            self.elements.show(())
            return
        width = self._told_width = self.details.content_size.width - 1
        self.call_after_refresh(self._fit)
        tasks, dots = self._tasks.get(row.name), self.session.glyphs.dots
        self.details.show(model_words.details(row, tasks, self._workers, dots, width))
        self.elements.caption = f"elements: {len(row.elements)}" if row.elements else "elements: not told"
        self.elements.show(row.elements)

    def _fit(self) -> None:
        """The pane has its width when the screen was laid out, which may be after its words came."""
        if self.details.content_size.width - 1 != self._told_width:
            self._peek()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def on_table_moved(self, message: Table.Moved) -> None:
        self._peek()
        if self._asking:
            self._asking.stop()
        self._asking = self.set_timer(REST, self._ask)
        self.refresh_keys()

    def _ask(self) -> None:
        self._asking = None
        row = self._row
        if row is not None and self.store.online and self.is_active:
            self.ask(stock_jobs.model, row.name, group="model")
            self.ask(stock_jobs.tasks_of_model, row.name, group="tasks-of")

    def situation(self) -> Context:
        row = self._row
        holders = [worker.id for worker in model_words.holders(row.name, self._workers)] if row else ()
        return self.picture(model=row, holders=holders)

    def moved(self) -> Movable:
        return self.table

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.action_do("model.tasks")

    def do_model_tasks(self) -> None:
        row = self._row
        if row is not None:
            cast("Console", self.app).show_tasks(f"model:{row.name}")

    def do_model_submit(self) -> None:
        from mofsim.tui.screens.submit import SubmitForm

        row = self._row
        if row is not None:
            self.app.push_screen(SubmitForm(self.session, model=row.name))

    def do_model_load(self) -> None:
        row = self._row
        if row is not None:
            note = "A worker does it between two tasks; other models that it has may have to go for it."
            self._choose("load", row, model_words.online(self._workers), stock_jobs.load_model, note)

    def do_model_unload(self) -> None:
        row = self._row
        if row is not None:
            note = "A worker does it between two tasks; the next task with the model loads it again."
            self._choose("unload", row, model_words.holders(row.name, self._workers), stock_jobs.unload_model, note)

    def _choose(self, verb: str, row: ModelRow, workers: Sequence[Worker], job: Job, note: str) -> None:
        from mofsim.tui.screens.choose_worker import ALL, ChooseWorker

        if not workers:
            self.app.notify("no worker is online; `mofsim worker` starts one", timeout=4, markup=False)
            return

        def chosen(worker: str | None) -> None:
            if worker:
                self.ask(job, row.name, None if worker == ALL else worker)

        self.app.push_screen(ChooseWorker(verb, row.name, workers, note), chosen)

    def do_model_validate(self) -> None:
        row = self._row
        if row is None:
            return
        if not row.model.is_validated:
            self.ask(stock_jobs.validate_model, row.name, self.post_message)
            return
        hint = "Until its checks have passed again, no task can use it."
        self._confirm(f"Validate {row.name} again?", hint, "leave it", "validate", lambda: self._do_validate(row.name))

    def _do_validate(self, name: str) -> None:
        self.ask(stock_jobs.validate_model, name, self.post_message)

    def do_model_remove(self) -> None:
        row = self._row
        if row is None:
            return
        hint = "Its file is deleted. Tasks that used it keep their results."
        self._confirm(
            f"Remove the model {row.name}?",
            hint,
            "keep it",
            "remove it",
            lambda: self.ask(stock_jobs.delete_model, row.name, self.post_message),
        )

    def _confirm(self, title: str, hint: str, keep: str, yes: str, then: Callable[[], None]) -> None:
        from mofsim.tui.screens.confirm import Confirm

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                then()

        self.app.push_screen(Confirm(title, [hint], keep=keep, yes=yes), answered)

    def do_model_upload(self) -> None:
        from mofsim.tui.screens.model_upload import ModelUpload

        self.app.push_screen(ModelUpload(self.session, self._ask_list))
