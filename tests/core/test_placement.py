"""What was learnt of memory decides who takes a task."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import explain, leases, placement, rescue, steering, workers
from mofsim.core.leases import Lease, Outcome
from mofsim.db.engine import Database
from mofsim.db.tables import Attempt, MemoryNeed, Structure, Task, Worker
from mofsim.vocabulary import AttemptOutcome, TaskStatus

SMALL, LARGE = 24_000.0, 80_000.0


@pytest.fixture
def session(database: Database, structure: Structure):
    with database.write() as session:
        yield session


def add_worker(session: Session, slot: str, memory_MB: float | None, gpu: bool = True) -> Worker:
    worker = Worker(
        id=f"box:{slot}",
        host="box",
        slot=slot,
        pid=1,
        incarnation=slot,
        gpu_id=f"GPU-{slot}" if gpu else None,
        memory_MB=memory_MB,
        note="",
    )
    workers.register(session, worker)
    return session.get_one(Worker, worker.id)


def claim(session: Session, worker: Worker, memory_MB: float | None = None) -> tuple[Lease, Task] | None:
    return leases.claim(
        session,
        worker.id,
        gpu_id=worker.gpu_id,
        loaded_models=[],
        lease_seconds=30,
        affinity_seconds=120,
        memory_MB=memory_MB or worker.memory_MB,
    )


def run_out(session: Session, worker: Worker, *, is_all: bool = True, had_MB: float | None = None) -> Task:
    claimed = claim(session, worker)
    assert claimed is not None
    lease, task = claimed
    leases.start(session, lease, 10)
    failed = Outcome(TaskStatus.FAILED, error_type="OutOfMemory", error_message="CUDA out of memory")
    had_MB = had_MB or worker.memory_MB
    leases.ran_out_of_memory(session, lease, failed, had_MB=had_MB, is_all=is_all, backoff_seconds=5)
    return task


def test_a_task_that_ran_out_of_memory_waits_for_a_larger_gpu_and_costs_no_try(session, new_task: Callable) -> None:
    small, large = add_worker(session, "gpu0", SMALL), add_worker(session, "gpu1", LARGE)
    new_task(session)
    task = run_out(session, small)
    assert (task.status, task.faults, task.retry_at) == (TaskStatus.QUEUED, 0, None)
    assert session.scalar(select(Attempt.outcome)) == AttemptOutcome.OUT_OF_MEMORY
    assert claim(session, small) is None
    assert claim(session, large) is not None


def test_what_one_task_needed_is_known_of_larger_ones_of_the_same_model_only(session, new_task: Callable) -> None:
    small, _ = add_worker(session, "gpu0", SMALL), add_worker(session, "gpu1", LARGE)
    new_task(session)
    run_out(session, small)
    other_model = new_task(session, model_name="7net-l3i5")
    found = claim(session, small)
    assert found and found[1].id == other_model.id
    [need] = session.scalars(select(MemoryNeed))
    assert (need.device, need.model_name, need.n_atoms, need.too_little_MB) == ("cuda", "7net-0", 106, SMALL)
    need.n_atoms = 107
    session.flush()
    assert claim(session, small) is not None, "what a larger one needs says nothing about this one"


def test_whether_tasks_are_in_need_is_only_read(database: Database, structure: Structure, new_task: Callable) -> None:
    """Chores ask in each round: an error there would end the rescue of all tasks."""
    with database.write() as session:
        small, _ = add_worker(session, "gpu0", SMALL), add_worker(session, "gpu1", LARGE)
        new_task(session)
        run_out(session, small)
    with database.read() as session:
        assert placement.anything_known(session) and not rescue.is_needed(session)
    with database.write() as session:
        session.delete(session.get_one(Worker, "box:gpu1"))
    with database.read() as session:
        assert rescue.is_needed(session)


def test_with_no_larger_device_it_fails_and_says_what_it_needs(session, new_task: Callable) -> None:
    only = add_worker(session, "gpu0", SMALL)
    new_task(session)
    task = run_out(session, only)
    assert (task.status, task.error_type) == (TaskStatus.FAILED, "OutOfMemory")
    assert "7net-0 needs more than 24.0 GB on a GPU for 106 atoms" in task.error_message
    assert "no device here has more" in task.error_message


def test_a_worker_that_is_away_is_waited_for(session, new_task: Callable) -> None:
    small, large = add_worker(session, "gpu0", SMALL), add_worker(session, "gpu1", LARGE)
    large.state = "LOST"
    new_task(session)
    task = run_out(session, small)
    assert task.status == TaskStatus.QUEUED and placement.hopeless(session) == []
    assert "needs more than 24.0 GB" in explain.explain(session, task.id).sentence


def test_a_later_task_of_that_size_does_not_wait_for_ever(session, new_task: Callable) -> None:
    only = add_worker(session, "gpu0", SMALL)
    new_task(session)
    run_out(session, only)
    later = new_task(session)
    assert claim(session, only) is None
    assert rescue.is_needed(session)
    assert [task.id for task in rescue.fail_hopeless(session)] == [later.id]
    assert (later.status, later.error_type) == (TaskStatus.FAILED, "OutOfMemory")
    assert not rescue.is_needed(session)


def test_memory_that_others_used_is_no_verdict_on_the_device(session, new_task: Callable) -> None:
    """Half of the GPU was somebody else's: it is tried here again when they are gone, and not before."""
    shared = add_worker(session, "gpu0", LARGE)
    new_task(session)
    task = run_out(session, shared, had_MB=40_000.0)
    assert task.status == TaskStatus.QUEUED
    assert claim(session, shared, memory_MB=41_000.0) is None
    assert "others use memory" in explain.explain(session, task.id).sentence
    assert claim(session, shared, memory_MB=LARGE) is not None


