"""What needs a person now: raised once for its type and subject, acknowledged, silenced, and resolved.

Who finds out that something is wrong calls `raise_alert` and `resolve`: workers about themselves, `alert_watch` for the
rules. Channels are told by what is written here into the outbox (`mofsim.core.notifications` takes it out).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.core import counters, events
from mofsim.core.errors import Conflict, NotFound
from mofsim.db.engine import n_changed
from mofsim.db.tables import Alert, AlertNotification, AlertRule, AlertSighting, utcnow
from mofsim.schemas.resources import Alert as AlertWire
from mofsim.vocabulary import PHYSICS, AlertLevel, AlertNews, AlertType, Counted, EventType, RuleKind

#: For alerts that no rule raised: one that comes back within this time is not told again.
COOLDOWN_SECONDS = 300.0


def raise_alert(
    session: Session,
    type: AlertType | RuleKind,
    subject: str,
    level: AlertLevel,
    message: str,
    details: dict[str, Any],
    rule: AlertRule | None = None,
) -> Alert:
    """Raise it, or bring the one that is active up to date, without a second event."""
    alert = _active(session, type, subject, rule)
    if alert is not None:
        alert.message, alert.details, alert.updated_at = message, details, utcnow()
        return alert
    now = utcnow()
    alert = Alert(
        rule_id=rule.id if rule else None,
        level=level,
        alert_type=type,
        subject=subject,
        message=message,
        details=details,
        created_at=now,
        updated_at=now,
        resolved=False,
    )
    session.add(alert)
    _happened(session, EventType.ALERT_RAISED, alert)
    counters.count(session, Counted.ALERTS, type)
    tell_if_due(session, alert, rule)
    return alert


def resolve(session: Session, type: AlertType | RuleKind, subject: str, rule: AlertRule | None = None) -> bool:
    """Its cause is gone; False when there was no such alert."""
    alert = _active(session, type, subject, rule)
    if alert is None:
        return False
    end(session, alert)
    return True


def end(session: Session, alert: Alert, by: str | None = None, note: str = "") -> None:
    """An active alert is over, by itself or by somebody's word."""
    alert.resolved, alert.resolved_at, alert.resolved_by, alert.resolved_note = True, utcnow(), by, note or None
    _happened(session, EventType.ALERT_RESOLVED, alert)
    if alert.told_at is not None and not is_silent(session, alert):
        _put(session, alert, AlertNews.RESOLVED)


def tasks_stopped(session: Session, task_ids: Collection[int]) -> None:
    """These tasks run no longer, whatever the reason: nothing that was found while they ran holds any more."""
    if not task_ids:
        return
    running = select(Alert).where(Alert.resolved.is_(False), Alert.alert_type.in_(PHYSICS))
    subjects = {task_subject(task_id) for task_id in task_ids}
    for alert in session.scalars(running):
        if alert.subject in subjects:
            end(session, alert)


def task_subject(task_id: int) -> str:
    return f"task {task_id}"


def acknowledge(session: Session, alert_id: int, by: str, note: str = "") -> Alert:
    """Somebody looks after it: it does not rise any more. The first one counts. Raises NotFound and Conflict.

    `by` is the name of the key that asks, here and below; "" where the server wants none.
    """
    alert = _held(session, alert_id)
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by, alert.acknowledged_note = utcnow(), by or None, note or None
        changed(session, alert)
    return alert


def resolve_by_hand(session: Session, alert_id: int, by: str, note: str = "") -> Alert:
    """Somebody says that it is over. A rule raises it anew only after its subject was well once.

    Raises NotFound and Conflict.
    """
    alert = _held(session, alert_id)
    sighting = session.get(AlertSighting, (alert.rule_id, alert.subject)) if alert.rule_id else None
    if sighting is not None:
        sighting.dismissed_at = utcnow()
    end(session, alert, by or "somebody", note)
    return alert


def silence(session: Session, alert_id: int, seconds: float, by: str = "", note: str = "") -> Alert:
    """No channel is told of it for so long; the alert is still there. 0 ends that. Raises NotFound and Conflict."""
    alert = _held(session, alert_id)
    write_silence(alert, seconds, by, note)
    if seconds:
        take_back(session, [alert])
    changed(session, alert)
    return alert


def write_silence(silenced: Alert | AlertRule, seconds: float, by: str, note: str) -> None:
    silenced.silenced_until = utcnow() + timedelta(seconds=seconds) if seconds else None
    silenced.silenced_by = by or None if seconds else None
    silenced.silenced_note = note or None if seconds else None


def changed(session: Session, alert: Alert) -> None:
    """Those who watch are to see it as it is now."""
    _happened(session, EventType.ALERT_CHANGED, alert)


