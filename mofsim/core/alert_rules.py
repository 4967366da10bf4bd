"""The rules of alerts: the built-in ones, those that people add, and how all of them are changed."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import alerts, events
from mofsim.core.alert_kinds import KINDS
from mofsim.core.errors import Conflict, Invalid, NotFound
from mofsim.db.tables import Alert, AlertRule
from mofsim.schemas.alerts import AlertKind, AlertRuleChange, Condition, NewAlertRule
from mofsim.schemas.alerts import AlertRule as AlertRuleWire
from mofsim.vocabulary import AlertLevel, EventType, RuleKind


def add_builtin(session: Session) -> None:
    """Rules that are not there yet, one of each kind; what people changed stays."""
    known = set(session.scalars(select(AlertRule.name)))
    for kind in RuleKind:
        if kind.value not in known:
            session.add(AlertRule(name=kind.value, kind=kind, is_builtin=True, **_as_built(kind)))


def has_builtin(session: Session) -> bool:
    return set(RuleKind) <= set(session.scalars(select(AlertRule.name)))


def listing(session: Session) -> list[AlertRule]:
    return list(session.scalars(select(AlertRule).order_by(AlertRule.id)))


def find(session: Session, rule_id: int) -> AlertRule:
    """Raises NotFound."""
    rule = session.get(AlertRule, rule_id)
    if rule is None:
        raise NotFound(
            f"there is no alert rule {rule_id}; `mofsim alerts rules list` lists those there are", field="id"
        )
    return rule


def _held(session: Session, rule_id: int) -> AlertRule:
    """For who changes it. Raises NotFound."""
    rule = find(session, rule_id)
    session.refresh(rule, with_for_update=True)
    return rule


def create(session: Session, wanted: NewAlertRule, channels: Collection[str]) -> AlertRule:
    """Raises Invalid and Conflict."""
    if session.scalar(select(AlertRule.id).where(AlertRule.name == wanted.name)) is not None:
        raise Conflict(f"there is a rule {wanted.name} already; change that, or take another name", field="name")
    kind = KINDS[wanted.kind]
    rule = AlertRule(
        name=wanted.name,
        kind=wanted.kind,
        condition=_merged(wanted.kind, kind.condition, wanted.condition),
        level=wanted.level or kind.level,
        escalate_to=wanted.escalate_to,
        escalate_after_seconds=wanted.escalate_after_seconds,
        cooldown_seconds=wanted.cooldown_seconds,
        channels=wanted.channels,
        enabled=wanted.enabled,
        is_builtin=False,
    )
    _check(rule, channels)
    session.add(rule)
    _happened(session, rule)
    return rule


def change(session: Session, rule_id: int, wanted: AlertRuleChange, channels: Collection[str]) -> AlertRule:
    """Alerts that it has raised get its new level; they go with the next look if they would not be raised now.

    Raises NotFound and Invalid.
    """
    rule = _held(session, rule_id)
    values = wanted.model_dump(include=wanted.model_fields_set, exclude={"condition"})
    for name in ("level", "cooldown_seconds", "enabled"):
        if name in values and values[name] is None:
            raise Invalid("can not be null; leave it out and it stays as it is", field=name)
    for name, value in values.items():
        setattr(rule, name, value)
    if wanted.condition is not None:
        rule.condition = _merged(RuleKind(rule.kind), rule.condition, wanted.condition)
    _check(rule, channels)
    if "level" in values:
        for alert in raised_by(session, rule):
            if alert.escalated_at is None and alert.level != rule.level:
                alert.level = rule.level
                alerts.changed(session, alert)
    if not rule.enabled:
        _end_all(session, rule)
    _happened(session, rule)
    return rule


def reset(session: Session, rule_id: int) -> AlertRule:
    """A built-in rule as it comes. Raises NotFound and Conflict."""
    rule = _held(session, rule_id)
    if not rule.is_builtin:
        raise Conflict(f"the rule {rule.name} is your own and has no state to go back to; delete it instead")
    for name, value in _as_built(RuleKind(rule.kind)).items():
        setattr(rule, name, value)
    rule.silenced_until = rule.silenced_by = rule.silenced_note = None
    _happened(session, rule)
    return rule


def silence(session: Session, rule_id: int, seconds: float, by: str = "", note: str = "") -> AlertRule:
    """No channel is told of its alerts for so long; they are there all the same. 0 ends that. Raises NotFound."""
    rule = _held(session, rule_id)
    alerts.write_silence(rule, seconds, by, note)
    if seconds:
        alerts.take_back(session, raised_by(session, rule))
    _happened(session, rule)
    return rule


def delete(session: Session, rule_id: int) -> None:
    """Raises NotFound, and Conflict for a built-in one."""
    rule = _held(session, rule_id)
    if rule.is_builtin:
        raise Conflict(f"the rule {rule.name} is built in; switch it off with enabled = false instead")
    _end_all(session, rule)
    session.flush()
    session.delete(rule)
    events.append(session, EventType.ALERT_RULE_DELETED, {"rule_id": rule_id})


def raised_by(session: Session, rule: AlertRule) -> list[Alert]:
    """Its alerts that are active."""
    return list(session.scalars(select(Alert).where(Alert.resolved.is_(False), Alert.rule_id == rule.id)))


def wire(rule: AlertRule) -> AlertRuleWire:
    kind = KINDS[RuleKind(rule.kind)]
    return AlertRuleWire.model_validate(rule).model_copy(update={"unit": kind.unit, "says": kind.says})


def kinds() -> list[AlertKind]:
    return [
        AlertKind(kind=name, says=kind.says, unit=kind.unit, condition=kind.condition) for name, kind in KINDS.items()
    ]


def _as_built(name: RuleKind) -> dict[str, Any]:
    kind = KINDS[name]
    return {
        "condition": dict(kind.condition),
        "level": kind.level,
        "escalate_to": kind.escalate_to,
        "escalate_after_seconds": kind.escalate_after_seconds,
        "cooldown_seconds": alerts.COOLDOWN_SECONDS,
        "channels": None,
        "enabled": True,
    }


def _merged(kind: RuleKind, before: Mapping[str, Any], wanted: Condition) -> dict[str, Any]:
    """Raises Invalid for what the kind does not know."""
    given = wanted.model_dump(include=wanted.model_fields_set)
    known = KINDS[kind].condition
    for name, value in given.items():
        if name not in known:
            detail = f"is not known to {kind}; it has {', '.join(known) or 'nothing to set'}"
            raise Invalid(detail, field=f"condition.{name}")
        if value is None:
            raise Invalid("can not be null; leave it out and it stays as it is", field=f"condition.{name}")
    return {**before, **given}


def _check(rule: AlertRule, channels: Collection[str]) -> None:
    if (rule.escalate_to is None) != (rule.escalate_after_seconds is None):
        raise Invalid(
            "escalate_to and escalate_after_seconds belong together: give both, or null for both", field="escalate_to"
        )
    if rule.escalate_to is not None and AlertLevel(rule.escalate_to).rank <= AlertLevel(rule.level).rank:
        raise Invalid(f"must be higher than the level {rule.level}", field="escalate_to")
    for name in rule.channels or ():
        if name not in channels:
            there = f"there are {', '.join(channels)}" if channels else "there is none"
            raise Invalid(f"there is no channel {name!r} in the settings of the server; {there}", field="channels")


def _happened(session: Session, rule: AlertRule) -> None:
    session.flush()
    events.append(session, EventType.ALERT_RULE_CHANGED, {"rule": wire(rule).model_dump(mode="json")})


def _end_all(session: Session, rule: AlertRule) -> None:
    for alert in raised_by(session, rule):
        alerts.end(session, alert)
