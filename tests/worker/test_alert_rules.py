"""Each built-in rule raises and resolves by the very thing that it is about."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from mofsim.core import alerts
from mofsim.db.tables import Alert, Event
from mofsim.vocabulary import EventType, RuleKind, TaskStatus, TaskType, WorkerState
from mofsim.worker.chores import Chores

from .box import CHORES, Box, wait_until
from .fake_nvml import FakeNvml, uuid


@pytest.fixture
def chores(box: Box) -> Iterator[Chores]:
    """The chores of a box in this process; each round looks at the rules."""
    chores = Chores(box.settings.model_copy(update={"alerts": box.settings.alerts.model_copy(update=ALWAYS)}))
    yield chores
    chores.database.close()


ALWAYS = {"interval_seconds": 1e-9}


def wait_until_read(box: Box) -> None:
    """Several times by now, so that the rules were looked at after the last change too."""
    seen = box.gpus()[0].seen_at
    wait_until(lambda: (box.gpus()[0].seen_at - seen).total_seconds() > 0.7, lambda: "it was not read again")


def test_what_nvml_tells_of_a_gpu_raises_and_resolves(gpu_box: Box, fake_nvml: FakeNvml) -> None:
    """Each by NVML's own calls in the process of the chores; GPU 1 stays well, and nothing is said of it."""
    box = gpu_box
    for kind in (RuleKind.GPU_MEMORY_LOW, RuleKind.GPU_HOT):
        box.change_rule(kind, for_seconds=0.0)
    # An XID counts for an hour, which no test can wait for.
    box.change_rule(RuleKind.GPU_ERRORS, window_seconds=2.0)
    box.start([sys.executable, "-c", CHORES])
    wait_until(lambda: len(box.gpus()) == 2, lambda: "the GPUs were not read")
    wait_until_read(box)
    for kind, trouble in (
        (RuleKind.GPU_LOST, "error GPU_IS_LOST"),
        (RuleKind.GPU_LOST, "refuse temperature RESET_REQUIRED"),
        (RuleKind.GPU_MEMORY_LOW, "memory_used 22500000000"),
        (RuleKind.GPU_HOT, "temperature 86"),
        (RuleKind.GPU_ERRORS, "ecc 1"),
    ):
        assert box.raised(kind) == []
        fake_nvml.set(f"gpu 0 {trouble}")
        box.wait_for_alert(kind, uuid(0))
        fake_nvml.unset(f"gpu 0 {trouble}")
        box.wait_for_alert(kind)
    # Harmless, then not: programs bring the first about themselves.
    fake_nvml.set("gpu 0 xid 13")
    wait_until(lambda: box.gpus()[0].xid == 13, lambda: f"{box.gpus()[0].xid}")
    assert box.raised(RuleKind.GPU_ERRORS) == []
    fake_nvml.set("gpu 0 xid 79")
    box.wait_for_alert(RuleKind.GPU_ERRORS, uuid(0))
    box.wait_for_alert(RuleKind.GPU_ERRORS)
    with box.database.read() as session:
        about_gpus = select(Alert.message).where(Alert.alert_type.startswith("gpu_")).order_by(Alert.id)
        messages = list(session.scalars(about_gpus))
    assert len(messages) == 6 and all(message.startswith("GPU 0 of ") for message in messages), messages
    assert "is at 86 °C" in messages[3] and "1.5 GB free" in messages[2] and "XID 79" in messages[5]


def test_a_gpu_that_tells_nothing_keeps_what_was_known_of_it(gpu_box: Box, fake_nvml: FakeNvml) -> None:
    box = gpu_box
    box.change_rule(RuleKind.GPU_HOT, for_seconds=0.0)
    box.start([sys.executable, "-c", CHORES])
    fake_nvml.set("gpu 0 temperature 90")
    box.wait_for_alert(RuleKind.GPU_HOT, uuid(0))
    fake_nvml.set("gpu 0 refuse temperature", "gpu 0 power 1000")
    wait_until(lambda: box.gpus()[0].temperature_C is None, lambda: "the refusal was not seen")
    wait_until_read(box)
    assert box.raised(RuleKind.GPU_HOT) == [uuid(0)]
    fake_nvml.unset("gpu 0 refuse")
    fake_nvml.set("gpu 0 temperature 50")
    box.wait_for_alert(RuleKind.GPU_HOT)


