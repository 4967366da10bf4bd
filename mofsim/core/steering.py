"""What people do to tasks."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.core import events, lifecycle, models
from mofsim.core.errors import Conflict, NotFound
from mofsim.db.tables import Model, Task, TaskResult, utcnow
from mofsim.vocabulary import ACTIVE, WAITING, EventType, Priority, StopReason, TaskStatus, TaskType

#: ids in one statement; databases take so many values and not many more
_CHUNK = 500

RETRYABLE = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.TIMEOUT})


def get(session: Session, task_id: int) -> Task:
    """The task, locked for this transaction; raises NotFound."""
    task = session.get(Task, task_id, with_for_update={"of": Task})
    if task is None:
        raise NotFound(f"there is no task {task_id}; `mofsim tasks` lists those there are", field="id")
    return task


def request_cancel(session: Session, task_id: int) -> Task:
    """A waiting task ends at once; a running one is asked to, and ends between two steps.

    Raises NotFound, or Conflict when it has ended already.
    """
    task = get(session, task_id)
    status = TaskStatus(task.status)
    if status in WAITING or status in ACTIVE:
        cancel_all(session, [task])
    elif status is not TaskStatus.CANCELLED:
        raise Conflict(f"task {task_id} is {status} already; only a waiting or running task can be cancelled")
    return task


def cancel_all(session: Session, tasks: Sequence[Task]) -> None:
    """As `request_cancel`, for tasks that wait or run and are locked already."""
    waiting = [task for task in tasks if task.status in WAITING]
    asked = [task for task in tasks if task.status in ACTIVE and task.stop_requested != StopReason.CANCELLED]
    for task in (*waiting, *asked):
        task.cancelled_at = utcnow()
    lifecycle.end_all(session, waiting, TaskStatus.CANCELLED)
    for task in asked:
        _ask_to_stop(session, task, StopReason.CANCELLED)


def undo_cancel(session: Session, task_id: int, within_seconds: float) -> Task:
    """Take a cancel back: the task goes on, waits where it waited, or continues from its checkpoint.

    Raises NotFound, or Conflict when it was not cancelled, or longer ago than `within_seconds`.
    """
    task = get(session, task_id)
    asked = task.stop_requested == StopReason.CANCELLED
    if not asked and task.status != TaskStatus.CANCELLED:
        raise Conflict(f"task {task_id} is {task.status}; there is no cancel to undo")
    if task.cancelled_at is None or utcnow() - task.cancelled_at > timedelta(seconds=within_seconds):
        raise Conflict(f"a cancel can be undone for {within_seconds:g} s; `mofsim retry {task_id}` still continues it")
    task.cancelled_at, queued_at = None, task.queued_at
    if asked:
        task.stop_requested = None
        events.append_task(session, EventType.TASK_CHANGED, task)
        return task
    # Nobody who came later is before it now.
    _put_back(session, [task], queued_at)
    return task


def hold(session: Session, task_id: int) -> Task:
    """Keep a task from running until it is released; one that runs stops, and goes on later where it was.

    Raises NotFound, or Conflict when it has ended.
    """
    task = get(session, task_id)
    status = TaskStatus(task.status)
    if status.is_final:
        raise Conflict(f"task {task_id} is {status}; only a waiting or running task can be held")
    if task.held:
        return task
    task.held = True
    if status in ACTIVE:
        _ask_to_stop(session, task, StopReason.HELD)
    elif status is TaskStatus.QUEUED:
        lifecycle.move(session, task, TaskStatus.PENDING)
    else:
        events.append_task(session, EventType.TASK_CHANGED, task)
    return task


def release(session: Session, task_id: int) -> Task:
    """Let a held task run again; raises NotFound, or Conflict when it is not held."""
    task = get(session, task_id)
    if not task.held:
        raise Conflict(f"task {task_id} is not held")
    task.held = False
    if task.stop_requested == StopReason.HELD:
        task.stop_requested = None
    if task.status == TaskStatus.PENDING and lifecycle.waiting_status(task) is TaskStatus.QUEUED:
        lifecycle.move(session, task, TaskStatus.QUEUED)
    else:
        events.append_task(session, EventType.TASK_CHANGED, task)
    return task


def retry(session: Session, task_id: int, *, clean: bool = False) -> Task:
    """A task that ended without a result waits again: it continues from its checkpoint, or starts `clean`.

    Raises NotFound, or Conflict when it is not FAILED, CANCELLED or TIMEOUT.
    """
    task = get(session, task_id)
    if TaskStatus(task.status) not in RETRYABLE:
        raise Conflict(f"task {task_id} is {task.status}; only a FAILED, CANCELLED or TIMEOUT task can be retried")
    retry_all(session, [task], clean=clean)
    return task


def retry_all(session: Session, tasks: Sequence[Task], *, clean: bool = False) -> None:
    """As `retry`, for tasks that can be retried and are locked already. Raises Invalid for a model that is gone."""
    for name, task_type in {(task.model_name, task.task_type) for task in tasks}:
        if session.get(Model, name):
            models.usable(session, name, TaskType(task_type))
    for task in tasks:
        task.clean_start = clean
        if clean:
            task.progress = {}
    _put_back(session, tasks)


def detach(session: Session, task_id: int) -> Task:
    """A task that waits for another one's structure takes the structure which that one started from.

    Raises NotFound, or Conflict when it waits for no task.
    """
    task = get(session, task_id)
    if not task.awaits_parent:
        raise Conflict(f"task {task_id} waits for no other task's structure")
    task.awaits_parent, task.parent_id = False, None
    if task.status == TaskStatus.PENDING and lifecycle.waiting_status(task) is TaskStatus.QUEUED:
        lifecycle.move(session, task, TaskStatus.QUEUED)
    else:
        events.append_task(session, EventType.TASK_CHANGED, task)
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

    Raises NotFound, or Conflict while it waits or runs, or while another task waits for its structure.
    """
    task = get(session, task_id)
    if not TaskStatus(task.status).is_final:
        raise Conflict(f"task {task_id} is {task.status}; cancel it before you delete it")
    child = session.scalar(select(Task.id).where(Task.parent_id == task_id, Task.awaits_parent).limit(1))
    if child:
        raise Conflict(f"task {child} waits for the structure of task {task_id}; detach or cancel it first")
    lifecycle.forget(session, task)
    session.delete(task)


def _ask_to_stop(session: Session, task: Task, reason: StopReason) -> None:
    task.stop_requested = reason
    events.append_task(session, EventType.TASK_CHANGED, task)


def _put_back(session: Session, tasks: Sequence[Task], queued_at: datetime | None = None) -> None:
    """They wait again, from now on or since `queued_at`."""
    ids = [task.id for task in tasks]
    for start in range(0, len(ids), _CHUNK):
        session.execute(delete(TaskResult).where(TaskResult.task_id.in_(ids[start : start + _CHUNK])))
    for task in tasks:
        task.error_type = task.error_message = task.stop_requested = task.cancelled_at = None
        task.worker_id = task.gpu_id = task.retry_at = task.started_at = task.completed_at = None
        task.faults = 0
        task.queued_at = queued_at
    lifecycle.move_all(session, [(task, lifecycle.waiting_status(task)) for task in tasks])
