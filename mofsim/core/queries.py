"""Reading tasks: one, a page of many, and what belongs to one."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from mofsim.core.errors import Invalid, NotFound
from mofsim.db.tables import Attempt, Structure, Task, TaskCount, TaskLog, TaskResult
from mofsim.vocabulary import LogLevel, Priority, TaskStatus

#: Counting stops here: an exact total of a filtered list is not worth a slow page.
COUNT_LIMIT = 10_000

SORTS: dict[str, ColumnElement[Any] | Any] = {
    "id": Task.id,
    "priority": Task.priority,
    "status": Task.status,
    "model": Task.model_name,
    "task_type": Task.task_type,
}


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks a list shows; empty means all."""

    status: Sequence[TaskStatus] = ()
    task_type: Sequence[str] = ()
    model: Sequence[str] = ()
    structure: str | None = None
    batch: int | None = None
    text: str | None = None
    since: datetime | None = None
    sort: str = "-id"


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
    conditions = _conditions(where)
    query = select(Task).join(Task.structure).where(*conditions)
    if cursor:
        kind = column.type.python_type
        query = query.where(_beyond(column, descending, *decode_cursor(cursor, where.sort, kind)))
    order = [c.desc() if descending else c.asc() for c in dict.fromkeys([column, Task.id])]
    rows = list(session.scalars(query.order_by(*order).limit(limit + 1)))
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    next_cursor = encode_cursor(where.sort, getattr(last, column.key), last.id) if last else None
    return TaskPage(rows[:limit], next_cursor, _total(session, where, conditions))


def _sort(name: str) -> tuple[Any, bool]:
    column = SORTS.get(name.removeprefix("-"))
    if column is None:
        raise Invalid(f"sort must be one of {', '.join(SORTS)}, with a - in front to reverse", field="sort")
    return column, name.startswith("-")


def _conditions(where: TaskFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if where.status:
        found.append(Task.status.in_(where.status))
    if where.task_type:
        found.append(Task.task_type.in_(where.task_type))
    if where.model:
        found.append(Task.model_name.in_(where.model))
    if where.structure:
        by_id = Structure.id == int(where.structure) if _is_id(where.structure) else None
        by_name = func.lower(Structure.name) == where.structure.lower()
        found.append(by_name if by_id is None else or_(by_name, by_id))
    if where.batch is not None:
        found.append(Task.batch_id == where.batch)
    if where.since is not None:
        found.append(Task.created_at >= where.since)
    found += [_contains(word) for word in (where.text or "").split()]
    return found


def _contains(word: str) -> ColumnElement[bool]:
    """A word of a text filter: in the structure, the model, the task type, the error, or the id itself."""
    columns = (Structure.name, Structure.formula, Task.model_name, Task.task_type, Task.error_type)
    found: list[ColumnElement[bool]] = [column.icontains(word, autoescape=True) for column in columns]
    if _is_id(word):
        found.append(Task.id == int(word))
    return or_(*found)


def _is_id(text: str) -> bool:
    """More digits than this fit into no column."""
    return text.isdecimal() and len(text) <= 18


def _fits(value: Any, kind: type = int) -> bool:
    """Whether a database can compare it with a column of that kind."""
    if kind is str:
        return isinstance(value, str) and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _beyond(column: Any, descending: bool, value: Any, task_id: int) -> ColumnElement[bool]:
    past, same_past = (column < value, Task.id < task_id) if descending else (column > value, Task.id > task_id)
    return past if column is Task.id else or_(past, and_(column == value, same_past))


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


def _total(session: Session, where: TaskFilter, conditions: list[ColumnElement[bool]]) -> int | None:
    if not conditions or (where.status and len(conditions) == 1):
        counts = counts_by_status(session)
        return sum(n for status, n in counts.items() if not where.status or status in where.status)
    inner: Select[Any] = select(Task.id).join(Task.structure).where(*conditions).limit(COUNT_LIMIT + 1)
    n = session.scalar(select(func.count()).select_from(inner.subquery())) or 0
    return n if n <= COUNT_LIMIT else None


def counts_by_status(session: Session) -> dict[TaskStatus, int]:
    found = {row.status: row.n for row in session.scalars(select(TaskCount))}
    return {status: found.get(status, 0) for status in TaskStatus}


def queued_by_priority(session: Session) -> dict[str, int]:
    rows = session.execute(
        select(Task.priority, func.count()).where(Task.status == TaskStatus.QUEUED).group_by(Task.priority)
    )
    found = {priority: n for priority, n in rows}
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
