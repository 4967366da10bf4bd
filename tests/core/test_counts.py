"""Counts of tasks by kind and by status: kept by the database, and right after whatever happens to tasks."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from mofsim.core import batches, leases, queries, rescue, steering
from mofsim.core.errors import Conflict
from mofsim.core.leases import Outcome
from mofsim.core.retention import Policy, Retention
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Batch, Task, TaskKindCount, TaskResult, utcnow
from mofsim.vocabulary import ACTIVE, AttemptOutcome, Priority, TaskStatus

KIND = ("status", "task_type", "model_name", "priority")


def counted(session: Session) -> dict[tuple[Any, ...], int]:
    """By a look at each task."""
    return Counter(tuple(row) for row in session.execute(select(*(getattr(Task, name) for name in KIND))))


def kept(session: Session) -> dict[tuple[Any, ...], int]:
    rows = session.execute(select(*(getattr(TaskKindCount, name) for name in KIND), TaskKindCount.n))
    return {tuple(row[:-1]): row.n for row in rows}


class Story:
    """What may happen to tasks, in any order."""

    def __init__(self, session: Session, new_task: Callable[..., Task], seed: int) -> None:
        self.session = session
        self.new_task = new_task
        self.dice = random.Random(seed)

    def happens(self) -> str:
        steered = [self.cancel, self.retry, self.hold, self.release, self.prioritise, self.remove, self.of_batch]
        what = self.dice.choice(
            [self.submit, self.submit, self.batch, self.claim, self.claim, self.end, self.lose, self.rescue, *steered]
        )
        try:
            what()
        except Conflict:
            return f"{what.__name__} was refused"
        return what.__name__

    def any_task(self) -> int:
        ids = self.session.scalars(select(Task.id).order_by(Task.id)).all()
        return self.dice.choice(ids) if ids else 0

    def submit(self, **more: Any) -> None:
        later = utcnow() + timedelta(hours=1) if self.dice.random() < 0.2 else None
        model, priority = self.dice.choice(["7net-0", "mine"]), self.dice.choice([*Priority])
        self.new_task(self.session, model_name=model, priority=priority, not_before=later, **more)

    def batch(self) -> None:
        batch = Batch(name="", n_tasks=4)
        self.session.add(batch)
        self.session.flush()
        for _ in range(4):
            self.submit(batch_id=batch.id)

    def claim(self) -> None:
        loaded = ["mine"] if self.dice.random() < 0.5 else []
        found = leases.claim(
            self.session, "box:0", gpu_id=None, loaded_models=loaded, lease_seconds=30, affinity_seconds=99
        )
        if found:
            leases.start(self.session, found[0], 10)

    def held(self) -> leases.Lease | None:
        task = self.session.scalar(select(Task).where(Task.status.in_(ACTIVE)).order_by(Task.id).limit(1))
        return leases.Lease(task.id, task.attempt, "box:0") if task else None

    def end(self) -> None:
        if lease := self.held():
            status = self.dice.choice([TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMEOUT])
            leases.finish(self.session, lease, Outcome(status, error_type="X" if status is TaskStatus.FAILED else None))

    def lose(self) -> None:
        if lease := self.held():
            leases.give_back(self.session, lease, AttemptOutcome.LOST, "it died", backoff_seconds=1)

    def cancel(self) -> None:
        if task := self.any_task():
            steering.request_cancel(self.session, task)

    def retry(self) -> None:
        if task := self.any_task():
            steering.retry(self.session, task)

    def hold(self) -> None:
        if task := self.any_task():
            steering.hold(self.session, task)

    def release(self) -> None:
        if task := self.any_task():
            steering.release(self.session, task)

    def prioritise(self) -> None:
        if task := self.any_task():
            steering.change_priority(self.session, task, self.dice.choice([*Priority]))

    def remove(self) -> None:
        if task := self.any_task():
            steering.remove(self.session, task)

    def rescue(self) -> None:
        rescue.requeue_expired(self.session, backoff_seconds=1, now=utcnow() + timedelta(seconds=40))
        rescue.release_due(self.session, utcnow() + timedelta(hours=self.dice.choice([0, 2])))

    def of_batch(self) -> None:
        if batch := self.session.scalar(select(Batch.id).order_by(Batch.id.desc()).limit(1)):
            if self.dice.random() < 0.5:
                batches.cancel(self.session, batch)
            else:
                batches.retry(self.session, batch, cancelled=True)


def test_counts_are_those_of_the_tasks_whatever_happens_to_them(
    database: Database, new_task: Callable[..., Task]
) -> None:
    with database.write() as session:
        story, told = Story(session, new_task, seed=5), Counter[str]()
        for _ in range(300):
            what = story.happens()
            told[what] += 1
            session.flush()
            by_kind = counted(session)
            assert kept(session) == by_kind, f"after {what}"
            by_status = queries.counts_by_status(session)
            assert {status: n for status, n in by_status.items() if n} == Counter(
                TaskStatus(status) for status in session.scalars(select(Task.status))
            ), f"after {what}"
            queued = sum(n for kind, n in by_kind.items() if kind[0] == TaskStatus.QUEUED)
            assert sum(queries.queued_by_priority(session).values()) == queued
    assert len([what for what in told if "refused" not in what]) == 13, told


def test_statements_that_change_many_tasks_at_once_are_counted(
    database: Database, new_task: Callable[..., Task]
) -> None:
    with database.write() as session:
        for n in range(20):
            new_task(session, priority=Priority(n % 4))
        session.execute(update(Task).where(Task.id < 8).values(status=TaskStatus.FAILED, model_name="other"))
        assert kept(session) == counted(session)
        session.execute(update(Task).values(status=TaskStatus.FAILED))
        assert kept(session) == counted(session)
        session.execute(delete(Task).where(Task.priority == Priority.LOW))
        assert kept(session) == counted(session)
        session.execute(delete(Task))
        assert kept(session) == {}


def test_what_is_rolled_back_is_not_counted(database: Database, new_task: Callable[..., Task]) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        new_task(session)
        raise ZeroDivisionError
    with database.read() as session:
        assert kept(session) == counted(session) == {}


def test_retention_that_removes_files_leaves_the_counts(
    database: Database, new_task: Callable[..., Task], tmp_path: Path
) -> None:
    storage = Storage(tmp_path)
    storage.create()
    with database.write() as session:
        for _ in range(3):
            new_task(session)
            story = Story(session, new_task, 1)
            story.claim()
            story.end()
        old = utcnow() - timedelta(days=400)
        session.execute(update(TaskResult).values(created_at=old))
        session.execute(update(Task).values(completed_at=old))
    age = timedelta(days=30)
    Retention(database, storage, Policy(age, age, age)).tidy(lambda: True)
    with database.read() as session:
        assert all(session.scalars(select(TaskResult.files_removed_at)))
        assert kept(session) == counted(session) and sum(kept(session).values()) == 3
