"""The worker's side of a task's life.

A worker that holds a task has a `Lease`. Each of its writes names the lease; when the row has moved on (the lease ran
out and somebody else took the task, or it was ended), the write raises `Fenced` and that attempt is over.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from mofsim.core import events, lifecycle, models, placement, tally, webhooks
from mofsim.db.tables import Attempt, Task, TaskResult, utcnow
from mofsim.vocabulary import ACTIVE, AttemptOutcome, EventType, StopReason, TaskStatus, TaskType


class Fenced(Exception):
    """The lease is no longer held: stop the executor and write nothing."""


@dataclass(frozen=True)
class Lease:
    """The right to work on one attempt of a task."""

    task_id: int
    attempt: int
    worker_id: str

    @property
    def holds(self) -> tuple[ColumnElement[bool], ...]:
        """True of the task's row as long as nobody else has it and it has not ended."""
        return (
            Task.id == self.task_id,
            Task.attempt == self.attempt,
            Task.worker_id == self.worker_id,
            Task.status.in_(ACTIVE),
        )


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


def claim(
    session: Session,
    worker_id: str,
    *,
    gpu_id: str | None,
    loaded_models: list[str],
    lease_seconds: float,
    affinity_seconds: float,
    memory_MB: float | None = None,
) -> tuple[Lease, Task] | None:
    """The best queued task for this worker, now ASSIGNED to it; None when there is none.

    Order: priority; within it a model that is already loaded, but never past a task that has waited
    `affinity_seconds` longer; then age. A task that is known to need more than `memory_MB`, what it could have here,
    is left to others.
    """
    fits = placement.fits(placement.device_of(gpu_id), memory_MB)
    task = _best(session, loaded_models, timedelta(seconds=affinity_seconds), fits)
    if task is None:
        return None
    now = utcnow()
    task.attempt += 1
    tally.taken(session, task, task.attempt, now)
    task.worker_id, task.gpu_id = worker_id, gpu_id
    task.lease_until = now + timedelta(seconds=lease_seconds)
    task.started_at = task.completed_at = task.retry_at = None
    attempt = Attempt(task_id=task.id, attempt=task.attempt, worker_id=worker_id, gpu_id=gpu_id, assigned_at=now)
    session.add(attempt)
    lifecycle.move(session, task, TaskStatus.ASSIGNED)
    return Lease(task.id, task.attempt, worker_id), task


def ready_to_run() -> tuple[ColumnElement[bool], ...]:
    """True of tasks that a worker could take now."""
    return Task.status == TaskStatus.QUEUED, or_(Task.retry_at.is_(None), Task.retry_at <= utcnow())


def anything_ready(session: Session) -> bool:
    """Whether a task waits for a device, be it one that this device can not take."""
    return session.scalar(select(Task.id).where(*ready_to_run()).limit(1)) is not None


def _best(
    session: Session, loaded_models: list[str], affinity: timedelta, fits: tuple[ColumnElement[bool], ...]
) -> Task | None:
    ready = select(Task).where(*ready_to_run(), *fits).with_for_update(skip_locked=True, of=Task).limit(1)
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


def start(session: Session, lease: Lease, total_steps: int | None, resumed_from: int | None = None) -> None:
    """The model is loaded and the first step begins, or the one after step `resumed_from`."""
    task = _held(session, lease)
    task.started_at = utcnow()
    task.clean_start = False
    if resumed_from is None:
        task.progress = {"step": 0, "total_steps": total_steps, "percent": 0.0}
    attempt = update(Attempt).where(Attempt.task_id == lease.task_id, Attempt.attempt == lease.attempt)
    session.execute(attempt.values(started_at=task.started_at, resumed_from_step=resumed_from))
    lifecycle.move(session, task, TaskStatus.RUNNING)


