"""How many tasks ended when: counted with each end, so that no task need be read for it, and none is forgotten."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.core import counters
from mofsim.db.tables import EndedTasks, utcnow
from mofsim.schemas.overview import Ended

#: What is counted together.
STRETCH = timedelta(minutes=10)
KEPT = timedelta(days=8)


def count(session: Session, status: str, n: int, now: datetime) -> None:
    """`n` tasks ended so."""
    if n:
        row = {"begin": begin_of(now), "status": str(status)}
        counters.add(session, EndedTasks, [row | {"n": n}], list(row), ["n"])


def ended(session: Session, since: datetime) -> list[Ended]:
    """The stretches in which a task ended, oldest first."""
    found: dict[datetime, dict[str, int]] = {}
    for row in session.scalars(select(EndedTasks).where(EndedTasks.begin >= since).order_by(EndedTasks.begin)):
        found.setdefault(row.begin, {})[row.status] = row.n
    return [Ended(begin=begin, by_status=by_status) for begin, by_status in found.items()]


def trim(session: Session) -> None:
    session.execute(delete(EndedTasks).where(EndedTasks.begin < utcnow() - KEPT))


def begin_of(time: datetime) -> datetime:
    seconds = STRETCH.total_seconds()
    return datetime.fromtimestamp(time.timestamp() // seconds * seconds, UTC)
