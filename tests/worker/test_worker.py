"""A real supervisor, a real Huey consumer and a real executor on real files."""

import csv
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ase.io import read

from mofsim.core import models, steering
from mofsim.db.tables import TaskLog
from mofsim.schemas.tasks import Progress
from mofsim.vocabulary import AttemptOutcome, TaskStatus, TaskType, WorkerState

from .box import Box, alive, children_of, kill, wait_until


@pytest.fixture
def patient_box(tmp_path: Path, builtins: tuple[list, Path]) -> Iterator[Box]:
    """Its worker takes half a minute to stop, unless it is told twice."""
    box = Box(tmp_path, {"MOFSIM_WORKER__STOP_GRACE_SECONDS": "60"})
    box.fill(*builtins)
    yield box
    box.close()


def family(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    children = children_of(pid)
    return children + [grandchild for child in children for grandchild in children_of(child)]


def test_a_task_that_waits_when_the_worker_starts_is_run_though_its_ticket_was_lost(box: Box) -> None:
    task_id = box.submit("lj", TaskType.SINGLE_POINT, ticket=False)
    box.start()
    task = box.wait_for_end(task_id)
    result = box.result(task_id)
    assert task.status == TaskStatus.COMPLETED, task.error_message
    assert result.result_data["n_atoms"] == 54 and result.provenance["preset"] == "mofsimbench"
    folder = box.storage.attempt(task_id, 1)
    assert result.output_files and all((folder / name).stat().st_size for name in result.output_files)


def test_a_running_task_is_cancelled_between_two_steps_and_keeps_what_it_has(working_box: Box) -> None:
    box = working_box
    task_id = box.submit("slow")
    box.wait_for_step(task_id, 3)
    executor = children_of(box.device_pid())
    with box.database.write() as session:
        steering.request_cancel(session, task_id)
    task = box.wait_for_end(task_id)
    assert task.status == TaskStatus.CANCELLED
    files = box.result(task_id).output_files
    frames = read(box.storage.attempt(task_id, 1) / "trajectory.extxyz", ":")
    assert "trajectory.extxyz" in files and "optimized.cif" not in files and len(frames) > 3
    assert alive(executor) == executor, "the model should have stayed warm"


def test_a_task_that_never_answers_is_killed_after_the_grace_time_and_the_next_one_runs(working_box: Box) -> None:
    box = working_box
    task_id = box.submit("stuck")
    box.wait_for(task_id, TaskStatus.RUNNING)
    with box.database.write() as session:
        steering.request_cancel(session, task_id)
    assert box.wait_for_end(task_id).status == TaskStatus.CANCELLED
    provenance = box.result(task_id).provenance
    assert (provenance["model"], provenance["task_type"]) == ("stuck", "optimization") and provenance["parameters"]
    assert box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED


def test_a_file_that_was_half_written_when_the_executor_was_killed_is_not_published(working_box: Box) -> None:
    box = working_box
    task_id = box.submit("stuck")
    box.wait_for(task_id, TaskStatus.RUNNING)
    folder = box.storage.attempt(task_id, 1)
    (folder / ".optimized.cif.7.tmp").write_text("half")
    (folder / "series.csv").write_text("whole")
    with box.database.write() as session:
        steering.request_cancel(session, task_id)
    box.wait_for_end(task_id)
    published = box.result(task_id).output_files
    assert published["series.csv"] == 5 and not [name for name in published if name.endswith(".tmp")]


def test_a_task_ends_at_its_time_limit(working_box: Box) -> None:
    box = working_box
    task = box.wait_for_end(box.submit("slow", timeout_seconds=0.5))
    assert (task.status, task.error_type) == (TaskStatus.TIMEOUT, "TimeLimit")
    assert "0.5 s" in task.error_message and "trajectory.extxyz" in box.result(task.id).output_files


def test_a_killed_executor_costs_an_attempt_and_the_task_runs_again(working_box: Box) -> None:
    box = working_box
    task_id = box.submit("slow")
    box.wait_for_step(task_id, 2)
    [executor] = children_of(box.device_pid())
    kill(executor)
    box.wait_for_step(task_id, 2)
    first, second = wait_until(lambda: a if len(a := box.attempts(task_id)) == 2 else None, lambda: "no second attempt")
    assert first.outcome == AttemptOutcome.LOST and "SIGKILL" in first.reason
    assert second.outcome is None


def test_a_killed_device_worker_is_started_again_and_takes_its_task_back_at_once(box: Box) -> None:
    """Long before the lease ends, with which the task would have come back anyhow."""
    box.environment["MOFSIM_SCHEDULER__LEASE_SECONDS"] = "600"
    box.start()
    task_id = box.submit("slow")
    box.wait_for_step(task_id, 2)
    device = box.device_pid()
    executor = children_of(device)
    kill(device)
    wait_until(lambda: box.task(task_id).attempt == 2, lambda: f"still {box.task(task_id).status}")
    assert alive(executor) == []
    first = box.attempts(task_id)[0]
    assert (first.outcome, first.reason) == (AttemptOutcome.LOST, "the worker was started anew")


def test_a_killed_supervisor_leaves_no_process_behind(box: Box) -> None:
    supervisor = box.start()
    task_id = box.submit("slow")
    box.wait_for_step(task_id, 1)
    everyone = family(supervisor.pid)
    assert len(everyone) == 3
    kill(supervisor.pid)
    wait_until(lambda: not alive(everyone), lambda: f"still alive: {alive(everyone)}")


def test_a_stopped_worker_gives_its_task_back_and_says_goodbye(box: Box) -> None:
    supervisor = box.start()
    task_id = box.submit("slow")
    box.wait_for_step(task_id, 2)
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(timeout=10) == 0
    task = box.task(task_id)
    assert task.status == TaskStatus.QUEUED and task.worker_id is None
    assert box.attempts(task_id)[0].outcome == AttemptOutcome.RELEASED
    assert box.workers()[0].state == WorkerState.STOPPED


def test_a_stopped_worker_kills_what_does_not_stop_and_gives_its_task_back(box: Box) -> None:
    supervisor = box.start()
    task_id = box.submit("stuck")
    box.wait_for(task_id, TaskStatus.RUNNING)
    everyone = family(supervisor.pid)
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(timeout=30) == 0
    assert (box.task(task_id).status, box.attempts(task_id)[0].outcome) == (TaskStatus.QUEUED, AttemptOutcome.RELEASED)
    assert alive(everyone) == []


def test_a_second_signal_ends_all_at_once_and_the_next_worker_takes_the_task(patient_box: Box) -> None:
    box = patient_box
    supervisor = box.start()
    task_id = box.submit("stuck")
    box.wait_for(task_id, TaskStatus.RUNNING)
    everyone = family(supervisor.pid)
    supervisor.send_signal(signal.SIGTERM)
    # Two signals that come as one would be the first only.
    wait_until(lambda: len(alive(everyone)) < len(everyone), lambda: "the first signal stopped nobody")
    assert box.task(task_id).status == TaskStatus.RUNNING
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(timeout=20) == 1
    wait_until(lambda: not alive(everyone), lambda: f"still alive: {alive(everyone)}")
    box.environment["MOFSIM_WORKER__STOP_GRACE_SECONDS"] = "2"
    box.start()
    wait_until(lambda: box.task(task_id).attempt == 2, lambda: f"still {box.task(task_id).status}")
    assert box.attempts(task_id)[0].outcome == AttemptOutcome.LOST


def test_a_second_worker_for_a_slot_refuses_and_says_who_holds_it(working_box: Box) -> None:
    box = working_box
    second = box.start()
    _, errors = second.communicate(timeout=20)
    assert second.returncode == 1
    assert f"is held by process {box.device_pid()}" in errors


def test_a_task_that_fails_keeps_its_partial_results_and_the_worker_goes_on(working_box: Box) -> None:
    box = working_box
    failed = box.wait_for_end(box.submit("broken"))
    assert (failed.status, failed.error_type) == (TaskStatus.FAILED, "ModelLoadFailed")
    assert failed.attempt == 1 and "NoSuchClass" in failed.error_message
    assert box.wait_for_step(box.submit("slow"), 1)


def test_progress_logs_and_series_flow_back_while_a_task_runs(working_box: Box) -> None:
    box = working_box
    with box.database.write() as session:
        models.wish(session, "slow", "unload", None)
    wait_until(lambda: not box.workers()[0].model_wishes, lambda: "the model was not unloaded")
    task_id = box.submit("slow")
    progress = box.wait_for_step(task_id, 4).progress
    assert set(progress) == set(Progress.model_fields)
    assert (progress["stage"], progress["stage_step"]) == ("relaxation", progress["step"])
    with (box.storage.attempt(task_id, 1) / "series.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps[:4] == [0, 1, 2, 3]
    with box.database.read() as session:
        messages = [line.message for line in session.query(TaskLog).filter_by(task_id=task_id)]
    assert any("Loaded slow on cpu" in message for message in messages)


def test_a_plain_huey_consumer_works_too(box: Box) -> None:
    consumer = Path(sys.executable).parent / "huey_consumer"
    process = box.start([str(consumer), "mofsim.queue.simulations", "-n", "-w", "1"])
    task = box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT))
    assert task.status == TaskStatus.COMPLETED
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)


