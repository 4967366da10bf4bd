"""What needs a person, what is over, and the rules that raise it: three lists, with the row under the cursor below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.timer import Timer
from textual.widgets import ContentSwitcher

from mofsim.tui import alert_words, jobs, messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.alert_book import Listing
from mofsim.tui.alert_columns import active_columns, history_columns, rule_columns
from mofsim.tui.registry import bindings
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.alert_peek import AlertPeek
from mofsim.tui.widgets.panes import PaneBar
from mofsim.tui.widgets.table import Table

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.alerts import AlertRule
    from mofsim.schemas.resources import Alert
    from mofsim.tui.app import Console

PANES = ("active", "history", "rules")
#: Seconds that the cursor must rest on an alert before the server is asked about it, and between later questions.
REST = 0.12
AGAIN = 1.0
NOTHING: Mapping[str, Sequence[str]] = {
    "active": ("Nothing needs you.", "", "tab shows what is over, and the rules."),
    "history": ("There was never an alert.", "", "tab shows the rules."),
    "rules": ("There are no rules.",),
}


class AlertsScreen(Moving, ConsoleScreen):
    SCOPES = (Scope.MOVE, Scope.ALERT, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#active"
    CSS_PATH = "alerts.tcss"
    MODE = "alerts"
    TELLS_OF_ALERTS = False

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        glyphs, now = session.glyphs, session.now
        self.panes = PaneBar(glyphs, PANES, hint="tab next pane ")
        empty: Listing[Any] = Listing()
        self.tables: Mapping[str, Table[Any]] = {
            "active": Table(active_columns(glyphs, now), empty, _id, id="active"),
            "history": Table(history_columns(glyphs, now), empty, _id, id="history"),
            "rules": Table(rule_columns(glyphs, now), empty, _id, id="rules"),
        }
        for table in self.tables.values():
            table.glyphs = glyphs
        self.peek = AlertPeek(session)
        self.pane = PANES[0]
        self._marked: set[int] = set()
        self._asking: Timer | None = None
        self._has_history = False

    @property
    def table(self) -> Table[Any]:
        return self.tables[self.pane]

    def body(self) -> Sequence[Widget]:
        return self.panes, ContentSwitcher(*self.tables.values(), initial=self.pane, id="lists"), self.peek

    def on_mount(self) -> None:
        self.panes.show(self.pane)
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        """Ages go on; while the line is broken they stand still like all else."""
        if self.is_active and self.store.online and not self.store.paused:
            self.table.redraw()
            self.peek.draw()

    def _ask_lists(self) -> None:
        if self.store.online:
            self.store.alerts.asked()
            self.ask(jobs.alert_history, group="history")
            self.ask(jobs.alert_rules, group="rules")

    def on_alerts_came(self, message: messages.AlertsCame) -> None:
        self.store.alerts.came(message.alerts)
        self._has_history = True
        self.session.changed.publish(Change(alerts=True))

    def on_rules_came(self, message: messages.RulesCame) -> None:
        self.store.alerts.rules_came(message.rules)
        self.session.changed.publish(Change(alerts=True))

    def on_alert_came(self, message: messages.AlertCame) -> None:
        self.store.alerts.seen(message.alert)
        self.peek.told(message.alert.id, message.told)
        self.session.changed.publish(Change(alerts=True))

    def changed(self, change: Change) -> None:
        if change.missed or (change.line and self.store.online):
            self._ask_lists()
        if not (change.alerts or change.list or change.line):
            return
        book = self.store.alerts
        rows: Mapping[str, Listing[Any]] = {
            "active": book.active,
            "history": book.history,
            "rules": book.rules or Listing(),
        }
        self._marked &= {alert.id for alert in book.active.rows}
        for name, table in self.tables.items():
            table.rows, table.marked = rows[name], self._marked if name == "active" else ()
            table.stale = self.store.line is Line.LOST
            table.empty = self._nothing(name)
        # Those that are not shown have no size yet, and settle when they are.
        self.table.changed()
        self.panes.count("active", len(book.active))
        self._peek()

    def _nothing(self, pane: str) -> Sequence[str]:
        """What an empty list says: what to press."""
        if self.store.line is Line.CONNECTING:
            return no_line(self.store, self.session.glyphs)
        waits = not self._has_history if pane == "history" else pane == "rules" and self.store.alerts.rules is None
        return (f"reading {self.session.glyphs.dots}",) if waits else NOTHING[pane]

    def _under_cursor(self) -> Any:
        return cast(Listing[Any], self.table.rows).get(self.table.cursor)

    def _peek(self) -> None:
        found = self._under_cursor()
        if self.pane == "rules":
            self.peek.show_rule(found)
        elif self.peek.show_alert(found):
            self._ask_in(AGAIN)

    def on_table_moved(self, message: Table.Moved) -> None:
        if self._asking:
            self._asking.stop()
            self._asking = None
        self._peek()
        self._ask_in(REST)
        self.refresh_keys()

    def _ask_in(self, seconds: float) -> None:
        if self._asking is None:
            self._asking = self.set_timer(seconds, self._ask)

    def _ask(self) -> None:
        self._asking = None
        alert = self.peek.alert
        if alert is not None and self.store.online and self.is_active:
            self.ask(jobs.alert, alert.id, group="alert")

    def show_alert(self, alert_id: int) -> None:
        """Put the cursor on one that holds, now or when it is listed."""
        self.tables["active"].cursor = alert_id
        if self.is_mounted:
            self.tables["active"].changed()
            self._show_pane("active")

    def alerts_meant(self) -> Sequence[Alert]:
        if self.pane == "rules":
            return ()
        marked = [alert for alert in self.store.alerts.active.rows if alert.id in self._marked]
        if marked and self.pane == "active":
            return marked
        found = self._under_cursor()
        return [found] if found is not None else []

    def rule_meant(self) -> AlertRule | None:
        return cast("AlertRule | None", self._under_cursor()) if self.pane == "rules" else None

    def situation(self) -> Context:
        selected = len(self._marked) if self.pane == "active" else 0
        return self.picture(rule=self.rule_meant(), selected=selected, pane=self.pane)

    def moved(self) -> Movable:
        return self.table

    def _show_pane(self, pane: str) -> None:
        self.pane = self.query_one(ContentSwitcher).current = pane
        self.panes.show(pane)
        self.table.focus()
        # It is laid out only now.
        self.call_after_refresh(self._pane_shown)

    def _pane_shown(self) -> None:
        self.table.changed()
        self._peek()
        self._ask_in(REST)
        self.refresh_keys()

    def do_alert_next_pane(self) -> None:
        self._show_pane(PANES[(PANES.index(self.pane) + 1) % len(PANES)])

    def do_alert_previous_pane(self) -> None:
        self._show_pane(PANES[(PANES.index(self.pane) - 1) % len(PANES)])

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.action_do("alert.task")

    def do_alert_task(self) -> None:
        task_id = alert_words.task_of(self.alerts_meant()[0])
        if task_id is not None:
            cast("Console", self.app).open_task(task_id)

    def do_alert_select(self) -> None:
        alert = self._under_cursor()
        if alert is not None:
            self._marked ^= {alert.id}
            self.table.move(1)
            self.refresh_keys()

    def do_alert_none(self) -> None:
        self._marked.clear()
        self.table.redraw()
        self.refresh_keys()

    def do_alert_acknowledge(self) -> None:
        super().do_alert_acknowledge()
        self.do_alert_none()

    def do_alert_resolve(self) -> None:
        from mofsim.tui.screens.confirm import Confirm

        alerts = [alert for alert in self.alerts_meant() if not alert.resolved]
        title = f"Is alert {alerts[0].id} over?" if len(alerts) == 1 else f"Are these {len(alerts)} alerts over?"
        items = [f"{alert.id} {alert.message}" for alert in alerts]

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.ask(jobs.resolve, alerts)
                self.do_alert_none()

        hint = "Should the cause still be there, it is not raised again before the cause was gone once."
        self.app.push_screen(Confirm(title, items, hint, keep="leave it", yes="it is over"), answered)

    def do_alert_silence(self) -> None:
        from mofsim.tui.screens.silence import Silence

        alerts = [alert for alert in self.alerts_meant() if not alert.resolved]
        silent = any(alert_words.is_silent(alert.silenced_until, self.session.now()) for alert in alerts)

        def answered(silence: tuple[float, str] | None) -> None:
            if silence:
                self.ask(jobs.silence, alerts, *silence)
                self.do_alert_none()

        what = f"alert {alerts[0].id}" if len(alerts) == 1 else f"{len(alerts)} alerts"
        self.app.push_screen(Silence(what, silent), answered)

    def do_rule_silence(self) -> None:
        from mofsim.tui.screens.silence import Silence

        rule = self.rule_meant()
        if rule is None:
            return

        def answered(silence: tuple[float, str] | None) -> None:
            if silence:
                self.ask(jobs.silence_rule, rule, *silence)

        silent = alert_words.is_silent(rule.silenced_until, self.session.now())
        self.app.push_screen(Silence(f"the rule {rule.name}", silent), answered)

    def do_rule_switch(self) -> None:
        """On at once; off too, unless alerts would end with it."""
        from mofsim.tui.screens.confirm import Confirm

        rule = self.rule_meant()
        if rule is None:
            return
        ending = self.store.alerts.raised_by(rule) if rule.enabled else ()
        if not ending:
            self.ask(jobs.switch_rule, rule, not rule.enabled)
            return

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.ask(jobs.switch_rule, rule, False)

        items = [f"{alert.id} {alert.message}" for alert in ending]
        title = f"Switch {rule.name} off? Its alerts end:"
        self.app.push_screen(Confirm(title, items, keep="leave it on", yes="switch it off"), answered)


def _id(row: Any) -> int:
    return cast(int, row.id)
