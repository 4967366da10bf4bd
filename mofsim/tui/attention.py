"""What needs a person now, the most urgent first, and where it is dealt with. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from mofsim.tui import alert_words, format
from mofsim.tui.alert_book import Listing
from mofsim.vocabulary import AlertLevel, RuleKind, WorkerState

if TYPE_CHECKING:
    from mofsim.schemas.overview import Overview, Stuck
    from mofsim.schemas.resources import Worker
    from mofsim.tui.store import Store

#: A worker that is gone for longer is one that nobody expects back.
REMEMBERED = timedelta(days=1)


class Leads(Enum):
    """Where a line leads."""

    ALERT = auto()
    WORKER = auto()
    TASK = auto()
    #: the list of tasks with a filter
    TASKS = auto()


@dataclass(frozen=True)
class Matter:
    """`to` is the id of an alert, worker or task, or the text of a filter."""

    id: int
    level: AlertLevel
    kind: str
    text: str
    leads: Leads
    to: str


def matters(store: Store, overview: Overview | None, now: datetime) -> Listing[Matter]:
    """What an alert tells of, or somebody looks after, is not told twice."""
    found = [*_alerts(store), *_workers(store, now)]
    if overview is not None:
        found += [*_models(store, overview), *(_stuck(store, each) for each in overview.stuck)]
    return Listing(tuple(sorted(found, key=lambda matter: -matter.level.rank)))


def _matter(store: Store, key: str, level: AlertLevel, kind: str, text: str, leads: Leads, to: object) -> Matter:
    return Matter(store.devices.number(f"{kind} {key}"), level, kind, text, leads, str(to))


def _alerts(store: Store) -> Iterator[Matter]:
    for alert in store.alerts.active.rows:
        if alert.acknowledged_at is None:
            what, text = alert_words.kind(alert), alert.message
            # What a worker says of itself does not name it.
            text = f"{alert.subject}: {text}" if alert.subject in store.workers and alert.subject not in text else text
            yield _matter(store, str(alert.id), alert.level, what, text, Leads.ALERT, alert.id)


def _workers(store: Store, now: datetime) -> Iterator[Matter]:
    told = {alert.subject for alert in store.alerts.active.rows}
    for worker in sorted(store.workers.values(), key=lambda worker: worker.id):
        if worker.id in told or worker.gpu_id in told:
            continue
        found = _of_worker(worker, now)
        if found:
            level, kind, text = found
            yield _matter(store, worker.id, level, kind, f"{worker.id}: {text}", Leads.WORKER, worker.id)


def _of_worker(worker: Worker, now: datetime) -> tuple[AlertLevel, str, str] | None:
    match worker.state:
        case WorkerState.LOST if now - worker.heartbeat_at < REMEMBERED:
            ago = format.age((now - worker.heartbeat_at).total_seconds())
            return AlertLevel.ERROR, "worker lost", f"nothing was heard of it for {ago}"
        case WorkerState.PAUSED:
            return AlertLevel.ERROR, "worker paused", worker.note or "it takes no task"
        case WorkerState.DRAINING:
            return AlertLevel.INFO, "worker drains", f"it takes no task after {worker.task_id or 'the one it has'}"
        case WorkerState.DRAINED:
            return AlertLevel.INFO, "worker drained", "it takes no task until somebody resumes it"
        case _:
            # What it was asked for and could not do.
            note = worker.note if worker.state in (WorkerState.IDLE, WorkerState.BUSY) else ""
            return (AlertLevel.WARNING, "worker", note) if note else None


def _models(store: Store, overview: Overview) -> Iterator[Matter]:
    told = {alert.subject for alert in store.alerts.active.rows if alert.alert_type == RuleKind.MODEL_FAILING}
    for failing in overview.failing_models:
        if failing.model not in told:
            last = f"task {failing.last_task}" + (f" ({failing.last_error})" if failing.last_error else "")
            text = f"{failing.failures} tasks of {failing.model} failed in a row, the last was {last}"
            to = f"status:failed model:{failing.model}"
            yield _matter(store, failing.model, AlertLevel.ERROR, "model fails", text, Leads.TASKS, to)


def _stuck(store: Store, stuck: Stuck) -> Matter:
    """Told by their words, and not by their type: this module is loaded before the schemas are."""
    level, kind, leads, to = {
        "worker": (AlertLevel.ERROR, "no worker", Leads.WORKER, ""),
        "memory": (AlertLevel.WARNING, "too large", Leads.TASK, str(stuck.task_id)),
        "parent": (AlertLevel.WARNING, "no structure", Leads.TASK, str(stuck.task_id)),
        "release": (AlertLevel.INFO, "held", Leads.TASK, str(stuck.task_id)),
    }[stuck.want]
    if leads is Leads.TASK and stuck.want == "release" and stuck.n > 1:
        leads, to = Leads.TASKS, "status:pending"
    return _matter(store, f"{stuck.want} {stuck.task_id}", level, kind, stuck.sentence, leads, to)
