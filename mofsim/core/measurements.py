"""What a process measures of itself and hands over, so that others can see it: its newest value, while it lives."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from mofsim.db.tables import Measurement, utcnow


def hand_over(session: Session, name: str, subject: str, value: float) -> None:
    session.merge(Measurement(name=name, subject=subject, value=value, measured_at=utcnow()))


def take_back(session: Session, name: str, subject: str) -> None:
    """Nothing is measured any more, and nobody shall wait for it."""
    session.execute(delete(Measurement).where(Measurement.name == name, Measurement.subject == subject))