def heartbeat(
    session: Session,
    lease: Lease,
    *,
    lease_seconds: float,
    progress: dict[str, Any] | None = None,
    webhook_interval_seconds: float = 30,
) -> StopReason | None:
    """Renew the lease, publish progress, and learn whether somebody wants the task to stop.

    Progress goes to the task's own receiver once in `webhook_interval_seconds` at most.
    Raises Fenced when the lease is no longer held.
    """
    values: dict[str, Any] = {"lease_until": utcnow() + timedelta(seconds=lease_seconds)}
    if progress is not None:
        values["progress"] = progress
    renewed = update(Task).where(*lease.holds).values(**values).returning(Task.stop_requested, Task.callback_url)
    row = session.execute(renewed).one_or_none()
    if row is None:
        raise Fenced(lease)
    if progress is not None:
        data = {"progress": progress, "status": TaskStatus.RUNNING, "attempt": lease.attempt}
        events.append(session, EventType.TASK_PROGRESS, data, lease.task_id)
        if row.callback_url:
            task = session.get_one(Task, lease.task_id, populate_existing=True)
            webhooks.progressed(session, task, webhook_interval_seconds)
    return StopReason(row[0]) if row[0] else None


def finish(session: Session, lease: Lease, outcome: Outcome) -> None:
    """End the task and publish what the attempt left; the only way a result gets out."""
    task = _held(session, lease)
    if outcome.progress is not None:
        task.progress = outcome.progress
    if outcome.status is TaskStatus.CANCELLED and task.stop_requested != StopReason.CANCELLED:
        # The cancel was undone after the executor had heard of it.
        lifecycle.requeue(session, task, AttemptOutcome.RELEASED, "its cancel was undone", 0)
        return
    peak_MB = outcome.metrics.get("peak_memory_MB")
    if outcome.status is TaskStatus.COMPLETED and peak_MB:
        placement.learn_peak(session, task, peak_MB)
    task.error_type, task.error_message = outcome.error_type, outcome.error_message
    _store_result(session, task, outcome)
    if task.task_type == TaskType.VALIDATION:
        models.judge(session, task, outcome.status, outcome.result, outcome.provenance.get("model_sha256"))
    lifecycle.end_attempt(session, task, AttemptOutcome(outcome.status), outcome.error_message)
    lifecycle.end(session, task, outcome.status)


def give_back(session: Session, lease: Lease, outcome: AttemptOutcome, reason: str, *, backoff_seconds: float) -> None:
    """The worker can not finish the attempt through no fault of the task: queue it again, or fail it for good."""
    lifecycle.requeue(session, _held(session, lease), outcome, reason, backoff_seconds)


def ran_out_of_memory(
    session: Session, lease: Lease, outcome: Outcome, *, had_MB: float | None, is_all: bool, backoff_seconds: float
) -> None:
    """The attempt had `had_MB`, which was too little: queue the task for where it fits.

    `is_all`: nobody else used memory of the device, so that a smaller or equal one will not do. Then the attempt
    costs the task none of its tries; and when no device is larger, the task FAILED with `outcome`.
    """
    task = _held(session, lease)
    if had_MB is not None:
        placement.learn_too_little(session, task, had_MB)
    if is_all and task.stop_requested is None and not placement.places(session, task):
        message = f"{outcome.error_message}; {placement.what_it_needs(session, task)}, and no device here has more"
        finish(session, lease, replace(outcome, error_message=message))
        return
    reason = outcome.error_message or "memory ran out"
    backoff = 0.0 if is_all else backoff_seconds
    kind = AttemptOutcome.OUT_OF_MEMORY
    lifecycle.requeue(session, task, kind, reason, backoff, is_fault=not is_all)


def _held(session: Session, lease: Lease) -> Task:
    task = session.scalar(select(Task).where(*lease.holds).with_for_update(of=Task))
    if task is None:
        raise Fenced(lease)
    return task


def _store_result(session: Session, task: Task, outcome: Outcome) -> None:
    now = utcnow()
    session.merge(
        TaskResult(
            task_id=task.id,
            attempt=task.attempt,
            result_data=outcome.result,
            output_files=dict(outcome.output_files),
            metrics=outcome.metrics,
            provenance=outcome.provenance,
            duration_seconds=(now - (task.started_at or now)).total_seconds(),
            created_at=now,
        )
    )
