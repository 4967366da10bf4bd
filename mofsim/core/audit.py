"""Who changed what: a line for each request that was to change something, whatever became of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from mofsim.core.queries import decode_cursor, encode_cursor
from mofsim.db.tables import Audit

#: what a cursor of this list is made for
_SORT = "audit"
#: more lines than this are not counted
_COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class AuditPage:
    items: list[Audit]
    next_cursor: str | None
    total: int | None


def append(session: Session, line: Audit) -> None:
    session.add(line)


def page(
    session: Session,
    limit: int,
    cursor: str | None = None,
    *,
    key: int | None = None,
    since: datetime | None = None,
    subject: str | None = None,
) -> AuditPage:
    """Newest first, by keyset. Raises Invalid for a cursor that this list did not hand out."""
    conditions = [
        *([Audit.key_id == key] if key is not None else []),
        *([Audit.time >= since] if since else []),
        *([Audit.subject == subject] if subject else []),
    ]
    query = select(Audit).where(*conditions).order_by(Audit.id.desc()).limit(limit + 1)
    if cursor:
        query = query.where(Audit.id < decode_cursor(cursor, _SORT)[1])
    rows = list(session.scalars(query))
    last = rows[limit - 1] if len(rows) > limit else None
    next_cursor = encode_cursor(_SORT, last.id, last.id) if last else None
    counted = select(Audit.id).where(*conditions).limit(_COUNT_LIMIT + 1).subquery()
    n = session.scalar(select(func.count()).select_from(counted)) or 0
    return AuditPage(rows[:limit], next_cursor, n if n <= _COUNT_LIMIT else None)


def trim(session: Session, older_than: datetime, most: int) -> int:
    """Forget the oldest lines, at most so many; how many that were."""
    old = list(session.scalars(select(Audit.id).where(Audit.time < older_than).order_by(Audit.time).limit(most)))
    if old:
        session.execute(delete(Audit).where(Audit.id.in_(old)))
    return len(old)
