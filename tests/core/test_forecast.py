"""When a task starts and ends, from what tasks like it and those before it took."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from mofsim.core import explain, leases, workers
from mofsim.db.engine import Database
from mofsim.db.tables import MemoryNeed, Structure, Task, Worker, utcnow
from mofsim.schemas.tasks import Explanation, Span
from mofsim.vocabulary import Priority, WorkerState


@pytest.fixture
def session(database: Database, structure: Structure) -> Iterator[Session]:
    with database.write() as session:
        yield session


@pytest.fixture
def add_worker(session: Session) -> Callable[..., Worker]:
    def add(slot: str, **values: object) -> Worker:
        given = {"host": "box", "pid": 1, "incarnation": slot, "note": ""} | values
        workers.register(session, Worker(id=f"box:{slot}", slot=slot, **given))
        worker = session.get_one(Worker, f"box:{slot}")
        worker.state = WorkerState.IDLE
        return worker

    return add


@pytest.fixture
def learnt(complete: Callable[..., Task]) -> None:
    """Three tasks took 10, 20 and 60 s."""
    for seconds in (10, 20, 60):
        complete(seconds)


def take(session: Session, worker: Worker) -> Task:
    claimed = leases.claim(
        session, worker.id, gpu_id=worker.gpu_id, loaded_models=[], lease_seconds=30, affinity_seconds=120
    )
    assert claimed
    leases.start(session, claimed[0], 10)
    return claimed[1]


def told(session: Session, task: Task) -> Explanation:
    session.flush()
    return explain.explain(session, task.id)


def test_those_before_it_are_shared_by_the_workers_that_could_take_it(
    session: Session, new_task: Callable[..., Task], add_worker: Callable[..., Worker], learnt: None
) -> None:
    for _ in range(4):
        new_task(session)
    last = new_task(session)
    add_worker("0")
    found = told(session, last)
    assert (found.ahead, found.starts_in) == (4, Span(median=80, low=40, high=240))
    assert found.ends_in == Span(median=100, low=50, high=300)
    assert "4 tasks are ahead of it for 1 worker" in found.sentence
    assert found.sentence.endswith(
        "It should start in about 80 s (40 s–4 min) and end in about 1.7 min (50 s–5 min)."
    ), found.sentence
    add_worker("1")
    assert told(session, last).starts_in == Span(median=40, low=20, high=120)
    assert told(session, new_task(session, priority=Priority.HIGH)).starts_in == Span(median=0, low=0, high=0)


def test_what_runs_is_counted_by_what_is_left_of_it(
    session: Session, new_task: Callable[..., Task], add_worker: Callable[..., Worker], learnt: None
) -> None:
    worker = add_worker("0")
    new_task(session)
    running = take(session, worker)
    waiting = new_task(session)
    running.started_at = utcnow() - timedelta(seconds=15)
    found = told(session, waiting).starts_in
    assert found and found.median == pytest.approx(5, abs=0.5) and found.high == pytest.approx(45, abs=0.5)
    assert found.low == 0, "the fastest would have ended by now"
    running.progress = {"remaining_seconds": 33.0}
    assert told(session, waiting).starts_in == Span(median=33, low=33, high=33)
    assert told(session, running).ends_in == Span(median=33, low=33, high=33)
    running.progress = {}
    running.started_at = utcnow() - timedelta(seconds=100)
    assert told(session, waiting).starts_in is None, "none before it took so long"


def test_nothing_is_said_where_something_was_never_seen(
    session: Session, new_task: Callable[..., Task], add_worker: Callable[..., Worker], learnt: None
) -> None:
    other = new_task(session, model_name="7net-l3i5")
    last = new_task(session)
    assert told(session, last).starts_in is None, "no worker"
    add_worker("0")
    assert told(session, last).starts_in is None and "should" not in told(session, last).sentence
    assert told(session, other).ends_in is None
    assert told(session, other).starts_in == Span(median=0, low=0, high=0)


def test_tasks_that_only_other_devices_could_take_are_not_before_it(
    session: Session, new_task: Callable[..., Task], add_worker: Callable[..., Worker], complete: Callable[..., Task]
) -> None:
    complete(10, gpu=True)
    complete(30, gpu=True, model_name="large")
    session.add(MemoryNeed(device="cuda", model_name="large", n_atoms=50, too_little_MB=24_000.0))
    new_task(session, model_name="large")
    new_task(session)
    last = new_task(session)
    small = add_worker("0", gpu_id="GPU-0", memory_MB=24_000.0)
    found = told(session, last)
    assert (found.ahead, found.starts_in) == (1, Span(median=10, low=10, high=10))
    small.memory_MB = 80_000.0
    assert told(session, last).ahead == 2
