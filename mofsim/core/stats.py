"""What was done here so far, in numbers that are kept and need not be counted."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim.core import counters, queries, workers
from mofsim.db.tables import Model, Structure
from mofsim.schemas.resources import Stats, TaskTimes
from mofsim.vocabulary import AttemptOutcome, Counted, Duration, TaskStatus, WorkerState


def collect(session: Session, storage_free_MB: float, storage_total_MB: float) -> Stats:
    """A million finished tasks make it no slower: none of them is read."""
    counts = counters.counts(session)
    ended = {str(status): 0 for status in TaskStatus if status.is_final}
    outcomes = {str(outcome): 0 for outcome in AttemptOutcome}
    by_state = {str(state): 0 for state in WorkerState}
    for worker in workers.listing(session):
        by_state[worker.state] += 1
    return Stats(
        tasks={str(status): n for status, n in queries.counts_by_status(session).items()},
        tasks_ended=ended | counts[Counted.TASKS_ENDED],
        attempts=outcomes | counts[Counted.ATTEMPTS],
        rescues=sum(counts[Counted.RESCUES].values()),
        times=_times(session),
        structures_builtin=_n_structures(session, builtin=True),
        structures_uploaded=_n_structures(session, builtin=False),
        models=session.scalar(select(func.count()).select_from(Model).where(Model.is_available)) or 0,
        workers=by_state,
        storage_free_MB=storage_free_MB,
        storage_total_MB=storage_total_MB,
    )


def _times(session: Session) -> list[TaskTimes]:
    found: dict[tuple[str, str], TaskTimes] = {}
    for each in counters.histograms(session):
        key = each.task_type, each.model
        times = found.setdefault(key, TaskTimes(task_type=each.task_type, model=each.model))
        n = each.buckets[-1][1]
        mean = each.seconds / n if n else None
        if each.name is Duration.WAIT:
            times.waits, times.mean_wait_seconds = n, mean
        else:
            times.runs, times.mean_run_seconds = n, mean
    return [found[key] for key in sorted(found)]


def _n_structures(session: Session, *, builtin: bool) -> int:
    query = select(func.count()).select_from(Structure).where(Structure.is_builtin == builtin)
    return session.scalar(query) or 0
