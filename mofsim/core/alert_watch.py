"""One look at all alert rules: what is bad is raised, what is well again resolved, what nobody heeds rises.

Several boxes may look at once. What is to be done is found by reading, and found again in the transaction that does it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import alert_rules, alerts
from mofsim.core.alert_kinds import KINDS, Box, Finding
from mofsim.db.tables import Alert, AlertRule, AlertSighting, utcnow
from mofsim.vocabulary import AlertLevel, RuleKind

Step = Callable[[], object]

#: Message and numbers of an alert that holds are brought up to date so often.
REFRESH = timedelta(seconds=60)


def steps(session: Session, box: Box) -> list[Step]:
    """What is to be done now. To do it, call this and then each step within a transaction that writes."""
    rules = session.scalars(select(AlertRule).order_by(AlertRule.id)).all()
    found = [step for rule in rules for step in _of_rule(session, rule, box)]
    return found + list(_of_others(session))


def _of_rule(session: Session, rule: AlertRule, box: Box) -> Iterator[Step]:
    active = {alert.subject: alert for alert in alert_rules.raised_by(session, rule)}
    sightings = {
        row.subject: row for row in session.scalars(select(AlertSighting).where(AlertSighting.rule_id == rule.id))
    }
    kind = KINDS[RuleKind(rule.kind)]
    if not rule.enabled:
        yield from (partial(alerts.end, session, alert) for alert in active.values())
        yield from (partial(session.delete, row) for row in sightings.values())
        return
    if kind.look is not None:
        look = kind.look(session, rule.condition, box)
        for subject, finding in look.bad.items():
            yield from _of_bad(session, rule, subject, finding, active.get(subject), sightings.get(subject))
        well = {subject for subject in {*active, *sightings} - {*look.bad} if not look.is_unknown(subject)}
        yield from (partial(alerts.end, session, alert) for subject, alert in active.items() if subject in well)
        yield from (partial(session.delete, row) for subject, row in sightings.items() if subject in well)
        active = {subject: alert for subject, alert in active.items() if subject not in well}
    for alert in active.values():
        yield from _of_active(session, alert, rule)


def _of_bad(
    session: Session,
    rule: AlertRule,
    subject: str,
    finding: Finding,
    alert: Alert | None,
    sighting: AlertSighting | None,
) -> Iterator[Step]:
    now = utcnow()
    if sighting is None:
        sighting = AlertSighting(rule_id=rule.id, subject=subject, since=now)
        yield partial(session.add, sighting)
    raising = partial(
        alerts.raise_alert,
        session,
        RuleKind(rule.kind),
        subject,
        AlertLevel(rule.level),
        finding.message,
        finding.details,
        rule,
    )
    if alert is not None:
        if _is_old(alert, now) and alert.details != finding.details:
            yield raising
    elif sighting.dismissed_at is None and now - sighting.since >= _for(rule):
        yield raising


def _is_old(alert: Alert, now: datetime) -> bool:
    return alert.updated_at is None or alert.updated_at + REFRESH <= now


def _for(rule: AlertRule) -> timedelta:
    return timedelta(seconds=rule.condition.get("for_seconds", 0))


def _of_active(session: Session, alert: Alert, rule: AlertRule | None) -> Iterator[Step]:
    if rule is not None and _is_to_rise(alert, rule):
        assert rule.escalate_to is not None
        yield partial(alerts.escalate, session, alert, AlertLevel(rule.escalate_to))
    elif alerts.is_due_to_tell(session, alert, rule):
        yield partial(alerts.tell_if_due, session, alert, rule)


def _is_to_rise(alert: Alert, rule: AlertRule) -> bool:
    if rule.escalate_to is None or rule.escalate_after_seconds is None:
        return False
    if alert.escalated_at is not None or alert.acknowledged_at is not None:
        return False
    return alert.created_at + timedelta(seconds=rule.escalate_after_seconds) <= utcnow()


def _of_others(session: Session) -> Iterator[Step]:
    """Alerts that no rule raised: told now if they could not be before."""
    for alert in session.scalars(select(Alert).where(Alert.resolved.is_(False), Alert.rule_id.is_(None))):
        yield from _of_active(session, alert, None)
