"""What chores read of their box: its load, its GPUs, and who computes on them."""

import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mofsim.core import readings
from mofsim.worker import load, occupants
from mofsim.worker.gpu import GpuProcess

from .box import Box, children_of, wait_until
from .fake_nvml import FakeNvml, uuid

STAT = """cpu  0 0 0 0 0 0 0 0 0 0
{cores}intr 1 2 3
"""


def stat(file: Path, busy: int, idle: int) -> Path:
    """Each core was busy, idle and waiting for a disk for so many ticks."""
    fields = f"{busy} 0 0 {idle} {idle} 0 0 0 99 99"
    file.write_text(STAT.format(cores="".join(f"cpu{n} {fields}\n" for n in range(os.cpu_count() or 1))))
    return file


def test_cores_are_busy_by_what_passed_since_the_look_before(tmp_path: Path) -> None:
    time_of = load.CpuTime(stat(tmp_path / "stat", 1000, 1000))
    stat(tmp_path / "stat", 1030, 1005)
    assert time_of.busy_percent() == 75
    assert time_of.busy_percent() is None, "no tick passed"
    stat(tmp_path / "stat", 1030, 1010)
    assert time_of.busy_percent() == 0


def test_a_system_that_tells_nothing_is_not_known(tmp_path: Path) -> None:
    assert load.CpuTime(tmp_path / "missing").busy_percent() is None
    (tmp_path / "odd").write_text("cpu0 one two\n")
    assert load.CpuTime(tmp_path / "odd").busy_percent() is None


def test_this_box_tells_its_cores_load_and_memory() -> None:
    total, used = load.memory_MB()
    assert load.cores() >= 1 and load.load_1min() is not None
    assert total and used is not None and 0 < used <= total
    time_of, until = load.CpuTime(), time.monotonic() + 5
    while (busy := time_of.busy_percent()) in (None, 0.0) and time.monotonic() < until:
        sum(range(1_000_000))
    assert busy is not None and 0 < busy <= 100


def test_a_process_is_named_with_its_owner_and_its_worker() -> None:
    code = "import time; print(1, flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, "x" * 200], stdout=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline() == b"1\n"
        seen = [GpuProcess(process.pid, 100.0), GpuProcess(2**22 + 1, 500.0)]
        unknown, ours = occupants.named(seen, {os.getpid(): "box:gpu0"})
        assert (unknown.pid, unknown.memory_MB, unknown.name, unknown.user, unknown.worker_id) == (
            2**22 + 1, 500.0, None, None, None,
        )  # fmt: skip
        assert ours.worker_id == "box:gpu0" and ours.user == pwd.getpwuid(os.getuid()).pw_name
        assert ours.name and ours.name.startswith(f"{Path(sys.executable).name} -c import time")
        assert len(ours.name) <= occupants.LONGEST_NAME
        [foreign] = occupants.named([GpuProcess(process.pid, None)], {})
        assert foreign.worker_id is None and foreign.memory_MB is None
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("cmdline", "comm", "expected"),
    [(b"/usr/bin/python\0train.py\0", "python", "python train.py"), (b"", "kworker", "kworker"), (b"\n\0", "x", None)],
)
def test_names_are_of_one_line(tmp_path: Path, cmdline: bytes, comm: str, expected: str | None) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(cmdline)
    (tmp_path / "7" / "comm").write_text(f"{comm}\n")
    (tmp_path / "7" / "stat").write_text(f"7 (a) b) S 5 {'0 ' * 40}")
    [found] = occupants.named([GpuProcess(7, 1.0)], {5: "box:gpu1"}, tmp_path)
    assert (found.name, found.worker_id) == (expected, "box:gpu1")


def test_chores_record_the_box_its_gpus_and_who_computes_on_them(one_gpu: tuple[Box, FakeNvml]) -> None:
    box, nvml = one_gpu
    [worker] = box.workers()
    [executor] = children_of(worker.pid)
    nvml.set(f"gpu 0 process {executor} 9000000000", f"gpu 0 process {os.getpid()} 1000000000")
    (gpu,) = wait_until(
        lambda: found if (found := box.gpus()) and len(found[0].processes or ()) == 2 else None,
        lambda: f"processes: {box.gpus()[0].processes}",
    )
    ours, foreign = gpu.processes
    assert (ours["pid"], ours["worker_id"], ours["memory_MB"]) == (executor, worker.id, 9000)
    assert (foreign["pid"], foreign["worker_id"]) == (os.getpid(), None) and "python" in foreign["name"]

    def columns() -> dict[str, list[float | None]]:
        with box.database.read() as session:
            return readings.history_of_gpu(session, uuid(0), 600, 300)

    wait_until(lambda: columns()["time_s"], lambda: "no reading")
    assert columns()["memory_used_MB"][-1] == 500 and columns()["temperature_C"][-1] == 60
    with box.database.read() as session:
        [host] = readings.hosts(session)
    assert (host.name, host.cores) == (worker.host, load.cores()) and host.memory_total_MB
    nvml.set("gpu 0 refuse processes")
    wait_until(lambda: box.gpus()[0].processes is None, lambda: f"processes: {box.gpus()[0].processes}")
