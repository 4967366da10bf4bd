from datetime import timedelta
from pathlib import Path

import pytest

from mofsim.core import dependencies, explain, leases, rescue, steering
from mofsim.core.errors import Conflict
from mofsim.core.leases import Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Structure, Task, TaskResult, utcnow
from mofsim.vocabulary import AttemptOutcome, StopReason, TaskStatus

CANCELLED = Outcome(TaskStatus.CANCELLED, {"steps": 3}, {"trajectory.extxyz": 5})


@pytest.fixture
def session(database: Database, structure: Structure):
    with database.write() as session:
        yield session


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage(tmp_path / "data")
    storage.create()
    return storage


def running(session):
    found = leases.claim(session, "w", gpu_id=None, loaded_models=[], lease_seconds=30, affinity_seconds=120)
    assert found is not None
    leases.start(session, found[0], 100)
    return found


def test_a_held_task_is_not_taken_until_it_is_released(session, new_task) -> None:
    task = new_task(session)
    steering.hold(session, task.id)
    assert task.status == TaskStatus.PENDING and rescue.release_due(session) == []
    assert "held" in explain.explain(session, task.id).sentence
    steering.release(session, task.id)
    assert task.status == TaskStatus.QUEUED and running(session)[1] is task


def test_a_running_task_that_is_held_gives_its_device_back_and_waits(session, new_task) -> None:
    task = new_task(session)
    lease, _ = running(session)
    steering.hold(session, task.id)
    assert leases.heartbeat(session, lease, lease_seconds=30) is StopReason.HELD
    leases.give_back(session, lease, AttemptOutcome.RELEASED, "it was held", backoff_seconds=0)
    assert task.status == TaskStatus.PENDING and task.faults == 0
    steering.release(session, task.id)
    assert task.status == TaskStatus.QUEUED


def test_a_hold_that_is_released_before_it_took_effect_costs_nothing(session, new_task) -> None:
    task = new_task(session)
    lease, _ = running(session)
    steering.hold(session, task.id)
    steering.release(session, task.id)
    assert leases.heartbeat(session, lease, lease_seconds=30) is None and task.status == TaskStatus.RUNNING


def test_undo_puts_a_cancelled_task_back_where_it_waited(session, new_task) -> None:
    queued, held, later = new_task(session), new_task(session), new_task(session)
    steering.hold(session, held.id)
    before = queued.queued_at
    for task, status in ((queued, TaskStatus.QUEUED), (held, TaskStatus.PENDING)):
        steering.request_cancel(session, task.id)
        steering.undo_cancel(session, task.id, within_seconds=10)
        assert task.status == status and task.completed_at is None
    assert queued.queued_at == before < later.queued_at
    assert running(session)[1] is queued, "it has its place again"


def test_undo_before_the_executor_heard_of_the_cancel_lets_the_task_run_on(session, new_task) -> None:
    task = new_task(session)
    lease, _ = running(session)
    steering.request_cancel(session, task.id)
    steering.undo_cancel(session, task.id, within_seconds=10)
    assert leases.heartbeat(session, lease, lease_seconds=30) is None


def test_undo_after_the_executor_heard_of_the_cancel_queues_the_task_again(session, new_task) -> None:
    task = new_task(session)
    lease, _ = running(session)
    steering.request_cancel(session, task.id)
    steering.undo_cancel(session, task.id, within_seconds=10)
    leases.finish(session, lease, CANCELLED)
    assert task.status == TaskStatus.QUEUED and session.get(TaskResult, task.id) is None


def test_undo_comes_too_late_after_its_time(session, new_task) -> None:
    task = new_task(session)
    steering.request_cancel(session, task.id)
    task.cancelled_at = utcnow() - timedelta(seconds=11)
    with pytest.raises(Conflict, match="mofsim retry"):
        steering.undo_cancel(session, task.id, within_seconds=10)
    with pytest.raises(Conflict, match="no cancel to undo"):
        steering.undo_cancel(session, new_task(session).id, within_seconds=10)


def test_retry_says_whether_the_next_attempt_begins_anew(session, new_task) -> None:
    task = new_task(session)
    for clean in (False, True):
        lease, _ = running(session)
        steering.request_cancel(session, task.id)
        leases.finish(session, lease, CANCELLED)
        steering.retry(session, task.id, clean=clean)
        assert task.clean_start is clean and task.faults == 0
    running(session)
    assert task.clean_start is False


def completed_parent(session, storage: Storage, new_task) -> Task:
    task = new_task(session)
    lease, _ = running(session)
    folder = storage.attempt(task.id, 1)
    folder.mkdir(parents=True)
    for name in ("optimized.cif", "optimized.extxyz"):
        (folder / name).write_text(name)
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED, {"final_volume_A3": 4400.0}, {"optimized.cif": 13}))
    return task


def test_a_task_waits_for_its_parent_and_takes_its_optimized_structure(session, storage, new_task) -> None:
    parent = new_task(session)
    child = new_task(session, parent_id=parent.id, awaits_parent=True)
    assert child.status == TaskStatus.PENDING and not dependencies.is_needed(session)
    assert f"structure of task {parent.id}, which is QUEUED" in explain.explain(session, child.id).sentence
    lease, _ = running(session)
    folder = storage.attempt(parent.id, 1)
    folder.mkdir(parents=True)
    for name in ("optimized.cif", "optimized.extxyz"):
        (folder / name).write_text(name)
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED, {"final_volume_A3": 4400.0}, {"optimized.cif": 13}))
    assert dependencies.hand_over(session, storage) == [child]
    assert child.status == TaskStatus.QUEUED and child.structure.origin_task_id == parent.id
    assert (storage.structures / child.structure.normalised_path).read_text() == "optimized.extxyz"
    assert child.structure.volume_A3 == 4400.0 and list(storage.incoming.iterdir()) == []


def test_all_children_of_a_task_share_one_structure(session, storage, new_task) -> None:
    parent = completed_parent(session, storage, new_task)
    children = [new_task(session, parent_id=parent.id, awaits_parent=True) for _ in range(2)]
    dependencies.hand_over(session, storage)
    assert children[0].structure is children[1].structure
    assert session.query(Structure).filter_by(origin_task_id=parent.id).count() == 1


def test_a_child_of_a_failed_parent_says_the_way_out_and_detach_is_one(session, storage, new_task) -> None:
    parent = new_task(session)
    child = new_task(session, parent_id=parent.id, awaits_parent=True)
    lease, _ = running(session)
    leases.finish(session, lease, Outcome(TaskStatus.FAILED, error_type="X", error_message="y"))
    sentence = explain.explain(session, child.id).sentence
    assert "ended as FAILED: retry that one" in sentence and f"mofsim detach {child.id}" in sentence
    assert dependencies.hand_over(session, storage) == []
    steering.detach(session, child.id)
    assert child.status == TaskStatus.QUEUED and child.structure is parent.structure


def test_a_held_child_gets_its_structure_and_goes_on_waiting(session, storage, new_task) -> None:
    parent = completed_parent(session, storage, new_task)
    child = new_task(session, parent_id=parent.id, awaits_parent=True)
    steering.hold(session, child.id)
    dependencies.hand_over(session, storage)
    assert child.status == TaskStatus.PENDING and not child.awaits_parent


def test_a_task_that_another_one_waits_for_can_not_be_deleted(session, new_task) -> None:
    parent = new_task(session)
    child = new_task(session, parent_id=parent.id, awaits_parent=True)
    steering.request_cancel(session, parent.id)
    with pytest.raises(Conflict, match=f"task {child.id} waits"):
        steering.remove(session, parent.id)
