"""Whatever is killed or stopped, a task goes on from its checkpoint, and its files are those of one run."""

import csv
import signal

import pytest
from ase.io import read

from mofsim.core import steering
from mofsim.db.tables import TaskLog
from mofsim.vocabulary import AttemptOutcome, TaskStatus, TaskType

from .box import Box, children_of, kill

#: a relaxation that takes 30 steps of 0.05 s
SHORT = {"fmax_eV_per_A": 1e-9, "max_steps": 30}
DYNAMICS = {"relax_steps": 3, "nvt_steps": 5, "npt_steps": 25, "frame_interval": 1}


def steps_of(box: Box, task_id: int) -> list[int]:
    folder = box.storage.attempt(task_id, box.result(task_id).attempt)
    with (folder / "series.csv").open() as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def frames_of(box: Box, task_id: int) -> list[int]:
    folder = box.storage.attempt(task_id, box.result(task_id).attempt)
    return [frame.info["step"] for frame in read(folder / "trajectory.extxyz", ":")]


@pytest.mark.parametrize(("task_type", "parameters"), [(TaskType.OPTIMIZATION, SHORT), (TaskType.STABILITY, DYNAMICS)])
def test_a_task_whose_executor_is_killed_goes_on_from_its_checkpoint(
    working_box: Box, task_type: TaskType, parameters: dict[str, float]
) -> None:
    box = working_box
    task_id = box.submit("slow", task_type, parameters=parameters)
    box.wait_for_step(task_id, 17)
    [executor] = children_of(box.device_pid())
    kill(executor)
    task = box.wait_for_end(task_id)
    first, second = box.attempts(task_id)
    assert task.status == TaskStatus.COMPLETED and first.outcome == AttemptOutcome.LOST
    assert second.resumed_from_step >= 14
    last = task.progress["step"]
    assert steps_of(box, task_id) == frames_of(box, task_id) == list(range(last + 1))
    assert not box.storage.checkpoint(task_id).exists()
    with box.database.read() as session:
        messages = [line.message for line in session.query(TaskLog).filter_by(task_id=task_id, attempt=2)]
    assert any("from a checkpoint of attempt 1" in message for message in messages)


def test_a_task_whose_device_worker_is_killed_goes_on_from_its_checkpoint(working_box: Box) -> None:
    box = working_box
    task_id = box.submit("slow", parameters=SHORT)
    box.wait_for_step(task_id, 12)
    kill(box.device_pid())
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    assert box.attempts(task_id)[1].resumed_from_step >= 9
    assert steps_of(box, task_id) == list(range(31))


def test_a_stopped_worker_loses_not_a_single_step(box: Box) -> None:
    supervisor = box.start()
    task_id = box.submit("slow", parameters=SHORT)
    box.wait_for_step(task_id, 6)
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(timeout=20) == 0
    with (box.storage.attempt(task_id, 1) / "series.csv").open() as file:
        last = max(int(row["step"]) for row in csv.DictReader(file))
    box.start()
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    first, second = box.attempts(task_id)
    assert (first.outcome, second.resumed_from_step) == (AttemptOutcome.RELEASED, last)
    assert steps_of(box, task_id) == list(range(31))


@pytest.mark.parametrize("clean", [False, True])
def test_a_retry_continues_or_starts_clean_as_asked(working_box: Box, clean: bool) -> None:
    box = working_box
    task_id = box.submit("slow", parameters=SHORT)
    box.wait_for_step(task_id, 8)
    with box.database.write() as session:
        steering.request_cancel(session, task_id)
    assert box.wait_for_end(task_id).status == TaskStatus.CANCELLED
    reached = box.attempts(task_id)[0].steps
    with box.database.write() as session:
        steering.retry(session, task_id, clean=clean)
    box.tickets.issue()
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    resumed_from = box.attempts(task_id)[1].resumed_from_step
    assert resumed_from is None if clean else resumed_from >= reached
    assert steps_of(box, task_id) == list(range(31))


def test_a_task_that_was_held_goes_on_where_it_was(working_box: Box) -> None:
    box = working_box
    task_id = box.submit("slow", parameters=SHORT)
    box.wait_for_step(task_id, 8)
    with box.database.write() as session:
        steering.hold(session, task_id)
    box.wait_for(task_id, TaskStatus.PENDING)
    with box.database.write() as session:
        steering.release(session, task_id)
    box.tickets.issue()
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    assert box.attempts(task_id)[1].resumed_from_step >= 8
    assert steps_of(box, task_id) == list(range(31))