def take_back(session: Session, found: Collection[Alert]) -> None:
    """What channels were not told yet of these alerts; it is told later if they still hold then."""
    now = utcnow()
    for alert in found:
        waiting = session.scalars(
            select(AlertNotification).where(
                AlertNotification.alert_id == alert.id, AlertNotification.next_attempt_at.is_not(None)
            )
        ).all()
        unsent = [row for row in waiting if row.lease_until is None or row.lease_until <= now]
        if any(row.event != AlertNews.RESOLVED for row in unsent):
            alert.told_at = None
        session.execute(delete(AlertNotification).where(AlertNotification.id.in_([row.id for row in unsent])))


def escalate(session: Session, alert: Alert, level: AlertLevel) -> None:
    """Nobody acknowledged it in time."""
    alert.level, alert.escalated_at = level, utcnow()
    _happened(session, EventType.ALERT_ESCALATED, alert)
    # However lately it was told: this is another message.
    alert.told_at = None
    if not is_silent(session, alert):
        _put(session, alert, AlertNews.ESCALATED)


def tell_if_due(session: Session, alert: Alert, rule: AlertRule | None) -> None:
    """Tell the channels that it was raised, once, unless they are to be left in peace."""
    if is_due_to_tell(session, alert, rule):
        _put(session, alert, AlertNews.RAISED if alert.escalated_at is None else AlertNews.ESCALATED)


def is_due_to_tell(session: Session, alert: Alert, rule: AlertRule | None) -> bool:
    if alert.told_at is not None or alert.acknowledged_at is not None or is_silent(session, alert):
        return False
    cooldown = timedelta(seconds=rule.cooldown_seconds if rule else COOLDOWN_SECONDS)
    # Those that were told last stand at the end; an older one can not have been told later.
    last = session.scalar(
        select(Alert.told_at)
        .where(
            Alert.alert_type == alert.alert_type,
            Alert.subject == alert.subject,
            Alert.rule_id == alert.rule_id if alert.rule_id else Alert.rule_id.is_(None),
            Alert.told_at.is_not(None),
        )
        .order_by(Alert.id.desc())
        .limit(1)
    )
    return last is None or last + cooldown <= utcnow()


def is_silent(session: Session, alert: Alert) -> bool:
    """Whether somebody silenced it, or its rule."""
    rule = session.get(AlertRule, alert.rule_id) if alert.rule_id else None
    times = [alert.silenced_until, rule.silenced_until if rule else None]
    return any(time is not None and time > utcnow() for time in times)


def find(session: Session, alert_id: int) -> Alert:
    """Raises NotFound."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise NotFound(f"there is no alert {alert_id}; `mofsim alerts --all` lists those there were", field="id")
    return alert


def active(session: Session) -> list[Alert]:
    """Newest first."""
    return list(session.scalars(select(Alert).where(Alert.resolved.is_(False)).order_by(Alert.id.desc())))


def history(session: Session, limit: int) -> list[Alert]:
    """Those that are over too, newest first."""
    return list(session.scalars(select(Alert).order_by(Alert.id.desc()).limit(limit)))


def trim(session: Session, older_than: datetime) -> int:
    """Forget alerts that were over before, with what was told of them; how many were forgotten."""
    return n_changed(session, delete(Alert).where(Alert.resolved.is_(True), Alert.resolved_at < older_than))


def wire(alert: Alert) -> AlertWire:
    return AlertWire.model_validate(alert)


def _held(session: Session, alert_id: int) -> Alert:
    find(session, alert_id)
    alert = session.get_one(Alert, alert_id, with_for_update=True)
    if alert.resolved:
        raise Conflict(f"alert {alert_id} is over already", field="id")
    return alert


def _active(session: Session, type: AlertType | RuleKind, subject: str, rule: AlertRule | None) -> Alert | None:
    query = select(Alert).where(
        Alert.resolved.is_(False),
        Alert.alert_type == type,
        Alert.subject == subject,
        Alert.rule_id == rule.id if rule else Alert.rule_id.is_(None),
    )
    return session.scalar(query.order_by(Alert.id.desc()).limit(1))


def _put(session: Session, alert: Alert, news: AlertNews) -> None:
    if news is not AlertNews.RESOLVED:
        alert.told_at = utcnow()
    put(session, alert, news)


def put(session: Session, alert: Alert, news: AlertNews, channel: str | None = None) -> AlertNotification:
    """Into the outbox, for one channel or for all that it is for."""
    now = utcnow()
    session.flush()
    payload = {"event": news, "time": now.isoformat(), "alert": wire(alert).model_dump(mode="json")}
    row = AlertNotification(
        alert_id=alert.id,
        channel=channel,
        event=news,
        payload=payload,
        attempts=0,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(row)
    return row


def _happened(session: Session, event: EventType, alert: Alert) -> None:
    session.flush()
    # Without the id of a task: those who follow one take every event of it for news of the task itself.
    events.append(session, event, {"alert": wire(alert).model_dump(mode="json")})
