"""Which task fits on which device, as was learnt from tasks that ran. Only what is known keeps a task waiting."""

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from mofsim.db.tables import MemoryNeed, Structure, Task, Worker, utcnow
from mofsim.vocabulary import TaskStatus

#: Memory that was too little still is with so much more of it, as a factor.
MARGIN = 1.05

#: kinds of devices, and what people call them
DEVICES = {"cuda": "a GPU", "cpu": "the CPU"}
_N_ATOMS = select(Structure.n_atoms).where(Structure.id == Task.structure_id).correlate(Task).scalar_subquery()
#: true of what is known about smaller or equal tasks of the same model
_ABOUT_THE_TASK = (MemoryNeed.model_name == Task.model_name, MemoryNeed.n_atoms <= _N_ATOMS)


def device_of(gpu_id: str | None) -> str:
    """The kind of device, "cuda" or "cpu", in the table of memory needs."""
    return "cuda" if gpu_id else "cpu"


def learn_peak(session: Session, task: Task, peak_MB: float) -> None:
    """The task came to its end with so much memory."""
    need = _need(session, task)
    need.peak_MB = max(need.peak_MB or 0.0, peak_MB)


def learn_too_little(session: Session, task: Task, memory_MB: float) -> None:
    """The task needs more than this on a device like the one that it runs on."""
    need = _need(session, task)
    need.too_little_MB = max(need.too_little_MB or 0.0, memory_MB)


def fits(device: str, memory_MB: float | None) -> tuple[ColumnElement[bool], ...]:
    """True of tasks that may run on a device with so much memory; None: not known."""
    if memory_MB is None:
        return ()
    is_too_little = MemoryNeed.too_little_MB * MARGIN >= memory_MB
    return (~exists().where(MemoryNeed.device == device, is_too_little, *_ABOUT_THE_TASK),)


def too_little_for(session: Session, task: Task, device: str) -> float | None:
    """The largest memory of such a device, in MB, that is known to be too little; None: nothing is known."""
    return session.scalar(
        select(func.max(MemoryNeed.too_little_MB)).where(
            MemoryNeed.device == device,
            MemoryNeed.model_name == task.model_name,
            MemoryNeed.n_atoms <= task.structure.n_atoms,
        )
    )


def places(session: Session, task: Task) -> list[Worker]:
    """The workers, of all that were ever seen, whose whole memory may be enough.

    Those that are gone count: a worker that starts anew must not find its tasks failed.
    """
    return [worker for worker in session.scalars(select(Worker)) if is_enough(session, task, worker)]


def is_enough(session: Session, task: Task, worker: Worker) -> bool:
    """Whether the whole memory of the worker's device may be enough."""
    need = too_little_for(session, task, device_of(worker.gpu_id))
    return need is None or worker.memory_MB is None or need * MARGIN < worker.memory_MB


def hopeless(session: Session, limit: int = 100) -> list[Task]:
    """Queued tasks that fit on no device that was ever seen here."""
    if session.scalar(select(Worker.id).limit(1)) is None:
        return []
    found = session.scalars(doubtful(limit))
    return [task for task in found if not places(session, task)]


def doubtful(limit: int) -> Select[Task]:
    """Queued tasks of which it is known that some memory was too little."""
    is_doubtful = exists().where(MemoryNeed.too_little_MB.is_not(None), *_ABOUT_THE_TASK)
    return select(Task).where(Task.status == TaskStatus.QUEUED, is_doubtful).order_by(Task.id).limit(limit)


def anything_known(session: Session) -> bool:
    """Whether any task ever ran out of memory; a cheap look before `hopeless`."""
    return session.scalar(select(MemoryNeed.n_atoms).where(MemoryNeed.too_little_MB.is_not(None)).limit(1)) is not None


def what_it_needs(session: Session, task: Task) -> str | None:
    """In words for a person; None when nothing is known."""
    needs = {device: too_little_for(session, task, device) for device in DEVICES}
    known = [f"{MB / 1000:.1f} GB on {DEVICES[device]}" for device, MB in needs.items() if MB is not None]
    if not known:
        return None
    return f"{task.model_name} needs more than {' and '.join(known)} for {task.structure.n_atoms} atoms"


def needs_of(session: Session, model_name: str) -> list[MemoryNeed]:
    """What was learnt of a model, smallest structures first."""
    wanted = select(MemoryNeed).where(MemoryNeed.model_name == model_name)
    return list(session.scalars(wanted.order_by(MemoryNeed.device, MemoryNeed.n_atoms)))


def _need(session: Session, task: Task) -> MemoryNeed:
    key = {"device": device_of(task.gpu_id), "model_name": task.model_name, "n_atoms": task.structure.n_atoms}
    need = session.get(MemoryNeed, key)
    if need is None:
        need = MemoryNeed(**key)
        session.add(need)
    need.updated_at = utcnow()
    return need
