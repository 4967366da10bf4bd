"""A task's life. Every write of a task's status is in this file, for server and worker alike.

PENDING → QUEUED → ASSIGNED → RUNNING → COMPLETED | FAILED | CANCELLED | TIMEOUT

A worker that holds a task has a `Lease`. Each of its writes names the lease; when the row has moved on (the lease ran
out and somebody else took the task, or it was ended), the write raises `Fenced` and that attempt is over.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from mofsim.core import events
from mofsim.core.errors import Conflict, NotFound
from mofsim.db.tables import Attempt, Task, TaskCount, TaskResult, utcnow
from mofsim.vocabulary import ACTIVE, WAITING, AttemptOutcome, EventType, Priority, StopReason, TaskStatus

TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.QUEUED, TaskStatus.CANCELLED, TaskStatus.FAILED}),
    TaskStatus.QUEUED: frozenset({TaskStatus.ASSIGNED, TaskStatus.CANCELLED, TaskStatus.FAILED}),
    TaskStatus.ASSIGNED: frozenset(
        {
            TaskStatus.RUNNING,
            TaskStatus.QUEUED,
            TaskStatus.FAILED,
            TaskStatus.CANCELLED,
            TaskStatus.TIMEOUT,
        }
    ),
    TaskStatus.RUNNING: frozenset(
        {
            TaskStatus.COMPLETED,
            TaskStatus.QUEUED,
            TaskStatus.FAILED,
            TaskStatus.CANCELLED,
            TaskStatus.TIMEOUT,
        }
    ),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset({TaskStatus.QUEUED}),
    TaskStatus.CANCELLED: frozenset({TaskStatus.QUEUED}),
    TaskStatus.TIMEOUT: frozenset({TaskStatus.QUEUED}),
}

RETRYABLE = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.TIMEOUT})


class IllegalTransition(Exception):
    """A task can not go from one status to the other: this is a bug in mofsim, please report it."""


class Fenced(Exception):
    """The lease is no longer held: stop the executor and write nothing."""


@dataclass(frozen=True)
class Lease:
    """The right to work on one attempt of a task."""

    task_id: int
    attempt: int
    worker_id: str


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, and what it leaves behind."""

    status: TaskStatus
    result: dict[str, Any] = field(default_factory=dict)
    output_files: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    error_type: str | None = None
    error_message: str | None = None
    progress: dict[str, Any] | None = None


def accept(session: Session, task: Task) -> None:
    """A new task enters: PENDING while it waits for its time, else QUEUED."""
    now = utcnow()
    waits = task.not_before is not None and task.not_before > now
    task.status = TaskStatus.PENDING if waits else TaskStatus.QUEUED
    task.queued_at = None if waits else now
    session.add(task)
    session.flush()
    _count(session, task.status, 1)
    events.append_task(session, EventType.TASK_CREATED, task)


def release_due(session: Session, now: datetime | None = None) -> list[Task]:
    """PENDING tasks whose time has come are queued."""
    now = now or utcnow()
    due = select(Task).where(Task.status == TaskStatus.PENDING, or_(Task.not_before.is_(None), Task.not_before <= now))
    tasks = list(session.scalars(due.with_for_update(skip_locked=True, of=Task)))
    for task in tasks:
        _move(session, task, TaskStatus.QUEUED)
        task.queued_at = now
    return tasks


def claim(
    session: Session,
    worker_id: str,
    *,
    gpu_id: str | None,
    loaded_models: list[str],
    lease_seconds: float,
    affinity_seconds: float,
) -> tuple[Lease, Task] | None:
    """The best queued task for this worker, now ASSIGNED to it; None when there is none.

    Order: priority; within it a model that is already loaded, but never past a task that has waited
    `affinity_seconds` longer; then age.
    """
    task = _best(session, loaded_models, timedelta(seconds=affinity_seconds))
    if task is None:
        return None
    now = utcnow()
    task.attempt += 1
    task.worker_id, task.gpu_id = worker_id, gpu_id
    task.lease_until = now + timedelta(seconds=lease_seconds)
    task.started_at = task.completed_at = task.not_before = None
    task.progress = {}
    session.add(
        Attempt(
            task_id=task.id,
            attempt=task.attempt,
            worker_id=worker_id,
            gpu_id=gpu_id,
            assigned_at=now,
            steps=0,
        )
    )
    _move(session, task, TaskStatus.ASSIGNED)
    return Lease(task.id, task.attempt, worker_id), task


def _best(session: Session, loaded_models: list[str], affinity: timedelta) -> Task | None:
    ready = (
        select(Task)
        .where(Task.status == TaskStatus.QUEUED, or_(Task.not_before.is_(None), Task.not_before <= utcnow()))
        .with_for_update(skip_locked=True, of=Task)
        .limit(1)
    )
    oldest = session.scalar(ready.order_by(Task.priority, Task.queued_at, Task.id))
    if oldest is None or oldest.model_name in loaded_models or not loaded_models:
        return oldest
    assert oldest.queued_at is not None
    warm = session.scalar(
        ready.where(
            Task.priority == oldest.priority,
            Task.model_name.in_(loaded_models),
            Task.queued_at <= oldest.queued_at + affinity,
        ).order_by(Task.queued_at, Task.id)
    )
    return warm or oldest


