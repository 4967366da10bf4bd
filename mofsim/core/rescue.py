"""Infrastructure that went away, and what waits for a time: nothing that was accepted is forgotten."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from mofsim.core import lifecycle, placement, tally
from mofsim.core.leases import ready_to_run
from mofsim.db.tables import Task, utcnow
from mofsim.vocabulary import ACTIVE, AttemptOutcome, TaskStatus


def is_needed(session: Session) -> bool:
    """Whether a lease has run out, a task's time has come, or one waits in vain; a cheap look before the write."""
    now = utcnow()
    if any(session.scalar(select(Task.id).where(*what).limit(1)) for what in (_expired(now), _due(now))):
        return True
    return placement.anything_known(session) and bool(placement.hopeless(session))


def count_ready(session: Session) -> int:
    """Tasks that a worker could take now."""
    return session.scalar(select(func.count()).select_from(Task).where(*ready_to_run())) or 0


def release_due(session: Session, now: datetime | None = None) -> list[Task]:
    """PENDING tasks whose time has come are queued."""
    tasks = list(session.scalars(_locked(_due(now or utcnow()))))
    for task in tasks:
        lifecycle.move(session, task, TaskStatus.QUEUED)
    return tasks


def requeue_expired(session: Session, *, backoff_seconds: float, now: datetime | None = None) -> list[Task]:
    """Tasks whose lease ran out are queued again with a back-off, or FAILED after their last attempt."""
    tasks = session.scalars(_locked(_expired(now or utcnow())))
    return _requeue_all(session, tasks, "the worker stopped answering", "lease_expired", backoff_seconds)


def requeue_from(session: Session, worker_id: str) -> list[Task]:
    """A new incarnation of a worker queues again what its dead predecessor held, at once."""
    tasks = session.scalars(_locked((Task.status.in_(ACTIVE), Task.worker_id == worker_id)))
    return _requeue_all(session, tasks, "the worker was started anew", "worker_restarted", 0)


def fail_hopeless(session: Session) -> list[Task]:
    """Tasks that fit on no device of this house would wait for ever, and a batch with them; they say why instead."""
    tasks = placement.hopeless(session)
    for task in tasks:
        way_out = "take a smaller structure or model, or retry it where a larger device is"
        needs = placement.what_it_needs(session, task)
        lifecycle.fail(session, task, "OutOfMemory", f"{needs}, and no device here has more; {way_out}")
    return tasks


def _requeue_all(session: Session, tasks: Any, reason: str, counted_as: str, backoff_seconds: float) -> list[Task]:
    found = list(tasks)
    for task in found:
        lifecycle.requeue(session, task, AttemptOutcome.LOST, reason, backoff_seconds)
    tally.rescued(session, counted_as, len(found))
    return found


def _locked(what: tuple[ColumnElement[bool], ...]) -> Any:
    return select(Task).where(*what).order_by(Task.id).with_for_update(skip_locked=True, of=Task)


def _expired(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Task.status.in_(ACTIVE), Task.lease_until < now


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    its_time = or_(Task.not_before.is_(None), Task.not_before <= now)
    return Task.status == TaskStatus.PENDING, Task.held.is_(False), Task.awaits_parent.is_(False), its_time
