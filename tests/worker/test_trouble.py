"""Workers that can not work say so, wait without spending tickets, and go on by themselves."""

from mofsim.core import steering, workers
from mofsim.vocabulary import AttemptOutcome, TaskStatus, TaskType, WorkerState

from .box import Box, alive, children_of, kill, wait_until
from .fake_nvml import FakeNvml


def test_a_lost_gpu_pauses_its_worker_with_an_alert_until_it_is_back(one_gpu: tuple[Box, FakeNvml]) -> None:
    box, fake_nvml = one_gpu
    [worker_id] = [worker.id for worker in box.workers()]
    fake_nvml.set("gpu 0 error GPU_IS_LOST")
    worker = box.wait_for_worker("gpu0", WorkerState.PAUSED)
    assert "GPU is lost" in worker.note and box.alerts() == [("gpu_fault", worker_id)]
    task_id = box.submit("lj", TaskType.SINGLE_POINT)
    assert "GPU is lost" in box.why(task_id) and box.task(task_id).attempt == 0
    fake_nvml.unset("gpu 0 error")
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    assert box.alerts() == []


def test_a_gpu_that_needs_a_reset_while_a_task_runs_costs_an_attempt(one_gpu: tuple[Box, FakeNvml]) -> None:
    box, fake_nvml = one_gpu
    task_id = box.submit("slow")
    box.wait_for_step(task_id, 6)
    fake_nvml.set("gpu 0 error RESET_REQUIRED")
    box.wait_for(task_id, TaskStatus.QUEUED)
    [attempt] = box.attempts(task_id)
    assert attempt.outcome == AttemptOutcome.LOST and "needs a reset" in attempt.reason
    box.wait_for_worker("gpu0", WorkerState.PAUSED)
    fake_nvml.unset("gpu 0 error")
    box.wait_for(task_id, TaskStatus.RUNNING)
    assert box.attempts(task_id)[1].resumed_from_step, "it should have gone on from its checkpoint"


def test_a_cuda_context_that_is_lost_is_no_fault_of_the_task(one_gpu: tuple[Box, FakeNvml]) -> None:
    box, _ = one_gpu
    first = children_of(box.device_pid())
    task_id = box.submit("faulty", TaskType.SINGLE_POINT)
    wait_until(lambda: len(box.attempts(task_id)) >= 1 and box.attempts(task_id)[0].outcome, lambda: "not tried")
    (box.folder / "mended").touch()
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    attempts = box.attempts(task_id)
    assert {attempt.outcome for attempt in attempts[:-1]} == {AttemptOutcome.LOST}
    assert "illegal memory access" in attempts[0].reason
    assert children_of(box.device_pid()) != first, "a process with a broken context can compute no more"


def test_memory_of_a_killed_executor_is_seen_free_before_its_gpu_is_used_again(one_gpu: tuple[Box, FakeNvml]) -> None:
    box, fake_nvml = one_gpu
    [worker_id] = [worker.id for worker in box.workers()]
    [executor] = children_of(box.device_pid())
    fake_nvml.set(f"gpu 0 process {executor} 9000000000", "gpu 0 memory_used 9500000000")
    kill(executor)
    # Whoever takes a task a moment before its executor dies has lost an attempt, which is not what is looked at here.
    wait_until(lambda: not alive([executor]), lambda: "the killed executor is still there")
    task_id = box.submit("lj", TaskType.SINGLE_POINT)
    worker = box.wait_for_worker("gpu0", WorkerState.PAUSED)
    assert "memory of its GPU" in worker.note and box.alerts() == []
    wait_until(lambda: box.alerts() == [("gpu_memory_held", worker_id)], lambda: f"alerts: {box.alerts()}")
    assert children_of(box.device_pid()) == [] and box.task(task_id).attempt == 0
    assert f"process {executor}, which used it, is dead" in box.why(task_id)
    fake_nvml.set("gpu 0 memory_used 500000000")
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    assert box.alerts() == []


def test_the_next_worker_of_a_slot_waits_for_the_memory_of_a_dead_one(one_gpu: tuple[Box, FakeNvml]) -> None:
    box, fake_nvml = one_gpu
    device = box.device_pid()
    [executor] = children_of(device)
    fake_nvml.set(f"gpu 0 process {executor} 9000000000", "gpu 0 memory_used 9500000000")
    kill(device)
    wait_until(lambda: box.device_pid() != device, lambda: "no new worker")
    box.wait_for_worker("gpu0", WorkerState.PAUSED)
    fake_nvml.set("gpu 0 memory_used 500000000")
    box.wait_for_worker("gpu0", WorkerState.IDLE)


def test_memory_that_somebody_else_took_meanwhile_does_not_stop_the_worker(one_gpu: tuple[Box, FakeNvml]) -> None:
    box, fake_nvml = one_gpu
    [executor] = children_of(box.device_pid())
    fake_nvml.set("gpu 0 process 1 9000000000", "gpu 0 memory_used 9500000000")
    kill(executor)
    assert box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED


def test_a_drained_worker_finishes_its_task_and_takes_no_other_one_until_it_is_resumed(box: Box) -> None:
    box.start()
    worker_id = box.wait_until_idle().id
    task_id = box.submit("slow")
    box.wait_for_step(task_id, 2)
    waiting = box.submit("lj", TaskType.SINGLE_POINT)
    with box.database.write() as session:
        assert workers.drain(session, worker_id).state == WorkerState.DRAINING
        steering.request_cancel(session, task_id)
    box.wait_for_end(task_id)
    box.wait_for_worker("cpu0", WorkerState.DRAINED)
    device = box.device_pid()
    kill(device)
    wait_until(lambda: box.device_pid() != device, lambda: "no new worker")
    box.wait_for_worker("cpu0", WorkerState.DRAINED)
    assert box.task(waiting).status == TaskStatus.QUEUED and "drained" in box.why(waiting)
    with box.database.write() as session:
        workers.resume(session, worker_id)
    assert box.wait_for_end(waiting).status == TaskStatus.COMPLETED


def test_a_full_disk_keeps_tasks_waiting_with_an_alert(box: Box) -> None:
    box.environment["MOFSIM_STORAGE__MIN_FREE_MB"] = str(10**9)
    supervisor = box.start()
    task_id = box.submit("lj", TaskType.SINGLE_POINT)
    worker = box.wait_for_worker("cpu0", WorkerState.PAUSED)
    wait_until(lambda: box.alerts() == [("disk_full", worker.id)], lambda: f"alerts: {box.alerts()}")
    assert "the disk is full" in box.why(task_id) and box.task(task_id).attempt == 0
    supervisor.terminate()
    supervisor.wait(20)
    del box.environment["MOFSIM_STORAGE__MIN_FREE_MB"]
    box.start()
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    assert box.alerts() == []
