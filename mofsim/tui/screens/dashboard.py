"""The whole at a glance: what needs a person, the devices, the queue, what ended and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from mofsim.tui import device_jobs, device_messages, overview_words
from mofsim.tui.actions import Context, Scope
from mofsim.tui.alert_book import Listing
from mofsim.tui.attention import Leads, Matter, matters
from mofsim.tui.dashboard_columns import failure_columns, lane_columns, matter_columns
from mofsim.tui.device_book import Place
from mofsim.tui.device_columns import brief_columns
from mofsim.tui.overview_words import FailureRow, LaneRow
from mofsim.tui.registry import bindings
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.watching import Watching
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.bar_chart import BarChart
from mofsim.tui.widgets.lines import Lines, Row, piece
from mofsim.tui.widgets.table import Table

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.tui.app import Console

#: The lists, in the order that tab goes through.
LISTS = ("needs", "places", "lanes", "failures")
#: Seconds between two questions for the overview: at least when something happened, and at most when nothing did.
SOON, LATER = 2.0, 15.0
NOTHING: Mapping[str, Sequence[str]] = {
    "needs": ("Nothing needs you.",),
    "places": ("No worker was ever here; start one:   mofsim worker",),
    "lanes": (),
    "failures": ("Nothing failed in the last 24 hours.",),
}


class QueueNotes(Lines):
    """Below the queue: when it is done."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="queue-notes")
        self.glyphs = session.glyphs
        self._store = session.store

    def draw(self, width: int, height: int) -> Iterable[Row]:
        return [(piece(line),) for line in overview_words.queue_lines(self._store.overview, width)]


