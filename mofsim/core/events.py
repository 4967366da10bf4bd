"""The append-only list of what happened, which `/events` streams."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from mofsim.core.wire import task_to_wire
from mofsim.db.engine import n_changed
from mofsim.db.tables import Event, Task
from mofsim.schemas.events import Event as EventWire
from mofsim.vocabulary import EventType


def append(session: Session, type: EventType, data: dict[str, Any], task_id: int | None = None) -> None:
    session.add(Event(type=type, task_id=task_id, data=data))


def append_task(session: Session, type: EventType, task: Task, **more: Any) -> None:
    """An event that carries the task as it is now, so that a client needs no second request."""
    append(session, type, {"task": task_to_wire(task).model_dump(mode="json"), **more}, task.id)


def last_id(session: Session) -> int:
    return session.scalar(select(func.max(Event.id))) or 0


def first_id(session: Session) -> int:
    return session.scalar(select(func.min(Event.id))) or 0


def after(session: Session, event_id: int, limit: int, task_id: int | None = None) -> list[EventWire]:
    """The events that follow `event_id`, oldest first."""
    query = select(Event).where(Event.id > event_id).order_by(Event.id).limit(limit)
    if task_id is not None:
        query = query.where(Event.task_id == task_id)
    return [EventWire.model_validate(event) for event in session.scalars(query)]


def of_task(session: Session, task_id: int, limit: int) -> list[EventWire]:
    """What happened to a task, oldest first, the newest `limit` of it; its progress is told by its series."""
    query = select(Event).where(Event.task_id == task_id, Event.type != EventType.TASK_PROGRESS)
    newest = session.scalars(query.order_by(Event.id.desc()).limit(limit)).all()
    return [EventWire.model_validate(event) for event in reversed(newest)]


def gap_before(session: Session, event_id: int) -> bool:
    """Whether events that follow `event_id` were trimmed already."""
    return event_id + 1 < first_id(session)


def more_than(session: Session, event_id: int, n: int, task_id: int | None = None) -> bool:
    """Whether more than `n` events follow `event_id`; it costs at most the reading of n ids."""
    query = select(Event.id).where(Event.id > event_id).offset(n).limit(1)
    if task_id is not None:
        query = query.where(Event.task_id == task_id)
    return session.scalar(query) is not None


def trim(session: Session, *, older_than: datetime, progress_older_than: datetime) -> int:
    """Remove old events; how many were removed.

    Progress is superseded by what follows it and goes first: a busy box makes a million of these events a day. The
    newest event always stays, so that ids go on rising.
    """
    old_progress = (Event.type == EventType.TASK_PROGRESS) & (Event.time < progress_older_than)
    old = or_(Event.time < older_than, old_progress)
    return n_changed(session, delete(Event).where(old, Event.id < last_id(session)))
