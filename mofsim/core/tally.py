"""What is counted when a task moves: how long it waited and ran, how it ended, and whether its model keeps failing."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import counters, throughput
from mofsim.db.tables import Attempt, ModelStreak, Task, utcnow
from mofsim.vocabulary import AttemptOutcome, Counted, Duration, TaskStatus, TaskType


def taken(session: Session, task: Task, attempt: int, now: datetime) -> None:
    """Attempt number `attempt` begins. It waited since the one before ended and its back-off was over, not for that."""
    since = [task.queued_at, task.not_before, task.retry_at]
    if attempt > 1:
        since.append(session.scalar(select(Attempt.ended_at).filter_by(task_id=task.id, attempt=attempt - 1)))
    begin = max((time for time in since if time is not None), default=now)
    counters.observe(session, Duration.WAIT, task.task_type, task.model_name, (now - begin).total_seconds())


def attempt_ended(
    session: Session, task: Task, outcome: AttemptOutcome, started_at: datetime | None, now: datetime
) -> None:
    counters.count(session, Counted.ATTEMPTS, outcome)
    if started_at is not None:
        counters.observe(session, Duration.RUN, task.task_type, task.model_name, (now - started_at).total_seconds())


def tasks_ended(session: Session, tasks: Sequence[Task], status: TaskStatus) -> None:
    counters.count(session, Counted.TASKS_ENDED, status, len(tasks))
    throughput.count(session, status, len(tasks), utcnow())
    for task in tasks:
        # A validation that fails says what it is there to say.
        if task.task_type != TaskType.VALIDATION and status in (TaskStatus.COMPLETED, TaskStatus.FAILED):
            _of_model(session, task, status)


def _of_model(session: Session, task: Task, status: TaskStatus) -> None:
    streak = session.get(ModelStreak, task.model_name, with_for_update=True)
    if streak is None:
        streak = ModelStreak(model_name=task.model_name, failures=0)
        session.add(streak)
    failed = status is TaskStatus.FAILED
    streak.failures = streak.failures + 1 if failed else 0
    streak.last_task_id, streak.last_error = task.id, task.error_type if failed else None


def rescued(session: Session, reason: str, n: int) -> None:
    """`reason` is one word, as metrics label it."""
    counters.count(session, Counted.RESCUES, reason, n)