def test_each_gpu_gets_a_worker_that_sees_only_its_own(tmp_path: Path, builtins: tuple[list, Path], fake_nvml) -> None:
    box = Box(tmp_path, fake_nvml.env() | {"MOFSIM_WORKER__CPU_SLOTS": "auto"})
    box.fill(*builtins)
    try:
        supervisor = box.start()
        workers = wait_until(
            lambda: w if len(w := [w for w in box.workers() if w.state == WorkerState.IDLE]) == 2 else None,
            lambda: f"workers: {[(w.id, w.state) for w in box.workers()]}",
        )
        assert [worker.slot for worker in workers] == ["gpu0", "gpu1"]
        task = box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT))
        assert task.status == TaskStatus.COMPLETED, task.error_message
        assert task.gpu_id in {worker.gpu_id for worker in workers}
        for worker in workers:
            [executor] = children_of(worker.pid)
            environment = Path(f"/proc/{executor}/environ").read_bytes().split(b"\0")
            assert f"CUDA_VISIBLE_DEVICES={worker.gpu_id}".encode() in environment
        seen = wait_until(lambda: box.gpus(), lambda: "no GPU was recorded")
        assert [(gpu.gpu_index, gpu.fault) for gpu in seen] == [(0, None), (1, None)]
        assert len(children_of(supervisor.pid)) == 3
    finally:
        box.close()


def test_a_task_keeps_its_lease_while_the_interpreter_of_its_model_starts(box: Box) -> None:
    """Importing torch from a network disk takes longer than a lease lasts; that is no fault of the worker."""
    slow = box.folder / "slow-python"
    slow.write_text(f'#!/bin/sh\nsleep 9\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    with (box.folder / "settings.toml").open("a") as settings:
        settings.write(f'[models.far]\nframework = "ase"\ncheckpoint = "calculators:Slow"\npython = "{slow}"\n')
        settings.write("options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }\n")
    box.start()
    box.wait_until_idle()
    task = box.wait_for_end(box.submit("far", TaskType.SINGLE_POINT))
    assert [(attempt.attempt, attempt.outcome) for attempt in box.attempts(task.id)] == [(1, "COMPLETED")]