def start(session: Session, lease: Lease, total_steps: int | None) -> None:
    """The model is loaded and the first step begins."""
    task = _held(session, lease)
    now = utcnow()
    task.started_at = now
    task.progress = {"step": 0, "total_steps": total_steps, "percent": 0.0}
    session.execute(_attempt(lease).values(started_at=now))
    _move(session, task, TaskStatus.RUNNING)


def heartbeat(
    session: Session, lease: Lease, *, lease_seconds: float, progress: dict[str, Any] | None = None
) -> StopReason | None:
    """Renew the lease, publish progress, and learn whether somebody wants the task to stop.

    Raises Fenced when the lease is no longer held.
    """
    values: dict[str, Any] = {"lease_until": utcnow() + timedelta(seconds=lease_seconds)}
    if progress is not None:
        values["progress"] = progress
    row = session.execute(
        update(Task)
        .where(
            Task.id == lease.task_id,
            Task.attempt == lease.attempt,
            Task.worker_id == lease.worker_id,
            Task.status.in_(ACTIVE),
        )
        .values(**values)
        .returning(Task.stop_requested)
    ).one_or_none()
    if row is None:
        raise Fenced(lease)
    if progress is not None:
        data = {"progress": progress, "status": TaskStatus.RUNNING, "attempt": lease.attempt}
        events.append(session, EventType.TASK_PROGRESS, data, lease.task_id)
    return StopReason(row[0]) if row[0] else None


def finish(session: Session, lease: Lease, outcome: Outcome) -> None:
    """End the task and publish what the attempt left; the only way a result gets out."""
    task = _held(session, lease)
    now = utcnow()
    began = task.started_at or now
    task.completed_at = now
    task.error_type, task.error_message = outcome.error_type, outcome.error_message
    task.lease_until = task.stop_requested = None
    if outcome.progress is not None:
        task.progress = outcome.progress
    _store_result(session, task, outcome, (now - began).total_seconds())
    _end_attempt(session, task, AttemptOutcome(outcome.status), outcome.error_message)
    _move(session, task, outcome.status)


def give_back(session: Session, lease: Lease, outcome: AttemptOutcome, reason: str, *, backoff_seconds: float) -> None:
    """The worker can not finish the attempt through no fault of the task: queue it again, or fail it for good."""
    _requeue(session, _held(session, lease), outcome, reason, backoff_seconds)


def needs_rescue(session: Session) -> bool:
    """Whether a lease has run out or a PENDING task is due; a cheap look before the write."""
    now = utcnow()
    expired = and_(Task.status.in_(ACTIVE), Task.lease_until < now)
    due = and_(Task.status == TaskStatus.PENDING, or_(Task.not_before.is_(None), Task.not_before <= now))
    return session.scalar(select(Task.id).where(or_(expired, due)).limit(1)) is not None


def count_ready(session: Session) -> int:
    """QUEUED tasks that a worker could take now."""
    ready = or_(Task.not_before.is_(None), Task.not_before <= utcnow())
    return session.scalar(select(func.count()).where(Task.status == TaskStatus.QUEUED, ready)) or 0


def rescue_expired(session: Session, *, backoff_seconds: float, now: datetime | None = None) -> list[Task]:
    """Tasks whose lease ran out are queued again with a back-off, or FAILED after their last attempt."""
    expired = select(Task).where(Task.status.in_(ACTIVE), Task.lease_until < (now or utcnow()))
    return _requeue_all(session, expired, "the worker stopped answering", backoff_seconds)


def rescue_from(session: Session, worker_id: str) -> list[Task]:
    """A new incarnation of a worker queues again what its dead predecessor held, at once."""
    held = select(Task).where(Task.status.in_(ACTIVE), Task.worker_id == worker_id)
    return _requeue_all(session, held, "the worker was started anew", 0)


def _requeue_all(session: Session, query: Any, reason: str, backoff_seconds: float) -> list[Task]:
    tasks = list(session.scalars(query.with_for_update(skip_locked=True, of=Task)))
    for task in tasks:
        _requeue(session, task, AttemptOutcome.LOST, reason, backoff_seconds)
    return tasks


def _requeue(session: Session, task: Task, outcome: AttemptOutcome, reason: str, backoff_seconds: float) -> None:
    now = utcnow()
    _end_attempt(session, task, outcome, reason)
    task.lease_until = None
    task.worker_id = task.gpu_id = None
    # A worker that was stopped is no fault, and costs the task none of its tries.
    task.faults += outcome is AttemptOutcome.LOST
    if task.stop_requested in (StopReason.CANCELLED, StopReason.TIMEOUT):
        _end_without_worker(session, task, TaskStatus(task.stop_requested.upper()))
    elif task.faults >= task.max_attempts:
        task.error_type = "AttemptsExhausted"
        task.error_message = f"{task.faults} attempts were lost to faults of the worker; the last: {reason}"
        _end_without_worker(session, task, TaskStatus.FAILED)
    else:
        task.started_at = None
        task.stop_requested = None
        delay = timedelta(seconds=backoff_seconds * max(task.faults, 1))
        task.not_before = now + delay if backoff_seconds else None
        task.queued_at = task.queued_at or now
        _move(session, task, TaskStatus.QUEUED)


