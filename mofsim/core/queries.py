"""Reading tasks: one, a page of many, and what belongs to one."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from mofsim.core.errors import Invalid, NotFound
from mofsim.core.listing import Listing, TaskFilter
from mofsim.db.tables import Attempt, Task, TaskCount, TaskKindCount, TaskLog, TaskResult
from mofsim.vocabulary import LogLevel, Priority, TaskStatus

SORTS: dict[str, ColumnElement[Any] | Any] = {
    "id": Task.id,
    "priority": Task.priority,
    "status": Task.status,
    "model": Task.model_name,
    "task_type": Task.task_type,
}


@dataclass(frozen=True)
class TaskPage:
    items: list[Task] = field(default_factory=list)
    next_cursor: str | None = None
    total: int | None = None


def find(session: Session, task_id: int) -> Task:
    task = session.get(Task, task_id)
    if task is None:
        raise NotFound(f"there is no task {task_id}; `mofsim tasks` lists those there are", field="id")
    return task


def page(session: Session, where: TaskFilter, limit: int, cursor: str | None = None) -> TaskPage:
    """One page by keyset: it costs the same however deep it lies.

    Raises Invalid for an unknown sort or a cursor that this list did not hand out.
    """
    column, descending = _sort(where.sort)
    after = decode_cursor(cursor, where.sort, column.type.python_type) if cursor else None
    listing = Listing(session, where, column.key)
    ids = listing.ids(limit + 1, descending=descending, after=after)
    shown = ids[:limit]
    found = {task.id: task for task in session.scalars(select(Task).where(Task.id.in_(shown)))}
    items = [found[id] for id in shown]
    next_cursor = encode_cursor(where.sort, getattr(items[-1], column.key), shown[-1]) if len(ids) > limit else None
    is_all = after is None and next_cursor is None
    return TaskPage(items, next_cursor, len(items) if is_all else listing.total())


def _sort(name: str) -> tuple[Any, bool]:
    column = SORTS.get(name.removeprefix("-"))
    if column is None:
        raise Invalid(f"sort must be one of {', '.join(SORTS)}, with a - in front to reverse", field="sort")
    return column, name.startswith("-")


def _fits(value: Any, kind: type = int) -> bool:
    """Whether a database can compare it with a column of that kind."""
    if kind is str:
        return isinstance(value, str) and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def encode_cursor(sort: str, value: Any, task_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, value, task_id]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, sort: str, kind: type = int) -> tuple[Any, int]:
    """`kind` is that of the column. Raises Invalid for a cursor that was made for another list."""
    try:
        made_for, value, task_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if made_for == sort and _fits(task_id) and _fits(value, kind):
            return value, task_id
    except (ValueError, binascii.Error, TypeError, RecursionError):
        pass
    raise Invalid("the cursor does not belong to this list; take next_cursor of its last page", field="cursor")


def counts_by_status(session: Session) -> dict[TaskStatus, int]:
    found = {row.status: row.n for row in session.scalars(select(TaskCount))}
    return {status: found.get(status, 0) for status in TaskStatus}


def queued_by_priority(session: Session) -> dict[str, int]:
    counted = select(TaskKindCount.priority, func.sum(TaskKindCount.n)).where(TaskKindCount.status == TaskStatus.QUEUED)
    found = {priority: n for priority, n in session.execute(counted.group_by(TaskKindCount.priority))}
    return {p.name: found.get(p.value, 0) for p in Priority}


def result(session: Session, task_id: int) -> tuple[Task, TaskResult | None]:
    return find(session, task_id), session.get(TaskResult, task_id)


def attempts(session: Session, task_id: int) -> list[Attempt]:
    find(session, task_id)
    return list(session.scalars(select(Attempt).where(Attempt.task_id == task_id).order_by(Attempt.attempt)))


def logs(
    session: Session,
    task_id: int,
    *,
    after: int,
    limit: int,
    newest: bool = False,
    level: LogLevel = LogLevel.DEBUG,
    text: str = "",
) -> list[TaskLog]:
    """Log lines that follow line `after`, oldest first; with `newest`, the last `limit` of them.

    Only those of `level` and above that hold `text`.
    """
    find(session, task_id)
    query = select(TaskLog).where(TaskLog.task_id == task_id, TaskLog.id > after).limit(limit)
    if level is not LogLevel.DEBUG:
        levels = list(LogLevel)
        query = query.where(TaskLog.level.in_(levels[levels.index(level) :]))
    if text:
        query = query.where(TaskLog.message.icontains(text, autoescape=True))
    if newest:
        return list(session.scalars(query.order_by(TaskLog.id.desc())))[::-1]
    return list(session.scalars(query.order_by(TaskLog.id)))
