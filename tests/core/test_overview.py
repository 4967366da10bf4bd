"""The whole at a glance: what waits, what ended when, what failed why, and what waits for what never comes."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from mofsim.core import leases, lifecycle, overview, steering, throughput, workers
from mofsim.db.engine import Database
from mofsim.db.tables import EndedTasks, MemoryNeed, ModelStreak, Structure, Task, Worker, utcnow
from mofsim.schemas.overview import Overview, Stuck, Want
from mofsim.schemas.tasks import Span
from mofsim.vocabulary import Priority, TaskStatus, WorkerState

NewTask = Callable[..., Task]


@pytest.fixture
def session(database: Database, structure: Structure) -> Iterator[Session]:
    with database.write() as session:
        yield session


@pytest.fixture
def worker(session: Session) -> Worker:
    workers.register(
        session, Worker(id="box:0", host="box", slot="0", pid=1, incarnation="a", memory_MB=24_000.0, note="")
    )
    found = session.get_one(Worker, "box:0")
    found.state = WorkerState.IDLE
    return found


def told(session: Session) -> Overview:
    session.flush()
    return overview.collect(session)


def stuck(session: Session) -> dict[Want, Stuck]:
    found = told(session).stuck
    assert len({each.want for each in found}) == len(found)
    return {each.want: each for each in found}


def test_the_queue_is_told_by_priority_with_who_has_waited_longest(
    session: Session, new_task: NewTask, worker: Worker
) -> None:
    for priority in (Priority.LOW, Priority.HIGH, Priority.LOW):
        new_task(session, priority=priority)
    first = new_task(session, priority=Priority.LOW)
    first.queued_at = utcnow() - timedelta(hours=3)
    new_task(session, not_before=utcnow() + timedelta(days=1))
    found = told(session)
    assert [(lane.priority, lane.waiting) for lane in found.queue] == [
        ("CRITICAL", 0),
        ("HIGH", 1),
        ("NORMAL", 0),
        ("LOW", 3),
    ]
    assert found.queue[0].oldest_queued_at is None and found.queue[3].oldest_queued_at == first.queued_at
    assert (found.pending, found.running, found.stuck) == (1, 0, [])


def test_what_ended_is_counted_by_when_and_stays_when_a_task_is_deleted(
    session: Session, new_task: NewTask, complete: Callable[..., Task], worker: Worker
) -> None:
    done = [complete(10), complete(20)]
    lifecycle.fail(session, new_task(session), "Broken", "it broke")
    session.add(EndedTasks(begin=throughput.begin_of(utcnow() - timedelta(hours=2)), status="COMPLETED", n=7))
    session.add(EndedTasks(begin=throughput.begin_of(utcnow() - timedelta(days=2)), status="COMPLETED", n=9))
    lifecycle.forget(session, done[0])
    session.delete(done[0])
    found = told(session)
    earlier, *now = found.ended
    assert earlier.by_status == {"COMPLETED": 7} and earlier.begin.timestamp() % found.stretch_seconds == 0
    # Ten minutes may end in between.
    assert sum(each.by_status.get("COMPLETED", 0) for each in now) == 2
    assert sum(each.by_status.get("FAILED", 0) for each in now) == 1
    session.add(EndedTasks(begin=throughput.begin_of(utcnow() - timedelta(days=9)), status="COMPLETED", n=1))
    throughput.trim(session)
    assert session.query(EndedTasks).filter(EndedTasks.begin < utcnow() - timedelta(days=8)).count() == 0
    assert session.query(EndedTasks).filter(EndedTasks.n == 9).count() == 1


def test_failures_are_told_by_reason_and_model_the_newest_first(
    session: Session, new_task: NewTask, worker: Worker
) -> None:
    tasks = [new_task(session, model_name=model) for model in ("a", "a", "b", "a")]
    for task in tasks[:3]:
        lifecycle.fail(session, task, "Broken", f"task {task.id} broke")
    tasks[0].completed_at = utcnow() - timedelta(hours=1)
    tasks[1].completed_at = utcnow() - timedelta(hours=2)
    lifecycle.fail(session, tasks[3], "Broken", "long ago")
    tasks[3].completed_at = utcnow() - timedelta(hours=30)
    late = new_task(session, model_name="a")
    claimed = leases.claim(session, "box:0", gpu_id=None, loaded_models=[], lease_seconds=9, affinity_seconds=9)
    assert claimed and claimed[1] is late
    lifecycle.end(session, late, TaskStatus.TIMEOUT)
    found = told(session).failures
    assert [(each.reason, each.model, each.n) for each in found] == [
        ("TIMEOUT", "a", 1),
        ("Broken", "b", 1),
        ("Broken", "a", 2),
    ]
    # The one that failed last, and not the one that was submitted last.
    assert (found[2].last_task, found[2].last_message) == (tasks[0].id, f"task {tasks[0].id} broke")


def test_a_model_that_fails_in_a_row_is_named(session: Session, new_task: NewTask, worker: Worker) -> None:
    for _ in range(overview.FAILING - 1):
        lifecycle.fail(session, new_task(session), "Broken", "it broke")
    assert told(session).failing_models == []
    last = new_task(session)
    lifecycle.fail(session, last, "Broken", "it broke")
    [found] = told(session).failing_models
    assert (found.model, found.failures, found.last_task, found.last_error) == ("7net-0", 3, last.id, "Broken")
    session.get_one(ModelStreak, "7net-0").failures = 0
    assert told(session).failing_models == []


def test_tasks_without_a_worker_are_stuck_with_the_way_out(session: Session, new_task: NewTask) -> None:
    first = new_task(session)
    new_task(session)
    found = stuck(session)[Want.WORKER]
    assert (found.n, found.task_id) == (2, first.id)
    assert found.sentence == "2 tasks wait and no worker takes tasks: start one with `mofsim worker`"
    workers.register(session, Worker(id="box:0", host="box", slot="0", pid=1, incarnation="a", note=""))
    assert stuck(session) == {}
    workers.drain(session, "box:0")
    assert stuck(session)[Want.WORKER].sentence.endswith("resume one that is drained")


def test_tasks_that_are_too_large_for_those_that_work_are_stuck(
    session: Session, new_task: NewTask, worker: Worker
) -> None:
    large = [new_task(session, model_name="large") for _ in range(2)]
    new_task(session)
    assert stuck(session) == {}
    session.add(MemoryNeed(device="cpu", model_name="large", n_atoms=50, too_little_MB=24_000.0))
    found = stuck(session)[Want.MEMORY]
    assert (found.n, found.task_id) == (2, large[0].id)
    assert "2 tasks wait for more memory: large needs more than 24.0 GB on the CPU for 106 atoms" in found.sentence
    worker.memory_MB = 80_000.0
    assert stuck(session) == {}


def test_tasks_whose_structure_never_comes_are_stuck(session: Session, new_task: NewTask, worker: Worker) -> None:
    parent = new_task(session)
    children = [new_task(session, parent_id=parent.id, awaits_parent=True) for _ in range(2)]
    assert stuck(session) == {}, "it may come yet"
    lifecycle.fail(session, parent, "Broken", "it broke")
    found = stuck(session)[Want.PARENT]
    assert (found.n, found.task_id) == (2, parent.id)
    assert f"2 tasks wait for the structure of task {parent.id}, which ended as FAILED: retry that" in found.sentence
    for child in children:
        child.parent_id = 999
    gone = stuck(session)[Want.PARENT]
    assert gone.task_id == children[0].id and "task 999, which was deleted: `mofsim detach ID …`" in gone.sentence


def test_held_tasks_wait_for_a_person(session: Session, new_task: NewTask, worker: Worker) -> None:
    held = new_task(session)
    steering.hold(session, held.id)
    found = stuck(session)[Want.RELEASE]
    assert (found.n, found.task_id) == (1, held.id) and f"`mofsim release {held.id}` lets it go on" in found.sentence


def test_the_end_of_the_queue_is_told_where_everything_was_seen_before(
    session: Session, new_task: NewTask, complete: Callable[..., Task]
) -> None:
    complete(10)
    complete(30)
    assert told(session).ends_in is None, "there is nothing"
    for _ in range(4):
        new_task(session)
    assert told(session).ends_in is None, "nobody is there"
    for slot in ("0", "1"):
        workers.register(session, Worker(id=f"box:{slot}", host="box", slot=slot, pid=1, incarnation="a", note=""))
    assert told(session).ends_in == Span(median=40, low=20, high=60)
    claimed = leases.claim(session, "box:0", gpu_id=None, loaded_models=[], lease_seconds=9, affinity_seconds=9)
    assert claimed
    leases.start(session, claimed[0], 10)
    claimed[1].progress = {"remaining_seconds": 500.0}
    found = told(session).ends_in
    assert found == Span(median=500, low=500, high=500), "two workers can not share one task"
    new_task(session, model_name="unknown")
    assert told(session).ends_in is None
