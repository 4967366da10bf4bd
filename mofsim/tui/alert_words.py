"""What an alert or a rule is, in lines of text. Knows neither Textual nor HTTP."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.summary import moment
from mofsim.vocabulary import AlertNews, DeliveryState

if TYPE_CHECKING:
    from mofsim.schemas.alerts import AlertNotification, AlertRule
    from mofsim.schemas.resources import Alert

NEWS = {
    AlertNews.RAISED: "raised",
    AlertNews.ESCALATED: "risen",
    AlertNews.RESOLVED: "over",
    AlertNews.TEST: "test",
}
#: Of a condition: what has its own place, or is too long for a line.
_APART = ("threshold", "ignored_xids")
_CONDITIONS = {"for_seconds": "for {} s", "window_seconds": "within {} s", "steps": "{} steps"}
#: Numbers of an alert that its message does not tell better.
_NUMBERS = ("value", "threshold")


def kind(alert: Alert) -> str:
    return alert.alert_type.replace("_", " ")


def task_of(alert: Alert) -> int | None:
    """The task that it is about, or that shows what is wrong."""
    found = alert.details.get("task_id") or alert.details.get("last_task")
    return found if isinstance(found, int) else None


def is_silent(until: datetime | None, now: datetime) -> bool:
    return until is not None and until > now


def state(alert: Alert, now: datetime) -> str:
    """In few words: new, acknowledged, silent, over; and by whom."""
    if alert.resolved:
        return f"over, {alert.resolved_by}" if alert.resolved_by else "over"
    said = []
    if alert.acknowledged_at:
        said.append(f"ack {alert.acknowledged_by}" if alert.acknowledged_by else "ack")
    if alert.silenced_until is not None and is_silent(alert.silenced_until, now):
        said.append(f"silent {format.rough((alert.silenced_until - now).total_seconds())}")
    return ", ".join(said) or "new"


def details(alert: Alert, rule: AlertRule | None, now: datetime, width: int) -> list[str]:
    """The first line is a title; the message is told whole."""
    lines = [f"{alert.id} {kind(alert)}: {alert.subject}"]
    for sentence in (alert.message, *_story(alert, now), *_numbers(alert, rule)):
        lines += textwrap.wrap(sentence, max(20, width), subsequent_indent="  ")
    return lines


def _story(alert: Alert, now: datetime) -> Iterator[str]:
    risen = f"; {alert.level} since {moment(alert.escalated_at, now)}" if alert.escalated_at else ""
    yield f"{alert.level}, raised {moment(alert.created_at, now)}{risen}"
    if alert.acknowledged_at:
        yield _did("acknowledged", alert.acknowledged_at, alert.acknowledged_by, alert.acknowledged_note, now)
    if alert.silenced_until is not None and is_silent(alert.silenced_until, now):
        yield _did("silent until", alert.silenced_until, alert.silenced_by, alert.silenced_note, now)
    if alert.resolved_at:
        by = alert.resolved_by
        yield _did("over since", alert.resolved_at, by, alert.resolved_note, now) + ("" if by else ", by itself")


def _did(what: str, time: datetime, by: str | None, note: str | None, now: datetime) -> str:
    return f"{what} {moment(time, now)}" + (f" by {by}" if by else "") + (f": {note}" if note else "")


def _numbers(alert: Alert, rule: AlertRule | None) -> Iterator[str]:
    values = [f"{name} {format.number(alert.details[name])}" for name in _NUMBERS if name in alert.details]
    if rule is not None:
        # One that somebody added is not named after what it watches.
        values = [f"rule {rule.name}", *values] if rule.name != alert.alert_type else values
    if values:
        yield ", ".join(values)


def told(
    rows: Sequence[AlertNotification] | None, alert: Alert, rule: AlertRule | None, now: datetime, width: int
) -> list[str]:
    """Which channels were told of it, a line each, with the error of one that could not be, or why none was."""
    if rows is None:
        return []
    if not rows:
        return textwrap.wrap(f"no channel was told{_why_not(alert, rule, now)}", max(20, width))
    lines = []
    for row in rows:
        lines += textwrap.wrap(_told(row, now), max(20, width), subsequent_indent="  ")
    return lines


def _why_not(alert: Alert, rule: AlertRule | None, now: datetime) -> str:
    for what, until in (("it", alert.silenced_until), ("its rule", rule.silenced_until if rule else None)):
        if until is not None and is_silent(until, now):
            return f": {what} is silent until {moment(until, now)}"
    if rule is None or alert.resolved or alert.acknowledged_at:
        return ""
    return f" yet: they were told of one like it less than {format.rough(rule.cooldown_seconds)} before"


def _told(row: AlertNotification, now: datetime) -> str:
    what = f"{row.channel or 'channels'}: {NEWS[row.event]}"
    if row.state is DeliveryState.DELIVERED and row.delivered_at:
        return f"{what}, told {moment(row.delivered_at, now)}"
    why = f" ({row.last_error})" if row.last_error else ""
    if row.state is DeliveryState.GIVEN_UP:
        return f"{what}, given up{why}"
    return f"{what}, to be told{why}"


def threshold(rule: AlertRule) -> str:
    value = rule.condition.get("threshold")
    return "" if value is None else f"{value:g} {rule.unit}".strip()


def further(rule: AlertRule) -> str:
    """The rest of its condition: for 10 s, 500 steps."""
    rest = {name: value for name, value in rule.condition.items() if name not in _APART and value}
    return ", ".join(_CONDITIONS.get(name, name + " {}").format(f"{value:g}") for name, value in rest.items())


def rises(rule: AlertRule) -> str:
    if rule.escalate_to is None or rule.escalate_after_seconds is None:
        return ""
    return f"{rule.escalate_to} in {format.rough(rule.escalate_after_seconds)}"


def channels(rule: AlertRule) -> str:
    return "all" if rule.channels is None else ", ".join(rule.channels) or "none"


def rule_details(rule: AlertRule, now: datetime, width: int) -> list[str]:
    lines = [f"{rule.name}: {'on' if rule.enabled else 'off'}" + ("" if rule.is_builtin else ", your own")]
    for sentence in _rule_sentences(rule, now):
        lines += textwrap.wrap(sentence, max(20, width), subsequent_indent="  ")
    return lines


def _rule_sentences(rule: AlertRule, now: datetime) -> Iterator[str]:
    limits = ", ".join(text for text in (threshold(rule), further(rule)) if text)
    yield f"{rule.level} when {rule.says}" + (f": {limits}" if limits else "")
    if rises(rule):
        yield f"rises to {rises(rule).replace(' in ', ' after ')} unless somebody acknowledges it"
    yield f"tells {channels(rule)} channels" if channels(rule) in ("all", "none") else f"tells {channels(rule)}"
    if rule.silenced_until is not None and is_silent(rule.silenced_until, now):
        yield _did("silent until", rule.silenced_until, rule.silenced_by, rule.silenced_note, now)


def raised(alerts: Sequence[Alert], width: int) -> list[str]:
    """What a rule says now, a line for each alert."""
    if not alerts:
        return ["nothing is wrong by it"]
    lines = []
    for alert in alerts:
        lines += textwrap.wrap(f"{alert.id} {alert.message}", max(20, width), subsequent_indent="  ")
    return lines
