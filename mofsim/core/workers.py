"""What is known of device workers and GPUs."""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mofsim.core import events
from mofsim.core.errors import Conflict, NotFound
from mofsim.db.tables import Device, Worker, utcnow
from mofsim.schemas.resources import Worker as WorkerWire
from mofsim.vocabulary import EventType, WorkerState

Wish = Literal["load", "unload"]

ONLINE = frozenset(WorkerState) - {WorkerState.STOPPED, WorkerState.LOST}


def register(session: Session, worker: Worker) -> None:
    """A device worker starts; it replaces what was known of its slot."""
    before = session.get(Worker, worker.id)
    worker.state = WorkerState.STARTING
    worker.loaded_models = []
    # A GPU that was drained for repair must not go on because its process was started anew.
    worker.drain = before.drain if before else False
    worker.started_at = worker.heartbeat_at = utcnow()
    _changed(session, session.merge(worker))


def update_state(session: Session, worker_id: str, incarnation: str, **values: Any) -> None:
    """Write what changed; does nothing when another incarnation holds the slot by now."""
    worker = session.get(Worker, worker_id)
    if worker is None or worker.incarnation != incarnation:
        return
    for name, value in values.items():
        setattr(worker, name, value)
    _heed_drain(worker)
    worker.heartbeat_at = utcnow()
    _changed(session, worker)


def beat(session: Session, worker_id: str, incarnation: str) -> None:
    session.execute(
        update(Worker).where(Worker.id == worker_id, Worker.incarnation == incarnation).values(heartbeat_at=utcnow())
    )


def silent(session: Session, seconds: float) -> list[Worker]:
    """Workers that ought to be there but said nothing for so long."""
    limit = utcnow() - timedelta(seconds=seconds)
    return list(session.scalars(select(Worker).where(Worker.state.in_(ONLINE), Worker.heartbeat_at < limit)))


def mark_lost(session: Session, silent_seconds: float) -> list[str]:
    """Workers that said nothing for so long are LOST; their ids."""
    lost = silent(session, silent_seconds)
    for worker in lost:
        worker.state = WorkerState.LOST
        worker.task_id, worker.loaded_models = None, []
        _changed(session, worker)
    return [worker.id for worker in lost]


def drain(session: Session, worker_id: str) -> Worker:
    """Let it finish its task and take no other one, until it is resumed; raises NotFound."""
    return _set_drain(session, worker_id, True)


def resume(session: Session, worker_id: str) -> Worker:
    """Let it take tasks again; raises NotFound."""
    return _set_drain(session, worker_id, False)


def _set_drain(session: Session, worker_id: str, drain: bool) -> Worker:
    worker = _worker(session, worker_id)
    if worker.drain != drain:
        worker.drain = drain
        _heed_drain(worker)
        _changed(session, worker)
    return worker


def _worker(session: Session, worker_id: str) -> Worker:
    worker = session.get(Worker, worker_id, with_for_update=True)
    if worker is None:
        raise NotFound(f"there is no worker {worker_id!r}; `mofsim workers` lists those there are", field="id")
    return worker


def is_drained(session: Session, worker_id: str) -> bool:
    """Whether it must take no task. Asked in the transaction of a claim, it leaves no gap."""
    return bool(session.scalar(select(Worker.drain).where(Worker.id == worker_id)))


def wish(session: Session, model: str, wanted: Wish, worker_id: str | None) -> list[Worker]:
    """Have a model loaded or unloaded on one worker, or on all that are online; those that were asked.

    Each does it between two tasks. Raises NotFound and Conflict.
    """
    asked = [_worker(session, worker_id)] if worker_id is not None else online(session)
    if not asked or any(worker.state not in ONLINE for worker in asked):
        raise Conflict(f"no worker is online to {wanted} it; start one with `mofsim worker`", field="worker")
    for worker in asked:
        worker.model_wishes = {**worker.model_wishes, model: wanted}
        _changed(session, worker)
    return asked


def wishes(session: Session, worker_id: str) -> dict[str, Wish]:
    """What it was asked for and has not done yet: model → what, oldest first."""
    return session.scalar(select(Worker.model_wishes).where(Worker.id == worker_id)) or {}


def fulfilled(session: Session, worker_id: str, incarnation: str, model: str, wanted: Wish, **values: Any) -> None:
    """The worker did it or could not; with `values` it tells the rest. A wish that was changed meanwhile stays."""
    worker = session.get_one(Worker, worker_id)
    if worker.model_wishes.get(model) == wanted:
        worker.model_wishes = {name: what for name, what in worker.model_wishes.items() if name != model}
    update_state(session, worker_id, incarnation, **values)


#: what a worker is said to do instead while it is to be drained
_WHILE_DRAINED = {WorkerState.IDLE: WorkerState.DRAINED, WorkerState.BUSY: WorkerState.DRAINING}
_WHEN_RESUMED = {drained: state for state, drained in _WHILE_DRAINED.items()}


def _heed_drain(worker: Worker) -> None:
    state = WorkerState(worker.state)
    worker.state = (_WHILE_DRAINED if worker.drain else _WHEN_RESUMED).get(state, state)


def listing(session: Session) -> list[Worker]:
    return list(session.scalars(select(Worker).order_by(Worker.id)))


def online(session: Session) -> list[Worker]:
    return list(session.scalars(select(Worker).where(Worker.state.in_(ONLINE)).order_by(Worker.id)))


def gpus(session: Session) -> list[Device]:
    return list(session.scalars(select(Device).order_by(Device.host, Device.gpu_index)))


def record_gpu(session: Session, device: Device) -> None:
    device.seen_at = utcnow()
    session.merge(device)


def _changed(session: Session, worker: Worker) -> None:
    session.flush()
    wire = WorkerWire.model_validate(worker).model_dump(mode="json")
    events.append(session, EventType.WORKER_STATE, {"worker": wire})