def test_more_than_a_hundred_waiting_tasks(box: Box, chores: Chores) -> None:
    tasks = [box.submit("lj", TaskType.SINGLE_POINT, ticket=False) for _ in range(100)]
    chores.round()
    assert box.raised(RuleKind.QUEUE_LONG) == []
    tasks.append(box.submit("lj", TaskType.SINGLE_POINT, ticket=False))
    chores.round()
    assert box.raised(RuleKind.QUEUE_LONG) == ["queue"]
    box.cancel(tasks[0])
    chores.round()
    assert box.raised(RuleKind.QUEUE_LONG) == []


def test_a_disk_that_fills(box: Box, chores: Chores) -> None:
    """By a file of two gigabytes, with one of them as room for what others write meanwhile."""
    found = os.statvfs(box.storage.root)
    free_GB = found.f_bavail * found.f_frsize / 1e9
    box.change_rule(RuleKind.DISK_LOW, threshold=free_GB - 1)
    chores.round()
    assert box.raised(RuleKind.DISK_LOW) == []
    path = box.folder / "large"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2_000_000_000)
    try:
        chores.round()
        assert box.raised(RuleKind.DISK_LOW) == [os.uname().nodename]
    finally:
        path.unlink()
    chores.round()
    assert box.raised(RuleKind.DISK_LOW) == []


def test_a_model_whose_tasks_all_fail(working_box: Box) -> None:
    box = working_box
    for _ in range(4):
        box.submit("failing", TaskType.SINGLE_POINT)
    assert box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED
    assert box.raised(RuleKind.MODEL_FAILING) == []
    box.submit("failing", TaskType.SINGLE_POINT)
    box.wait_for_alert(RuleKind.MODEL_FAILING, "failing")
    (box.folder / "mended").touch()
    assert box.wait_for_end(box.submit("failing", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED
    box.wait_for_alert(RuleKind.MODEL_FAILING)


def test_a_worker_whose_heartbeat_stops(box: Box, chores: Chores) -> None:
    box.change_rule(RuleKind.WORKER_LOST, threshold=2.5)
    box.start()
    worker = box.wait_for_worker("cpu0", WorkerState.IDLE)
    chores.round()
    assert box.raised(RuleKind.WORKER_LOST) == []
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        box.wait_for_alert(RuleKind.WORKER_LOST, worker.id)
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    box.wait_for_alert(RuleKind.WORKER_LOST)


def test_physics_that_goes_wrong_while_a_task_runs(working_box: Box) -> None:
    """One relaxation by a calculator that has each plague once; all are over long before the task is."""
    box = working_box
    box.change_rule(RuleKind.ENERGY_EXPLOSION, steps=5)
    box.change_rule(RuleKind.CELL_COLLAPSE, threshold=0.98)
    box.change_rule(RuleKind.FMAX_RISING, steps=10)
    box.change_rule(RuleKind.NO_PROGRESS, steps=20, threshold=0.01)
    parameters = {"optimizer": "FIRE", "max_steps": 95, "fmax_eV_per_A": 0.001}
    task_id = box.submit("wild", parameters=parameters)
    task = box.wait_for_end(task_id)
    assert task.status == TaskStatus.COMPLETED, task.error_message
    with box.database.read() as session:
        found = {each.alert_type: each for each in alerts.history(session, 100) if each.subject.startswith("task ")}
        events = session.scalars(select(Event).where(Event.type == EventType.ALERT_RAISED))
        raised = [each for each in events if each.data["alert"]["subject"].startswith("task ")]
    kinds = ["energy_explosion", "cell_collapse", "fmax_rising", "no_progress"]
    assert sorted(found) == sorted(kinds) and len(raised) == 4, {k: v.message for k, v in found.items()}
    assert task.completed_at is not None
    for alert in found.values():
        assert alert.subject == f"task {task_id}" and alert.details["task_id"] == task_id
        assert alert.resolved_at and alert.resolved_at < task.completed_at and alert.resolved_by is None
        assert alert.message.startswith(f"task {task_id} (optimization of Mg-MOF-74): ")
    assert [found[kind].id for kind in ("energy_explosion", "fmax_rising", "no_progress")] == sorted(
        found[kind].id for kind in ("energy_explosion", "fmax_rising", "no_progress")
    )
    assert "5 eV/atom at step" in found["energy_explosion"].message


def test_an_alert_about_a_task_ends_with_it(working_box: Box) -> None:
    box = working_box
    box.change_rule(RuleKind.NO_PROGRESS, steps=5, threshold=0.9)
    task_id = box.submit("wild", parameters={"max_steps": 5000, "fmax_eV_per_A": 0.001})
    box.wait_for_alert(RuleKind.NO_PROGRESS, f"task {task_id}")
    box.cancel(task_id)
    box.wait_for(task_id, TaskStatus.CANCELLED)
    assert box.raised(RuleKind.NO_PROGRESS) == []