def request_cancel(session: Session, task_id: int) -> Task:
    """A waiting task ends at once; a running one is asked to, and ends between two steps.

    Raises NotFound, or Conflict when it has ended already.
    """
    task = get(session, task_id)
    status = TaskStatus(task.status)
    if status in WAITING:
        _end_without_worker(session, task, TaskStatus.CANCELLED)
    elif status in ACTIVE:
        if task.stop_requested != StopReason.CANCELLED:
            task.stop_requested = StopReason.CANCELLED
            events.append_task(session, EventType.TASK_CHANGED, task)
    elif status is not TaskStatus.CANCELLED:
        raise Conflict(f"task {task_id} is {status} already; only a waiting or running task can be cancelled")
    return task


def retry(session: Session, task_id: int) -> Task:
    """A task that ended without a result is queued again, from the start.

    Raises NotFound, or Conflict when it is not FAILED, CANCELLED or TIMEOUT.
    """
    task = get(session, task_id)
    if TaskStatus(task.status) not in RETRYABLE:
        raise Conflict(f"task {task_id} is {task.status}; only a FAILED, CANCELLED or TIMEOUT task can be retried")
    session.execute(delete(TaskResult).where(TaskResult.task_id == task_id))
    task.error_type = task.error_message = task.stop_requested = None
    task.worker_id = task.gpu_id = task.not_before = task.started_at = task.completed_at = None
    task.progress = {}
    task.faults = 0
    task.queued_at = utcnow()
    _move(session, task, TaskStatus.QUEUED)
    return task


def change_priority(session: Session, task_id: int, priority: Priority) -> Task:
    """Raises NotFound, or Conflict when the task waits no longer."""
    task = get(session, task_id)
    if TaskStatus(task.status) not in WAITING:
        raise Conflict(f"task {task_id} is {task.status}; only a waiting task has a priority that can change")
    task.priority = priority
    events.append_task(session, EventType.TASK_CHANGED, task)
    return task


def remove(session: Session, task_id: int) -> None:
    """Forget a task that has ended; its files are the caller's to remove afterwards.

    Raises NotFound, or Conflict while it waits or runs.
    """
    task = get(session, task_id)
    if not TaskStatus(task.status).is_final:
        raise Conflict(f"task {task_id} is {task.status}; cancel it before you delete it")
    _count(session, task.status, -1)
    session.delete(task)
    events.append(session, EventType.TASK_DELETED, {}, task_id)


def get(session: Session, task_id: int) -> Task:
    task = session.get(Task, task_id, with_for_update={"of": Task} if session.in_transaction() else None)
    if task is None:
        raise NotFound(f"there is no task {task_id}; `mofsim tasks` lists those there are", field="id")
    return task


def _move(session: Session, task: Task, to: TaskStatus) -> None:
    before = TaskStatus(task.status)
    if to not in TRANSITIONS[before]:
        raise IllegalTransition(f"task {task.id}: {before} → {to}")
    task.status = to
    session.flush()
    _count(session, before, -1)
    _count(session, to, 1)
    events.append_task(session, EventType.TASK_STATUS, task, previous=before)


def _count(session: Session, status: str, change: int) -> None:
    session.execute(update(TaskCount).where(TaskCount.status == status).values(n=TaskCount.n + change))


def _held(session: Session, lease: Lease) -> Task:
    query = select(Task).where(
        Task.id == lease.task_id,
        Task.attempt == lease.attempt,
        Task.worker_id == lease.worker_id,
        Task.status.in_(ACTIVE),
    )
    task = session.scalar(query.with_for_update(of=Task))
    if task is None:
        raise Fenced(lease)
    return task


def _attempt(lease: Lease) -> Any:
    return update(Attempt).where(Attempt.task_id == lease.task_id, Attempt.attempt == lease.attempt)


def _end_attempt(session: Session, task: Task, outcome: AttemptOutcome, reason: str | None) -> None:
    session.execute(
        update(Attempt)
        .where(Attempt.task_id == task.id, Attempt.attempt == task.attempt)
        .values(ended_at=utcnow(), outcome=outcome, reason=reason, steps=task.progress.get("step") or 0)
    )


def _end_without_worker(session: Session, task: Task, status: TaskStatus) -> None:
    task.completed_at = utcnow()
    task.stop_requested = task.not_before = None
    _move(session, task, status)


def _store_result(session: Session, task: Task, outcome: Outcome, duration_seconds: float) -> None:
    session.merge(
        TaskResult(
            task_id=task.id,
            attempt=task.attempt,
            result_data=outcome.result,
            output_files=dict(outcome.output_files),
            metrics=outcome.metrics,
            provenance=outcome.provenance,
            duration_seconds=duration_seconds,
            created_at=utcnow(),
        )
    )
