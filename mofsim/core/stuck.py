"""Tasks that wait for what does not come by itself: each kind of them with what a person can do about it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from mofsim.core import placement, workers
from mofsim.db.tables import Task, Worker
from mofsim.schemas.overview import Stuck, Want
from mofsim.vocabulary import FINAL, TaskStatus

#: Tasks that are looked at, and lines that are told, of each kind.
LIMIT = 100

Parent = aliased(Task)


def find(session: Session) -> list[Stuck]:
    taking = [worker for worker in workers.online(session) if not worker.drain]
    return [*_no_worker(session, taking), *_too_large(session, taking), *_orphans(session), *_held(session)]


def _no_worker(session: Session, taking: Sequence[Worker]) -> Iterator[Stuck]:
    if taking:
        return
    waiting = select(func.count(), func.min(Task.id)).where(Task.status == TaskStatus.QUEUED)
    n, first = session.execute(waiting).one()
    if n:
        what = "task waits" if n == 1 else "tasks wait"
        way_out = "resume one that is drained" if workers.online(session) else "start one with `mofsim worker`"
        yield Stuck(want=Want.WORKER, n=n, task_id=first, sentence=f"{n} {what} and no worker takes tasks: {way_out}")


def _too_large(session: Session, taking: Sequence[Worker]) -> Iterator[Stuck]:
    """By model and number of atoms; what fits on no device that was ever here fails by itself."""
    if not taking or not placement.anything_known(session):
        return
    tasks = session.scalars(placement.doubtful(LIMIT))
    large = [task for task in tasks if not any(placement.is_enough(session, task, worker) for worker in taking)]
    for key, n in Counter((task.model_name, task.structure.n_atoms) for task in large).items():
        first = next(task for task in large if (task.model_name, task.structure.n_atoms) == key)
        needs = placement.what_it_needs(session, first)
        who = f"task {first.id} waits" if n == 1 else f"{n} tasks wait"
        sentence = f"{who} for more memory: {needs}, and no worker that takes tasks has more"
        yield Stuck(want=Want.MEMORY, n=n, task_id=first.id, sentence=sentence)


def _orphans(session: Session) -> Iterator[Stuck]:
    """By the task whose structure they wait for; one that completed hands it over by itself."""
    query = (
        select(Task.parent_id, Parent.status, func.count(), func.min(Task.id))
        .outerjoin(Parent, Parent.id == Task.parent_id)
        .where(Task.status == TaskStatus.PENDING, Task.awaits_parent)
        .where(Parent.id.is_(None) | Parent.status.in_(FINAL - {TaskStatus.COMPLETED}))
        .group_by(Task.parent_id, Parent.status)
        .order_by(func.min(Task.id))
        .limit(LIMIT)
    )
    for parent_id, status, n, first in session.execute(query):
        who = f"task {first} waits" if n == 1 else f"{n} tasks wait"
        them = "it" if n == 1 else "them"
        fate = "was deleted" if status is None else f"ended as {status}"
        way_out = f"`{_command('detach', n, first)}` lets {them} run without"
        ways = way_out if status is None else f"retry that one, or {way_out}"
        sentence = f"{who} for the structure of task {parent_id}, which {fate}: {ways}"
        yield Stuck(want=Want.PARENT, n=n, task_id=first if status is None else parent_id, sentence=sentence)


def _held(session: Session) -> Iterator[Stuck]:
    held = select(func.count(), func.min(Task.id)).where(Task.status == TaskStatus.PENDING, Task.held)
    n, first = session.execute(held).one()
    if n:
        who, them = (f"task {first} is held", "it") if n == 1 else (f"{n} tasks are held", "them")
        command = _command("release", n, first)
        yield Stuck(want=Want.RELEASE, n=n, task_id=first, sentence=f"{who}: `{command}` lets {them} go on")


def _command(verb: str, n: int, first: int) -> str:
    return f"mofsim {verb} {first if n == 1 else 'ID …'}"
