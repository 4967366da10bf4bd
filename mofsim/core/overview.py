"""The whole at a glance. It reads tasks that wait or run, and the newest that failed: a million others cost nothing."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim.core import forecast, queries, stuck, throughput
from mofsim.db.tables import ModelStreak, Task, utcnow
from mofsim.schemas.overview import FailingModel, Failures, Lane, Overview
from mofsim.vocabulary import ACTIVE, Priority, TaskStatus

SINCE = timedelta(hours=24)
#: Of those that failed the newest so many are looked at, of each status.
NEWEST = 500
#: A model that failed so often in a row needs a look, before a rule raises an alert about it.
FAILING = 3


def collect(session: Session) -> Overview:
    since = utcnow() - SINCE
    counts = queries.counts_by_status(session)
    return Overview(
        queue=_lanes(session),
        pending=counts[TaskStatus.PENDING],
        running=sum(counts[status] for status in ACTIVE),
        ends_in=forecast.of_all(session),
        stretch_seconds=throughput.STRETCH.total_seconds(),
        ended=throughput.ended(session, since),
        failures=_failures(session, since),
        failing_models=_failing(session),
        stuck=stuck.find(session),
    )


def _lanes(session: Session) -> list[Lane]:
    query = (
        select(Task.priority, func.count(), func.min(Task.queued_at))
        .where(Task.status == TaskStatus.QUEUED)
        .group_by(Task.priority)
    )
    found = {priority: (n, oldest) for priority, n, oldest in session.execute(query)}
    lanes = []
    for priority in Priority:
        n, oldest = found.get(priority.value, (0, None))
        lanes.append(Lane(priority=priority.name, waiting=n, oldest_queued_at=oldest))
    return lanes


def _failures(session: Session, since: datetime) -> list[Failures]:
    found: dict[tuple[str, str], Failures] = {}
    for status in (TaskStatus.FAILED, TaskStatus.TIMEOUT):
        columns = (Task.id, Task.model_name, Task.error_type, Task.error_message, Task.completed_at)
        newest = select(*columns).where(Task.status == status).order_by(Task.id.desc()).limit(NEWEST)
        for id, model, error_type, message, at in session.execute(newest):
            if at is None or at < since:
                continue
            reason = error_type if status is TaskStatus.FAILED and error_type else status.value
            group = found.get((reason, model))
            if group is None:
                found[reason, model] = group = Failures(
                    reason=reason, model=model, n=0, last_task=id, last_at=at, last_message=message or ""
                )
            elif at > group.last_at:
                group.last_task, group.last_at, group.last_message = id, at, message or ""
            group.n += 1
    return sorted(found.values(), key=lambda group: group.last_at, reverse=True)


def _failing(session: Session) -> list[FailingModel]:
    streaks = select(ModelStreak).where(ModelStreak.failures >= FAILING).order_by(ModelStreak.failures.desc())
    return [
        FailingModel(
            model=streak.model_name,
            failures=streak.failures,
            last_task=streak.last_task_id,
            last_error=streak.last_error,
        )
        for streak in session.scalars(streaks)
    ]
