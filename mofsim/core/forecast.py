"""When a task will start and end, by what tasks like it and like those before it took here. Nothing is invented."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from mofsim.core import estimates, placement, workers
from mofsim.db.tables import Structure, Task, Worker, utcnow
from mofsim.schemas.tasks import Span
from mofsim.vocabulary import ACTIVE, TaskStatus, WorkerState


@dataclass(frozen=True)
class Forecast:
    """None where something that it hangs on was never seen here."""

    starts_in: Span | None = None
    ends_in: Span | None = None


def before(task: Task, places: Sequence[Worker]) -> tuple[ColumnElement[bool], ...]:
    """True of queued tasks that are taken before it by those workers; of all before it when no worker is there."""
    earlier = or_(
        Task.priority < task.priority,
        (Task.priority == task.priority) & (Task.queued_at < task.queued_at),
        (Task.priority == task.priority) & (Task.queued_at == task.queued_at) & (Task.id < task.id),
    )
    # Many devices are of few kinds.
    kinds = {(placement.device_of(worker.gpu_id), worker.memory_MB) for worker in places}
    fits = [and_(true(), *placement.fits(device, memory_MB)) for device, memory_MB in sorted(kinds, key=str)]
    return (Task.status == TaskStatus.QUEUED, earlier, *([or_(*fits)] if fits else []))


def forecast(session: Session, task: Task, places: Sequence[Worker]) -> Forecast:
    """Of a task that runs, or that waits for one of these workers."""
    if task.status == TaskStatus.RUNNING:
        return Forecast(ends_in=_left(session, task))
    if task.status != TaskStatus.QUEUED or not places:
        return Forecast()
    device = _device(places)
    spans = [*_waiting(session, before(task, places), device), *_running(session, places)]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return Forecast()
    starts = _sum(known, share=1 / len(places))
    own = estimates.estimated_time(session, task, device)
    return Forecast(starts, _sum([starts, own]) if own else None)


def of_all(session: Session) -> Span | None:
    """When all that runs and is queued now would have ended, shared by the workers that take tasks.

    None where there is nothing, nobody to do it, or something that was never seen here.
    """
    takes = [worker for worker in workers.online(session) if not worker.drain and worker.state != WorkerState.PAUSED]
    running = _running(session, workers.online(session))
    waiting = _waiting(session, (Task.status == TaskStatus.QUEUED,), _device(takes)) if takes else []
    if not takes and not running:
        return None
    known = [span for span in (*waiting, *running) if span is not None]
    if not known or len(known) < len(waiting) + len(running):
        return None
    shared = _sum(known, share=1 / max(1, len(takes)))
    # One that runs is not shared with anybody.
    longest = [shared, *(span for span in running if span is not None)]
    return Span(
        median=max(span.median for span in longest),
        low=max(span.low for span in longest),
        high=max(span.high for span in longest),
    )


def _device(places: Sequence[Worker]) -> str:
    return placement.device_of(places[0].gpu_id)


def _waiting(session: Session, which: Sequence[ColumnElement[bool]], device: str) -> list[Span | None]:
    """What these take, those of one kind counted at their mean size."""
    kind = (Task.model_name, Task.task_type, Task.preset)
    query = (
        select(*kind, func.count(), func.avg(Structure.n_atoms))
        .join(Structure, Structure.id == Task.structure_id)
        .where(*which)
        .group_by(*kind)
    )
    found: list[Span | None] = []
    for model_name, task_type, preset, n, n_atoms in session.execute(query):
        runs = estimates.newest_runs(session, model_name, task_type, preset, device)
        each = estimates.running_time(runs, round(n_atoms), {})
        found.append(_sum([each], share=n) if each else None)
    return found


def _running(session: Session, places: Sequence[Worker]) -> list[Span | None]:
    ids = [worker.id for worker in places]
    tasks = session.scalars(select(Task).where(Task.status.in_(ACTIVE), Task.worker_id.in_(ids)))
    return [_left(session, each) for each in tasks]


def _left(session: Session, task: Task) -> Span | None:
    """What the simulation tells of itself, else what tasks like it took, less what it ran already."""
    told = task.progress.get("remaining_seconds")
    if told is not None:
        return Span(median=told, low=told, high=told)
    found = estimates.estimated_time(session, task, placement.device_of(task.gpu_id))
    ran = (utcnow() - task.started_at).total_seconds() if task.started_at else 0.0
    if found is None or found.high <= ran:
        # It takes longer than all before it did, so these tell nothing.
        return None
    return Span(median=max(0.0, found.median - ran), low=max(0.0, found.low - ran), high=found.high - ran)


def _sum(spans: Sequence[Span], share: float = 1.0) -> Span:
    """All of them, one after the other, times `share`."""
    return Span(
        median=round(share * sum(span.median for span in spans), 2),
        low=round(share * sum(span.low for span in spans), 2),
        high=round(share * sum(span.high for span in spans), 2),
    )
