"""What needs a person now. An alert is raised once for its type and subject, and resolves when its cause is gone."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import events
from mofsim.db.tables import Alert, utcnow
from mofsim.schemas.resources import Alert as AlertWire
from mofsim.vocabulary import AlertLevel, AlertType, EventType


def raise_alert(
    session: Session, type: AlertType, subject: str, level: AlertLevel, message: str, details: dict[str, Any]
) -> Alert:
    """Raise it, or bring the one that is active up to date, without a second event."""
    alert = _active(session, type, subject)
    if alert is not None:
        alert.message, alert.details = message, details
        return alert
    alert = Alert(
        level=level,
        alert_type=type,
        subject=subject,
        message=message,
        details=details,
        created_at=utcnow(),
        resolved=False,
    )
    session.add(alert)
    _happened(session, EventType.ALERT_RAISED, alert)
    return alert


def resolve(session: Session, type: AlertType, subject: str) -> bool:
    """Its cause is gone; False when there was no such alert."""
    alert = _active(session, type, subject)
    if alert is None:
        return False
    alert.resolved, alert.resolved_at = True, utcnow()
    _happened(session, EventType.ALERT_RESOLVED, alert)
    return True


def active(session: Session) -> list[Alert]:
    """Newest first."""
    return list(session.scalars(select(Alert).where(Alert.resolved.is_(False)).order_by(Alert.id.desc())))


def history(session: Session, limit: int) -> list[Alert]:
    """Those that are over too, newest first."""
    return list(session.scalars(select(Alert).order_by(Alert.id.desc()).limit(limit)))


def _active(session: Session, type: AlertType, subject: str) -> Alert | None:
    query = select(Alert).where(Alert.resolved.is_(False), Alert.alert_type == type, Alert.subject == subject)
    return session.scalar(query.order_by(Alert.id.desc()).limit(1))


def _happened(session: Session, event: EventType, alert: Alert) -> None:
    session.flush()
    events.append(session, event, {"alert": AlertWire.model_validate(alert).model_dump(mode="json")})
