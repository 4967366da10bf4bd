from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import leases, queries, rescue, steering
from mofsim.core.errors import Conflict, NotFound
from mofsim.core.leases import Fenced, Lease, Outcome
from mofsim.core.lifecycle import IllegalTransition
from mofsim.db.engine import Database
from mofsim.db.tables import Attempt, Event, Structure, Task, TaskResult, utcnow
from mofsim.vocabulary import AttemptOutcome, EventType, Priority, StopReason, TaskStatus


def claim(session: Session, worker: str = "box:gpu0", loaded: list[str] | None = None) -> tuple[Lease, Task] | None:
    return leases.claim(
        session, worker, gpu_id=None, loaded_models=loaded or [], lease_seconds=30, affinity_seconds=120
    )


def claimed(session: Session, **how: object) -> tuple[Lease, Task]:
    found = claim(session, **how)  # type: ignore[arg-type]
    assert found is not None
    return found


def running(session: Session) -> tuple[Lease, Task]:
    lease, task = claimed(session)
    leases.start(session, lease, 100)
    return lease, task


DONE = Outcome(TaskStatus.COMPLETED, {"energy_eV": -1.0}, {"optimized.cif": 10}, {"duration_seconds": 1.0}, {"seed": 1})


@pytest.fixture
def session(database: Database, structure: Structure):
    with database.write() as session:
        yield session


def test_a_task_runs_from_queued_to_completed_with_one_event_for_each_step(session, new_task) -> None:
    task = new_task(session)
    lease, _ = claimed(session)
    leases.start(session, lease, 100)
    leases.finish(session, lease, DONE)
    changes = session.scalars(select(Event).where(Event.type == EventType.TASK_STATUS).order_by(Event.id))
    seen = [(event.data["previous"], event.data["task"]["status"]) for event in changes]
    assert seen == [("QUEUED", "ASSIGNED"), ("ASSIGNED", "RUNNING"), ("RUNNING", "COMPLETED")]
    result = session.get_one(TaskResult, task.id)
    assert (result.attempt, result.output_files) == (1, {"optimized.cif": 10})
    assert queries.counts_by_status(session)[TaskStatus.COMPLETED] == 1
    assert sum(queries.counts_by_status(session).values()) == 1


def test_numbers_that_are_none_are_stored_as_null(session, new_task) -> None:
    """A structure that fell apart has an energy that is no number, and its task ends like others."""
    task = new_task(session)
    lease, _ = running(session)
    fell_apart = {"energy_eV": float("nan"), "drifts": [1.5, float("inf"), {"at": -float("inf")}]}
    leases.heartbeat(session, lease, lease_seconds=30, progress=fell_apart)
    session.flush()
    session.refresh(task)
    stored = {"energy_eV": None, "drifts": [1.5, None, {"at": None}]}
    assert task.progress == stored
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED, fell_apart))
    session.flush()
    result = session.get_one(TaskResult, task.id)
    session.refresh(result)
    assert result.result_data == stored


def test_an_illegal_transition_raises(session, new_task) -> None:
    new_task(session)
    lease, _ = claimed(session)
    with pytest.raises(IllegalTransition, match="ASSIGNED → COMPLETED"):
        leases.finish(session, lease, DONE)


def test_priority_comes_before_age(session, new_task) -> None:
    new_task(session, priority=Priority.LOW)
    urgent = new_task(session, priority=Priority.CRITICAL)
    assert claimed(session)[1].id == urgent.id


def test_a_loaded_model_goes_first_within_a_priority(session, new_task) -> None:
    new_task(session, model_name="other")
    warm = new_task(session, model_name="warm")
    assert claimed(session, loaded=["warm"])[1].id == warm.id


def test_a_loaded_model_never_passes_a_task_that_waited_two_minutes_longer(session, new_task) -> None:
    old = new_task(session, model_name="other")
    old.queued_at = utcnow() - timedelta(seconds=121)
    new_task(session, model_name="warm")
    assert claimed(session, loaded=["warm"])[1].id == old.id


def test_a_loaded_model_never_passes_a_higher_priority(session, new_task) -> None:
    high = new_task(session, model_name="other", priority=Priority.HIGH)
    new_task(session, model_name="warm")
    assert claimed(session, loaded=["warm"])[1].id == high.id


def test_two_workers_never_get_the_same_task(session, new_task) -> None:
    new_task(session)
    assert claim(session, "box:gpu0") is not None
    assert claim(session, "box:gpu1") is None


def test_a_heartbeat_renews_the_lease_and_tells_of_a_cancel(session, new_task) -> None:
    new_task(session)
    lease, task = running(session)
    before = task.lease_until
    assert leases.heartbeat(session, lease, lease_seconds=60, progress={"step": 3}) is None
    session.refresh(task)
    assert task.lease_until > before and task.progress == {"step": 3}
    steering.request_cancel(session, task.id)
    assert leases.heartbeat(session, lease, lease_seconds=60) is StopReason.CANCELLED