def test_on_a_shared_memory_it_is_tried_again_as_often_as_after_any_fault(session, new_task: Callable) -> None:
    cpu = add_worker(session, "cpu0", 64_000.0, gpu=False)
    task = new_task(session)
    for _ in range(3):
        task.retry_at = None
        run_out(session, cpu, is_all=False, had_MB=2_000.0)
    assert (task.status, task.faults) == (TaskStatus.FAILED, 3)
    assert "memory" in task.error_message


def test_a_cancel_that_was_asked_for_wins_over_the_next_try(session, new_task: Callable) -> None:
    small, _ = add_worker(session, "gpu0", SMALL), add_worker(session, "gpu1", LARGE)
    task = new_task(session)
    claimed = claim(session, small)
    assert claimed is not None
    leases.start(session, claimed[0], 10)
    steering.request_cancel(session, task.id)
    failed = Outcome(TaskStatus.FAILED, error_type="OutOfMemory", error_message="CUDA out of memory")
    leases.ran_out_of_memory(session, claimed[0], failed, had_MB=SMALL, is_all=True, backoff_seconds=5)
    assert task.status == TaskStatus.CANCELLED


def test_the_peak_of_a_finished_task_is_kept_as_an_estimate_and_keeps_nobody_waiting(
    session, new_task: Callable
) -> None:
    worker = add_worker(session, "gpu0", SMALL)
    for peak in (3_000.0, 2_000.0):
        new_task(session)
        claimed = claim(session, worker)
        assert claimed is not None
        leases.start(session, claimed[0], 10)
        leases.finish(session, claimed[0], Outcome(TaskStatus.COMPLETED, metrics={"peak_memory_MB": peak}))
    [need] = session.scalars(select(MemoryNeed))
    assert (need.peak_MB, need.too_little_MB) == (3_000.0, None)
    new_task(session)
    assert claim(session, worker, memory_MB=100.0) is not None


def test_draining_follows_what_the_worker_does_and_outlives_a_restart(session) -> None:
    worker = add_worker(session, "gpu0", SMALL)
    workers.update_state(session, worker.id, "gpu0", state="BUSY")
    assert workers.drain(session, worker.id).state == "DRAINING"
    workers.update_state(session, worker.id, "gpu0", state="IDLE")
    assert worker.state == "DRAINED" and workers.is_drained(session, worker.id)
    again = add_worker(session, "gpu0", SMALL)
    assert again.drain, "a restart must not end it"
    workers.update_state(session, again.id, "gpu0", state="IDLE")
    assert workers.resume(session, again.id).state == "IDLE"
