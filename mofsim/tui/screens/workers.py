"""Workers and their devices: what each does, what it showed of late, and what is on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.timer import Timer

from mofsim.tui import device_jobs, device_messages, device_words
from mofsim.tui.actions import Context, Scope
from mofsim.tui.alert_book import Listing
from mofsim.tui.device_book import Place
from mofsim.tui.device_columns import device_columns
from mofsim.tui.registry import bindings
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.watching import Watching
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.device_pane import DevicePane
from mofsim.tui.widgets.table import Table

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.resources import Model, Worker
    from mofsim.tui.app import Console

#: Seconds that the cursor must rest on a device before the server is asked for its history.
REST = 0.12
NOTHING = ("No worker was ever here.", "", "Start one:   mofsim worker", "It needs the same data folder as the server.")


class WorkersScreen(Moving, Watching):
    SCOPES = (Scope.MOVE, Scope.DEVICE, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#devices"
    CSS_PATH = "workers.tcss"
    MODE = "workers"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        columns = device_columns(self.store, session.glyphs, session.now)
        empty: Listing[Place] = Listing()
        self.table: Table[Place] = Table(columns, empty, lambda place: place.id, id="devices")
        self.table.glyphs = session.glyphs
        self.pane = DevicePane(session)
        self._marked: set[int] = set()
        self._asking: Timer | None = None

    def body(self) -> Sequence[Widget]:
        return self.table, self.pane

    @property
    def places(self) -> Listing[Place]:
        return cast(Listing[Place], self.table.rows)

    def show_worker(self, worker_id: str) -> None:
        """Put the cursor on it, now or when it is listed."""
        if worker_id:
            self.table.cursor = self.store.devices.number(worker_id)
        if self.is_mounted:
            self.table.changed()

    def changed(self, change: Change) -> None:
        super().changed(change)
        if change.line or change.missed:
            self._ask_in(REST)
        if not (change.machines or change.list or change.line):
            return
        table = self.table
        table.rows = self.store.devices.places(self.store.workers.values())
        self._marked &= {place.id for place in self.places.rows if place.worker}
        table.marked = self._marked
        table.stale = self.store.line is Line.LOST
        table.empty = no_line(self.store, self.session.glyphs) if self.store.line is Line.CONNECTING else NOTHING
        table.changed()
        self._peek()

    def _under_cursor(self) -> Place | None:
        return self.places.get(self.table.cursor)

    def _peek(self) -> None:
        place = self._under_cursor()
        before = self.pane.place.subject if self.pane.place else None
        self.pane.show(place)
        if place is not None and place.subject != before:
            self._ask_in(REST)

    def on_table_moved(self, message: Table.Moved) -> None:
        self._peek()
        self.refresh_keys()

    def _ask_in(self, seconds: float) -> None:
        if self._asking:
            self._asking.stop()
        self._asking = self.set_timer(seconds, self._ask_history)

    def _ask_history(self) -> None:
        self._asking = None
        place = self.pane.place
        if place is not None and place.subject and self.store.online and self.is_active:
            self.ask(device_jobs.device_history, place, self.pane.span, self.pane.points, group="history")

    def on_history_came(self, message: device_messages.HistoryCame) -> None:
        self.store.devices.history_came(message.history, message.seconds)
        self.pane.draw()

    def workers_meant(self) -> Sequence[Worker]:
        """Those that are selected, else the one under the cursor."""
        marked = [place.worker for place in self.places.rows if place.id in self._marked and place.worker]
        place = self._under_cursor()
        return marked or ([place.worker] if place and place.worker else [])

    def situation(self) -> Context:
        place = self._under_cursor()
        task_id = place.worker.task_id if place and place.worker else None
        return self.picture(workers=self.workers_meant(), selected=len(self._marked), runs=task_id)

    def moved(self) -> Movable:
        return self.table

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.action_do("device.task")

    def do_device_task(self) -> None:
        place = self._under_cursor()
        if place and place.worker and place.worker.task_id is not None:
            cast("Console", self.app).open_task(place.worker.task_id)

    def do_device_select(self) -> None:
        place = self._under_cursor()
        if place and place.worker:
            self._marked ^= {place.id}
            self.table.move(1)
            self.refresh_keys()

    def do_device_none(self) -> None:
        self._marked.clear()
        self.table.redraw()
        self.refresh_keys()

    def do_device_span(self) -> None:
        self.pane.next_span()
        self._ask_in(REST)

    def do_device_maximise(self) -> None:
        self.toggle_class("-maximised")

    def do_device_drain(self) -> None:
        """At once where nothing runs; else what becomes of the tasks is said first."""
        from mofsim.tui.screens.confirm import Confirm

        workers = [worker for worker in self.workers_meant() if not worker.drain]
        if not any(worker.task_id is not None for worker in workers):
            self._change(device_jobs.drain, workers)
            return

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self._change(device_jobs.drain, workers)

        title = f"Drain {workers[0].id}?" if len(workers) == 1 else f"Drain {len(workers)} workers?"
        items = [device_words.what_becomes_of(worker, self.store) for worker in workers]
        hint = "r lets it take tasks again, also after a restart." if len(workers) == 1 else "r resumes them."
        self.app.push_screen(Confirm(title, items, hint, keep="go on", yes="drain"), answered)

    def do_device_resume(self) -> None:
        self._change(device_jobs.resume, [worker for worker in self.workers_meant() if worker.drain])

    def do_device_load(self) -> None:
        self.ask(device_jobs.models, group="models")

    def on_models_came(self, message: device_messages.ModelsCame) -> None:
        workers = self.workers_meant()
        usable = {
            model.name: _said(model)
            for model in message.models
            if model.is_validated and not all(model.name in worker.loaded_models for worker in workers)
        }
        self._choose_model("load", usable, "It is loaded between two tasks; the one used longest ago may have to go.")

    def do_device_unload(self) -> None:
        """Of a worker that is drained too: its memory is wanted for something else."""
        workers = self.workers_meant()
        loaded = {name: "" for worker in workers for name in worker.loaded_models}
        self._choose_model(
            "unload", loaded, "Its memory is given back between two tasks; the next task of it loads it."
        )

    def _choose_model(self, verb: str, models: dict[str, str], note: str) -> None:
        from mofsim.tui.screens.model_choice import ModelChoice

        workers = [worker for worker in self.workers_meant() if verb == "load" or worker.loaded_models]
        if not models or not workers:
            self.app.notify(f"there is no model to {verb}", timeout=4)
            return

        def answered(model: str | None) -> None:
            if model and verb == "load":
                self._change(device_jobs.load_model, workers, model)
            elif model:
                self._change(device_jobs.unload_model, [each for each in workers if model in each.loaded_models], model)

        where = workers[0].id if len(workers) == 1 else f"{len(workers)} workers"
        self.app.push_screen(ModelChoice(f"{verb} which model on {where}?", models, note), answered)

    def _change(self, job: Any, workers: Sequence[Worker], *more: Any) -> None:
        self.ask(job, workers, *more)
        self.do_device_none()


def _said(model: Model) -> str:
    return ", ".join(filter(None, (model.framework, model.dtype, "with D3" if model.d3 else "", model.description)))