def test_a_worker_whose_lease_ran_out_is_fenced(session, new_task) -> None:
    new_task(session)
    old, task = running(session)
    task.lease_until = utcnow() - timedelta(seconds=1)
    assert rescue.is_needed(session)
    assert rescue.requeue_expired(session, backoff_seconds=0) == [task]
    new, _ = claimed(session, worker="box:gpu1")
    leases.start(session, new, 100)
    for write in (
        lambda: leases.heartbeat(session, old, lease_seconds=30),
        lambda: leases.finish(session, old, DONE),
        lambda: leases.start(session, old, 1),
    ):
        with pytest.raises(Fenced):
            write()
    leases.finish(session, new, DONE)
    assert session.get_one(TaskResult, task.id).attempt == 2


def test_a_lost_task_waits_for_its_back_off(session, new_task) -> None:
    new_task(session)
    lease, task = running(session)
    leases.give_back(session, lease, AttemptOutcome.LOST, "killed by SIGKILL", backoff_seconds=60)
    assert task.status == TaskStatus.QUEUED and task.retry_at > utcnow()
    assert claim(session) is None and rescue.count_ready(session) == 0
    task.retry_at = utcnow() - timedelta(seconds=1)
    assert claimed(session)[0].attempt == 2


def test_a_task_fails_when_its_last_attempt_was_lost(session, new_task) -> None:
    task = new_task(session, max_attempts=2)
    for _ in range(2):
        lease, _ = running(session)
        leases.give_back(session, lease, AttemptOutcome.LOST, "killed by SIGKILL", backoff_seconds=0)
    assert task.status == TaskStatus.FAILED
    assert task.error_type == "AttemptsExhausted" and "killed by SIGKILL" in task.error_message
    outcomes = session.scalars(select(Attempt.outcome).where(Attempt.task_id == task.id)).all()
    assert outcomes == [AttemptOutcome.LOST, AttemptOutcome.LOST]


def test_a_stopped_worker_costs_a_task_none_of_its_attempts(session, new_task) -> None:
    task = new_task(session, max_attempts=1)
    lease, _ = running(session)
    leases.give_back(session, lease, AttemptOutcome.RELEASED, "the worker was stopped", backoff_seconds=0)
    lease, _ = running(session)
    leases.give_back(session, lease, AttemptOutcome.LOST, "killed", backoff_seconds=0)
    assert task.status == TaskStatus.FAILED and task.attempt == 2


def test_a_new_incarnation_takes_back_what_the_dead_one_held(session, new_task) -> None:
    new_task(session)
    _, task = running(session)
    assert rescue.requeue_from(session, "box:gpu0") == [task]
    assert task.status == TaskStatus.QUEUED and claim(session) is not None


def test_a_waiting_task_is_cancelled_at_once(session, new_task) -> None:
    task = new_task(session)
    steering.request_cancel(session, task.id)
    assert task.status == TaskStatus.CANCELLED and claim(session) is None


def test_a_running_task_that_is_cancelled_and_then_lost_ends_as_cancelled(session, new_task) -> None:
    new_task(session)
    lease, task = running(session)
    steering.request_cancel(session, task.id)
    leases.give_back(session, lease, AttemptOutcome.LOST, "killed", backoff_seconds=0)
    assert task.status == TaskStatus.CANCELLED


def test_cancel_twice_is_no_error_but_cancel_after_the_end_is(session, new_task) -> None:
    task = new_task(session)
    steering.request_cancel(session, task.id)
    steering.request_cancel(session, task.id)
    done = new_task(session)
    lease, _ = running(session)
    leases.finish(session, lease, DONE)
    with pytest.raises(Conflict, match="COMPLETED already"):
        steering.request_cancel(session, done.id)


def test_retry_starts_a_failed_task_again_and_drops_its_old_result(session, new_task) -> None:
    task = new_task(session, max_attempts=1)
    lease, _ = running(session)
    leases.finish(session, lease, Outcome(TaskStatus.FAILED, error_type="X", error_message="y"))
    steering.retry(session, task.id)
    assert task.status == TaskStatus.QUEUED and task.error_type is None
    assert session.get(TaskResult, task.id) is None
    assert claimed(session)[0].attempt == 2


def test_only_a_task_without_a_result_can_be_retried(session, new_task) -> None:
    task = new_task(session)
    with pytest.raises(Conflict, match="is QUEUED"):
        steering.retry(session, task.id)


def test_a_task_with_a_time_waits_for_it(session, new_task) -> None:
    task = new_task(session, not_before=utcnow() + timedelta(hours=1))
    assert task.status == TaskStatus.PENDING and claim(session) is None
    assert rescue.release_due(session) == []
    assert rescue.release_due(session, now=utcnow() + timedelta(hours=2)) == [task]
    assert task.status == TaskStatus.QUEUED


def test_a_task_can_be_deleted_only_when_it_has_ended(session, new_task) -> None:
    task = new_task(session)
    with pytest.raises(Conflict, match="cancel it before"):
        steering.remove(session, task.id)
    steering.request_cancel(session, task.id)
    steering.remove(session, task.id)
    with pytest.raises(NotFound):
        steering.get(session, task.id)
    assert sum(queries.counts_by_status(session).values()) == 0


def test_priority_changes_only_while_a_task_waits(session, new_task) -> None:
    task = new_task(session)
    assert steering.change_priority(session, task.id, Priority.CRITICAL).priority == Priority.CRITICAL
    running(session)
    with pytest.raises(Conflict):
        steering.change_priority(session, task.id, Priority.LOW)
