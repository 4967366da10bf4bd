"""Batches: how far they are, and what people do to all of their tasks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim.core import steering
from mofsim.core.errors import NotFound
from mofsim.core.queries import decode_cursor, encode_cursor
from mofsim.db.tables import Batch, Task, utcnow
from mofsim.schemas.batches import Batch as BatchWire
from mofsim.vocabulary import ACTIVE, FINAL, TaskStatus

#: what a cursor of this list is made for
_SORT = "batches"


@dataclass(frozen=True)
class BatchPage:
    items: list[BatchWire] = field(default_factory=list)
    next_cursor: str | None = None
    total: int | None = None


def page(session: Session, limit: int, cursor: str | None = None) -> BatchPage:
    """Newest first, by keyset. Raises Invalid for a cursor that this list did not hand out."""
    query = select(Batch).order_by(Batch.id.desc()).limit(limit + 1)
    if cursor:
        query = query.where(Batch.id < decode_cursor(cursor, _SORT)[1])
    rows = list(session.scalars(query))
    last = rows[limit - 1] if len(rows) > limit else None
    next_cursor = encode_cursor(_SORT, last.id, last.id) if last else None
    total = session.scalar(select(func.count()).select_from(Batch))
    return BatchPage(_summaries(session, rows[:limit]), next_cursor, total)


def describe(session: Session, batch_id: int) -> BatchWire:
    """Raises NotFound."""
    return _summaries(session, [find(session, batch_id)])[0]


def find(session: Session, batch_id: int) -> Batch:
    batch = session.get(Batch, batch_id)
    if batch is None:
        raise NotFound(f"there is no batch {batch_id}; `mofsim batch list` shows those there are", field="id")
    return batch


def cancel(session: Session, batch_id: int) -> list[Task]:
    """All that have not ended: waiting ones end at once, running ones are asked to. Raises NotFound."""
    tasks = _tasks(session, batch_id, set(TaskStatus) - FINAL)
    steering.cancel_all(session, tasks)
    return tasks


def retry(session: Session, batch_id: int, *, cancelled: bool = False, clean: bool = False) -> list[Task]:
    """All that FAILED or ran into their TIMEOUT, with `cancelled` those too. Raises NotFound."""
    wanted = {TaskStatus.FAILED, TaskStatus.TIMEOUT} | ({TaskStatus.CANCELLED} if cancelled else set())
    tasks = _tasks(session, batch_id, wanted)
    steering.retry_all(session, tasks, clean=clean)
    return tasks


def _tasks(session: Session, batch_id: int, statuses: Iterable[TaskStatus]) -> list[Task]:
    find(session, batch_id)
    query = select(Task).where(Task.batch_id == batch_id, Task.status.in_(statuses)).order_by(Task.id)
    return list(session.scalars(query.with_for_update(of=Task)))


@dataclass
class _Sums:
    """What is added up over the tasks of a batch."""

    counts: dict[TaskStatus, int] = field(default_factory=lambda: dict.fromkeys(TaskStatus, 0))
    #: the parts that are done of tasks that run
    running: float = 0.0
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def n_tasks(self) -> int:
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        return sum(self.counts[status] for status in FINAL)

    @property
    def percent(self) -> float | None:
        return round(100 * (self.ended + self.running) / self.n_tasks, 2) if self.n_tasks else None

    @property
    def eta_seconds(self) -> float | None:
        """As if the rest took as long as what is done; tasks that never ran say nothing about the pace."""
        percent = self.percent
        if not percent or self.started_at is None or not self.ended or self.ended == self.n_tasks:
            return None
        return round((utcnow() - self.started_at).total_seconds() * (100 - percent) / percent, 1)


def _summaries(session: Session, batches: list[Batch]) -> list[BatchWire]:
    sums = {batch.id: _Sums() for batch in batches}
    first, last = func.min(Task.started_at), func.max(Task.completed_at)
    grouped = select(Task.batch_id, Task.status, func.count(), first, last).group_by(Task.batch_id, Task.status)
    for batch_id, status, n, started_at, completed_at in session.execute(grouped.where(Task.batch_id.in_(sums))):
        found = sums[batch_id or 0]
        found.counts[TaskStatus(status)] = n
        found.started_at = min(filter(None, (found.started_at, started_at)), default=None)
        found.completed_at = max(filter(None, (found.completed_at, completed_at)), default=None)
    running = select(Task.batch_id, Task.progress).where(Task.batch_id.in_(sums), Task.status.in_(ACTIVE))
    for batch_id, progress in session.execute(running):
        sums[batch_id or 0].running += (progress.get("percent") or 0.0) / 100
    return [_to_wire(batch, sums[batch.id]) for batch in batches]


def _to_wire(batch: Batch, sums: _Sums) -> BatchWire:
    return BatchWire(
        id=batch.id,
        name=batch.name,
        n_tasks=batch.n_tasks,
        counts=sums.counts,
        percent=sums.percent,
        created_at=batch.created_at,
        started_at=sums.started_at,
        completed_at=sums.completed_at if sums.ended == sums.n_tasks else None,
        eta_seconds=sums.eta_seconds,
    )
