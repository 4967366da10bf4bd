"""The state machine of a task. Every write of a task's status is in this file, for server and worker alike.

PENDING → QUEUED → ASSIGNED → RUNNING → COMPLETED | FAILED | CANCELLED | TIMEOUT

Who moves a task: workers through `leases`, people through `steering`, the rescuer through `rescue`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from mofsim.core import alerts, events, models, tally, webhooks
from mofsim.db.tables import Attempt, Task, TaskCount, utcnow
from mofsim.vocabulary import ACTIVE, AttemptOutcome, EventType, StopReason, TaskStatus, TaskType

_BACK = frozenset({TaskStatus.QUEUED, TaskStatus.PENDING})
_WITHOUT_RESULT = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.TIMEOUT})

TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.QUEUED, TaskStatus.CANCELLED}),
    TaskStatus.QUEUED: frozenset({TaskStatus.PENDING, TaskStatus.ASSIGNED, TaskStatus.CANCELLED, TaskStatus.FAILED}),
    TaskStatus.ASSIGNED: frozenset({TaskStatus.RUNNING}) | _WITHOUT_RESULT | _BACK,
    TaskStatus.RUNNING: frozenset({TaskStatus.COMPLETED}) | _WITHOUT_RESULT | _BACK,
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: _BACK,
    TaskStatus.CANCELLED: _BACK,
    TaskStatus.TIMEOUT: _BACK,
}


class IllegalTransition(Exception):
    """A task can not go from one status to the other: this is a bug in mofsim, please report it."""


def accept(session: Session, task: Task) -> None:
    accept_all(session, [task])


def accept_all(session: Session, tasks: Sequence[Task]) -> None:
    """New tasks enter: PENDING while they wait for something named, else QUEUED.

    One that was given the result of another task is COMPLETED.
    """
    for task in tasks:
        task.status = waiting_status(task) if task.reused_from is None else TaskStatus.COMPLETED
        task.queued_at = utcnow() if task.status == TaskStatus.QUEUED else None
    session.add_all(tasks)
    session.flush()
    for status, n in Counter(task.status for task in tasks).items():
        _count(session, status, n)
    for task in tasks:
        events.append_task(session, EventType.TASK_CREATED, task)
        webhooks.status_changed(session, task)


def waiting_status(task: Task) -> TaskStatus:
    """Where a task belongs that is not worked on: with those that wait for a device, or for something else."""
    not_yet = task.not_before is not None and task.not_before > utcnow()
    return TaskStatus.PENDING if task.held or task.awaits_parent or not_yet else TaskStatus.QUEUED


def move(session: Session, task: Task, to: TaskStatus) -> None:
    """Change the status, keep the counts, append the event and tell the receiver; raises IllegalTransition."""
    move_all(session, [(task, to)])


def move_all(session: Session, moves: Sequence[tuple[Task, TaskStatus]]) -> None:
    """As `move`; the counts are written once, whatever the number of tasks."""
    before = [TaskStatus(task.status) for task, _ in moves]
    for (task, to), was in zip(moves, before, strict=True):
        if to not in TRANSITIONS[was]:
            raise IllegalTransition(f"task {task.id}: {was} → {to}")
        task.status = to
        if to is TaskStatus.QUEUED:
            task.queued_at = task.queued_at or utcnow()
    session.flush()
    changes = Counter(to for _, to in moves)
    changes.subtract(before)
    for status, change in changes.items():
        _count(session, status, change)
    stopped = [task.id for (task, to), was in zip(moves, before, strict=True) if was in ACTIVE and to not in ACTIVE]
    alerts.tasks_stopped(session, stopped)
    for (task, _), was in zip(moves, before, strict=True):
        events.append_task(session, EventType.TASK_STATUS, task, previous=was)
        webhooks.status_changed(session, task)


def end(session: Session, task: Task, status: TaskStatus) -> None:
    """The task ends; what led to it is in its other columns."""
    end_all(session, [task], status)


def end_all(session: Session, tasks: Sequence[Task], status: TaskStatus) -> None:
    for task in tasks:
        task.completed_at = utcnow()
        task.lease_until = task.stop_requested = None
    move_all(session, [(task, status) for task in tasks])
    tally.tasks_ended(session, tasks, status)


def fail(session: Session, task: Task, error_type: str, message: str) -> None:
    """The task ends without a result, for a reason that no executor has told."""
    task.error_type, task.error_message = error_type, message
    if task.task_type == TaskType.VALIDATION:
        models.judge(session, task, TaskStatus.FAILED, {}, None)
    end(session, task, TaskStatus.FAILED)


def requeue(
    session: Session,
    task: Task,
    outcome: AttemptOutcome,
    reason: str,
    backoff_seconds: float,
    *,
    is_fault: bool | None = None,
) -> None:
    """An attempt ended without ending the task: it waits again, or ends if that was asked or its tries are used up.

    A worker that was stopped is no fault, and costs the task none of its tries; `is_fault` says otherwise.
    """
    end_attempt(session, task, outcome, reason)
    task.lease_until = None
    task.worker_id = task.gpu_id = None
    task.faults += outcome is AttemptOutcome.LOST if is_fault is None else is_fault
    if task.stop_requested == StopReason.CANCELLED:
        end(session, task, TaskStatus.CANCELLED)
    elif task.faults >= task.max_attempts:
        message = f"{task.faults} attempts were lost to faults of the worker; the last: {reason}"
        fail(session, task, "AttemptsExhausted", message)
    else:
        task.started_at = task.stop_requested = None
        delay = timedelta(seconds=backoff_seconds * max(task.faults, 1))
        task.retry_at = utcnow() + delay if backoff_seconds else None
        move(session, task, waiting_status(task))


def end_attempt(session: Session, task: Task, outcome: AttemptOutcome, reason: str | None) -> None:
    now = utcnow()
    ended = session.execute(
        update(Attempt)
        .where(Attempt.task_id == task.id, Attempt.attempt == task.attempt)
        .values(ended_at=now, outcome=outcome, reason=reason, steps=task.progress.get("step") or 0)
        .returning(Attempt.started_at)
    ).one_or_none()
    if ended is not None:
        tally.attempt_ended(session, task, outcome, ended.started_at, now)


def forget(session: Session, task: Task) -> None:
    """Take a task out of the counts; the caller deletes the row."""
    _count(session, task.status, -1)
    events.append(session, EventType.TASK_DELETED, {}, task.id)


def _count(session: Session, status: str, change: int) -> None:
    session.execute(update(TaskCount).where(TaskCount.status == status).values(n=TaskCount.n + change))
