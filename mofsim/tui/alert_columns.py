"""The columns of the lists of alerts, and of the list of rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui import alert_words, format
from mofsim.tui.looks import ALERT_STYLES, DIM, GOOD, PLAIN, WARN, Glyphs
from mofsim.tui.summary import moment
from mofsim.tui.widgets.table import Cell, Column

if TYPE_CHECKING:
    from mofsim.schemas.alerts import AlertRule
    from mofsim.schemas.resources import Alert

Clock = Callable[[], datetime]


def active_columns(glyphs: Glyphs, now: Clock) -> list[Column[Alert]]:
    """What is dropped first where room is short: ABOUT, RAISED, STATE."""
    return [
        Column("ID", 5, lambda alert, _: (str(alert.id), PLAIN)),
        Column("LEVEL", 10, lambda alert, _: level(alert, glyphs)),
        Column("STATE", 12, lambda alert, width: _state(alert, width, now(), glyphs), flex=1, most=24, drop=1),
        Column("RAISED", 9, lambda alert, _: (_age(alert.created_at, now()), PLAIN), right=True, drop=2),
        Column("ABOUT", 18, lambda alert, width: _cut(alert.subject, width, glyphs), flex=1, most=26, drop=3),
        Column("MESSAGE", 24, lambda alert, width: _message(alert, width, glyphs), flex=6),
    ]


def history_columns(glyphs: Glyphs, now: Clock) -> list[Column[Alert]]:
    """The same, with how long it lasted in place of how long ago it was raised."""
    columns = active_columns(glyphs, now)
    columns[3:4] = [
        Column("RAISED", 19, lambda alert, _: (moment(alert.created_at, now()), PLAIN), drop=4),
        Column("LASTED", 9, lambda alert, _: (_lasted(alert, now()), PLAIN), right=True, drop=2),
    ]
    return columns


def rule_columns(glyphs: Glyphs, now: Clock) -> list[Column[AlertRule]]:
    """What is dropped first where room is short: CHANNELS, RISES, WATCHES, FURTHER."""
    return [
        Column("NAME", 17, lambda rule, width: _cut(rule.name, width, glyphs), flex=1, most=30, least=12),
        Column("STATE", 8, lambda rule, _: rule_state(rule, now(), glyphs)),
        Column("LEVEL", 8, lambda rule, _: (str(rule.level), PLAIN), drop=1),
        Column("THRESHOLD", 11, lambda rule, _: (alert_words.threshold(rule), PLAIN), right=True),
        Column("FURTHER", 22, lambda rule, width: _cut(alert_words.further(rule), width, glyphs), drop=2),
        Column("RISES", 18, lambda rule, width: _cut(alert_words.rises(rule), width, glyphs), drop=4),
        Column("CHANNELS", 10, lambda rule, width: _cut(alert_words.channels(rule), width, glyphs), drop=5),
        Column("WATCHES", 20, lambda rule, width: _cut(rule.says, width, glyphs), flex=4, drop=3),
    ]


def level(alert: Alert, glyphs: Glyphs) -> Cell:
    return f"{glyphs.levels[alert.level]} {alert.level}", DIM if alert.resolved else ALERT_STYLES[alert.level]


def rule_state(rule: AlertRule, now: datetime, glyphs: Glyphs) -> Cell:
    if not rule.enabled:
        return f"{glyphs.none} off", DIM
    if alert_words.is_silent(rule.silenced_until, now):
        return f"{glyphs.paused} silent", WARN
    return f"{glyphs.live} on", GOOD


def _state(alert: Alert, width: int, now: datetime, glyphs: Glyphs) -> Cell:
    heeded = alert.resolved or alert.acknowledged_at is not None
    return format.shorten(alert_words.state(alert, now), width, glyphs), DIM if heeded else PLAIN


def _message(alert: Alert, width: int, glyphs: Glyphs) -> Cell:
    return format.shorten(alert.message, width, glyphs), DIM if alert.resolved else PLAIN


def _cut(text: str, width: int, glyphs: Glyphs) -> Cell:
    return format.shorten(text, width, glyphs), PLAIN


def _age(time: datetime, now: datetime) -> str:
    return format.age((now - time).total_seconds())


def _lasted(alert: Alert, now: datetime) -> str:
    return format.age(((alert.resolved_at or now) - alert.created_at).total_seconds())
