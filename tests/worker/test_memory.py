"""Memory that runs out: of a GPU (its size from the fake NVML library), and of the machine (by its real kernel)."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.core import workers
from mofsim.vocabulary import AttemptOutcome, TaskStatus, TaskType, WorkerState
from mofsim.worker import memory

from .box import Box, children_of, wait_until


def outcomes(box: Box, task_id: int) -> list[tuple[str | None, str | None]]:
    return [(attempt.gpu_id and attempt.gpu_id[:12], attempt.outcome) for attempt in box.attempts(task_id)]


def test_a_task_that_a_small_gpu_is_too_small_for_goes_to_the_large_one(gpu_box: Box) -> None:
    """Until that is free, the small one spends no tickets on it and its like, and does what does fit."""
    box = gpu_box
    box.start()
    large = box.wait_for_worker("gpu1", WorkerState.IDLE)
    box.wait_for_worker("gpu0", WorkerState.IDLE)
    with box.database.write() as session:
        workers.drain(session, large.id)
    first = box.submit("hungry", TaskType.SINGLE_POINT)
    wait_until(lambda: len(box.attempts(first)) == 1 and box.attempts(first)[0].outcome, lambda: "not tried")
    waiting = box.wait_for(first, TaskStatus.QUEUED)
    assert "hungry needs more than 23.5 GB on a GPU for 54 atoms" in box.why(first)
    assert (waiting.attempt, waiting.faults) == (1, 0)
    others = [box.submit("hungry", TaskType.SINGLE_POINT) for _ in range(9)]
    # The device has taken one, and looks for what fits.
    wait_until(lambda: box.tickets.waiting() >= len(others) - 1, lambda: f"{box.tickets.waiting()} tickets")
    time.sleep(1.5)
    assert box.tickets.waiting() >= len(others) - 1, "they were spent in vain"
    # The ticket of this one was spent by nobody.
    small = box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT))
    assert small.status == TaskStatus.COMPLETED
    assert outcomes(box, small.id) == [("GPU-00000000", "COMPLETED")]
    with box.database.write() as session:
        workers.resume(session, large.id)
    assert {box.wait_for_end(task_id).status for task_id in (first, *others)} == {TaskStatus.COMPLETED}
    assert outcomes(box, first) == [("GPU-00000000", "OUT_OF_MEMORY"), ("GPU-00000001", "COMPLETED")]
    for task_id in others:
        assert outcomes(box, task_id) == [("GPU-00000001", "COMPLETED")], "it was learnt from the first"


def test_a_task_that_no_gpu_is_large_enough_for_fails_with_what_it_needs(gpu_box: Box, fake_nvml) -> None:
    box = gpu_box
    fake_nvml.set("count 1")
    box.start()
    task = box.wait_for_end(box.submit("hungry", TaskType.SINGLE_POINT))
    assert (task.status, task.error_type, task.attempt) == (TaskStatus.FAILED, "OutOfMemory", 1)
    assert "Tried to allocate 20.00 GiB; hungry needs more than 23.5 GB" in task.error_message
    later = box.wait_for_end(box.submit("hungry", TaskType.SINGLE_POINT))
    assert (later.status, later.error_type, later.attempt) == (TaskStatus.FAILED, "OutOfMemory", 0)
    assert box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED


def test_when_the_machine_has_no_memory_it_is_tried_again_and_then_says_so(box: Box) -> None:
    box.start()
    task = box.wait_for_end(box.submit("refused", TaskType.SINGLE_POINT))
    assert task.status == TaskStatus.FAILED and "MemoryError" in task.error_message
    assert [attempt.outcome for attempt in box.attempts(task.id)] == [AttemptOutcome.OUT_OF_MEMORY] * 3
    assert box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED


@pytest.fixture
def control_group() -> Iterator[Path]:
    """A control group in which processes may have 700 MB together, for `Greedy` to join."""
    top = Path("/sys/fs/cgroup")
    is_v1 = (top / "memory").is_dir()
    folder = top / ("memory" if is_v1 else "") / f"mofsim-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if is_v1 else "memory.max")).write_text("700000000")
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield folder
    # The box has been closed, which a test gets by asking for this one first.
    folder.rmdir()


def test_an_executor_that_the_kernel_kills_for_memory_is_told_from_any_other_kill(
    control_group: Path, box: Box
) -> None:
    """Only the executor is in the group, so the kernel has one choice there; that it is also the one to choose where
    it can take any process is what its score says."""
    (box.folder / "control_group").write_text(str(control_group))
    supervisor = box.start()
    worker = box.wait_until_idle()
    [executor] = children_of(worker.pid)
    scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (supervisor.pid, worker.pid, executor)]
    assert scores[2] == 800 > max(scores[:2])
    killed_before = memory.kills()
    task = box.wait_for_end(box.submit("greedy", TaskType.SINGLE_POINT, max_attempts=1))
    [attempt] = box.attempts(task.id)
    assert memory.kills() > killed_before
    assert attempt.outcome == AttemptOutcome.OUT_OF_MEMORY, attempt.reason
    assert task.status == TaskStatus.FAILED and "ran out of memory" in task.error_message
    assert box.device_pid() == worker.pid and supervisor.poll() is None
