"""The panels under the lists of alerts: the one under the cursor, and who was told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal

from mofsim.tui import alert_words
from mofsim.tui.session import Session
from mofsim.tui.widgets.peek import TextLines

if TYPE_CHECKING:
    from mofsim.schemas.alerts import AlertNotification, AlertRule
    from mofsim.schemas.resources import Alert


class AlertPeek(Horizontal):
    """Shows at once what the row itself tells; who was told of an alert when that comes."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.details = TextLines(session.glyphs, "alert-details", titled=True)
        self.channels = TextLines(session.glyphs, "alert-told")
        self.alert: Alert | None = None
        self.rule: AlertRule | None = None
        self._told: Sequence[AlertNotification] | None = None

    def compose(self) -> ComposeResult:
        yield self.details
        yield self.channels

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    def show_alert(self, alert: Alert | None) -> bool:
        """Another alert, or the same as it is now; True when something new happened to the same one."""
        same = alert is not None and self.alert is not None and alert.id == self.alert.id
        news = same and _state(alert) != _state(self.alert)
        if not same:
            self._told = None
        self.alert, self.rule = alert, None
        self.draw()
        return news

    def show_rule(self, rule: AlertRule | None) -> None:
        self.alert, self.rule = None, rule
        self.draw()

    def told(self, alert_id: int, rows: Sequence[AlertNotification]) -> None:
        if self.alert is not None and alert_id == self.alert.id:
            self._told = rows
            self.draw()

    def draw(self) -> None:
        now, book = self._session.now(), self._session.store.alerts
        width, beside = self.details.content_size.width - 1, self.channels.content_size.width - 1
        if self.rule is not None:
            self.details.caption, self.channels.caption = "rule", "what it says now"
            self.details.show(alert_words.rule_details(self.rule, now, width))
            self.channels.show(alert_words.raised(book.raised_by(self.rule), beside))
        elif self.alert is not None:
            self.details.caption, self.channels.caption = "alert", "who was told"
            rule = book.rule(self.alert.rule_id)
            self.details.show(alert_words.details(self.alert, rule, now, width))
            self.channels.show(alert_words.told(self._told, self.alert, rule, now, beside))
        else:
            self.details.caption = self.channels.caption = ""
            self.details.show(())
            self.channels.show(())


def _state(alert: Alert | None) -> object:
    return alert and (alert.level, alert.acknowledged_at, alert.silenced_until, alert.resolved)
