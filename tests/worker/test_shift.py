"""Workers that are there for a while only, as in a batch job."""

import sys
from datetime import timedelta

import pytest

from mofsim.db.tables import utcnow
from mofsim.vocabulary import AttemptOutcome, TaskStatus, WorkerState
from mofsim.worker.shift import Shift
from tests.worker.box import Box

WORKER = [sys.executable, "-m", "mofsim", "worker"]


def test_a_shift_begins_no_task_shortly_before_its_end() -> None:
    shift = Shift(utcnow() + timedelta(seconds=60))
    assert shift.begins_tasks(leave_seconds=20) and not shift.begins_tasks(leave_seconds=40)
    assert shift.why_over(idle_seconds=1e6, leave_seconds=40) == ""
    assert shift.why_over(idle_seconds=0, leave_seconds=70) == "its time is over"
    for_good = Shift()
    assert for_good.begins_tasks(1e9) and not for_good.why_over(1e9, 1e9)


def test_a_worker_with_nothing_to_do_leaves(box: Box) -> None:
    task = box.submit("lj")
    job = box.start([*WORKER, "--idle-exit", "3s"])
    assert box.wait_for_end(task).status == TaskStatus.COMPLETED
    assert job.wait(30) == 0
    [worker] = box.workers()
    assert worker.state == WorkerState.STOPPED and worker.ends_at is None


def test_a_worker_that_leaves_soon_begins_no_task_and_says_why(box: Box) -> None:
    box.environment["MOFSIM_WORKER__STOP_GRACE_SECONDS"] = "8"
    task = box.submit("lj")
    # Twice twelve seconds before the end it begins no more: from the start on.
    job = box.start([*WORKER, "--for", "24s"])
    worker = box.wait_for_worker("cpu0", WorkerState.PAUSED)
    assert "begins no more tasks" in worker.note
    assert job.wait(40) == 0
    assert box.task(task).status == TaskStatus.QUEUED and box.attempts(task) == []


@pytest.mark.slow
def test_at_the_end_of_its_time_a_worker_leaves_and_its_task_goes_on_elsewhere(box: Box) -> None:
    box.environment["MOFSIM_WORKER__STOP_GRACE_SECONDS"] = "2"
    started = utcnow()
    task = box.submit("slow", parameters={"max_steps": 5000, "fmax_eV_per_A": 1e-9})
    job = box.start([*WORKER, "--for", "30s"])
    box.wait_for(task, TaskStatus.RUNNING)
    [worker] = box.workers()
    assert timedelta(seconds=30) <= worker.ends_at - started < timedelta(seconds=45)
    assert job.wait(60) == 0
    assert utcnow() < worker.ends_at
    assert box.task(task).status == TaskStatus.QUEUED
    box.start(WORKER)
    box.wait_for(task, TaskStatus.RUNNING)
    first, second = box.attempts(task)
    assert first.outcome == AttemptOutcome.RELEASED and second.resumed_from_step