class Dashboard(Moving, Watching):
    SCOPES = (Scope.MOVE, Scope.DASHBOARD, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#needs"
    CSS_PATH = "dashboard.tcss"
    MODE = "dashboard"
    #: they are listed
    TELLS_OF_ALERTS = False

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        glyphs, now, empty = session.glyphs, session.now, Listing[Any]()
        self.tables: Mapping[str, Table[Any]] = {
            "needs": Table(matter_columns(glyphs), empty, _id, id="needs"),
            "places": Table(brief_columns(self.store, glyphs), empty, _id, id="places"),
            "lanes": Table(lane_columns(glyphs, now), empty, _id, id="lanes"),
            "failures": Table(failure_columns(glyphs, now), empty, _id, id="failures"),
        }
        for table in self.tables.values():
            table.glyphs = glyphs
        self.notes = QueueNotes(session)
        self.ended = BarChart("ended", "24 h ago", "now", "nothing ended")
        self.ended.glyphs = glyphs
        self._asking: Timer | None = None

    @property
    def table(self) -> Table[Any]:
        """The one that keys move in."""
        return next((table for table in self.tables.values() if table.has_focus), self.tables["needs"])

    def body(self) -> Sequence[Widget]:
        queue = Vertical(self.tables["lanes"], self.notes, id="queue")
        below = Horizontal(queue, self.ended, self.tables["failures"], id="below")
        return self.tables["needs"], self.tables["places"], below

    def on_mount(self) -> None:
        self.tables["needs"].caption = "needs you"
        self.tables["places"].caption = "devices"
        self.tables["failures"].caption = "failed in the last 24 h"
        self.tables["lanes"].caption = "queue"
        self.set_interval(LATER, self._ask_overview)

    def look(self, anew: bool = False) -> None:
        super().look(anew)
        if anew or self.store.overview is None:
            self._ask_overview()

    def on_screen_resume(self) -> None:
        self._ask_overview()

    def _ask_overview(self) -> None:
        if self._asking:
            self._asking.stop()
            self._asking = None
        if self.is_active and self.store.online and not self.store.paused:
            self.ask(device_jobs.overview, group="overview")

    def on_overview_came(self, message: device_messages.OverviewCame) -> None:
        self.store.overview = message.overview
        self._show()

    def changed(self, change: Change) -> None:
        super().changed(change)
        if (change.recount or change.counts) and self._asking is None:
            self._asking = self.set_timer(SOON, self._ask_overview)
        if change.machines or change.alerts or change.list or change.line:
            self._show()

    def _show(self) -> None:
        store, now = self.store, self.session.now()
        rows: Mapping[str, Listing[Any]] = {
            "needs": matters(store, store.overview, now),
            "places": store.devices.places(store.workers.values()),
            "lanes": overview_words.lanes(store.overview),
            "failures": overview_words.failures(store.overview, store.devices),
        }
        for name, table in self.tables.items():
            table.rows, table.stale, table.empty = rows[name], store.line is Line.LOST, self._nothing(name)
            table.changed()
        self._share_room()
        self.notes.redraw()
        self.ended.caption = overview_words.ended_caption(store.overview, now)
        self.ended.show(overview_words.hourly(store.overview, now))
        self.refresh_keys()

    def _share_room(self) -> None:
        """What needs a person has as much as it wants; but what is wrong must not push off the screen what runs."""
        needs, places = self.tables["needs"], self.tables["places"]
        # Each has a line of titles.
        room = needs.outer_size.height + places.outer_size.height - needs.gutter.height - places.gutter.height - 2
        most = max(3, room // 2, room - len(places.rows))
        needs.styles.height = needs.gutter.height + 1 + (min(most, len(needs.rows)) or 2)
        needs.caption = f"needs you: {len(needs.rows)}" if len(needs.rows) else "needs you"

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _nothing(self, name: str) -> Sequence[str]:
        if self.store.line is Line.CONNECTING:
            return no_line(self.store, self.session.glyphs) if name == "places" else ()
        waits = self.store.overview is None and name in ("needs", "failures")
        return (f"reading {self.session.glyphs.dots}",) if waits else NOTHING[name]

    def situation(self) -> Context:
        found = cast(Listing[Any], self.table.rows).get(self.table.cursor)
        return self.picture(pane=str(self.table.id), chosen=found is not None)

    def moved(self) -> Movable:
        return self.table

    def on_table_moved(self, message: Table.Moved) -> None:
        self.refresh_keys()

    def on_descendant_focus(self) -> None:
        self.refresh_keys()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.action_do("dashboard.open")

    def do_dashboard_next(self) -> None:
        self._step(+1)

    def do_dashboard_previous(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        seen = [name for name in LISTS if self.tables[name].content_size.height]
        here = str(self.table.id)
        place = seen.index(here) if here in seen else -by
        if seen:
            self.tables[seen[(place + by) % len(seen)]].focus()

    def do_dashboard_open(self) -> None:
        """Go to where it is dealt with."""
        console = cast("Console", self.app)
        match cast(Listing[Any], self.table.rows).get(self.table.cursor):
            case Matter(leads=Leads.ALERT, to=alert_id):
                self._show_alert(int(alert_id))
            case Matter(leads=Leads.WORKER, to=worker_id):
                self._show_worker(worker_id)
            case Matter(leads=Leads.TASK, to=task_id):
                console.open_task(int(task_id))
            case Matter(to=text) | LaneRow(filter=text) | FailureRow(filter=text):
                console.show_tasks(text)
            case Place(worker=worker):
                self._show_worker(worker.id if worker else "")

    def _show_alert(self, alert_id: int) -> None:
        from mofsim.tui.screens.alerts import AlertsScreen

        self.app.switch_mode("alerts")
        cast(AlertsScreen, self.app.screen_stack[0]).show_alert(alert_id)

    def _show_worker(self, worker_id: str) -> None:
        """The cursor on it; "" leaves it where it is."""
        from mofsim.tui.screens.workers import WorkersScreen

        self.app.switch_mode("workers")
        cast(WorkersScreen, self.app.screen_stack[0]).show_worker(worker_id)


def _id(row: Any) -> int:
    return cast(int, row.id)
