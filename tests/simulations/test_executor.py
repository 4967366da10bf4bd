"""The executor as a process: what it says, and when it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ase.io import read

from .child import PACKAGE, Child
from .conftest import EMT

FOREVER = {"fmax_eV_per_A": 1e-200, "max_steps": 10**6, "optimizer": "FIRE", "relax_cell": False}


def test_ready_comes_first_and_names_the_versions(child: Child) -> None:
    ready = child.next()
    assert (ready["type"], ready["pid"]) == ("ready", child.process.pid)
    assert {"ase", "numpy", "torch", "sevenn", "dftd3"} <= ready["versions"].keys()


def test_a_run_reports_each_step_in_order(
    child: Child, copper: Path, relaxation: dict[str, Any], tmp_path: Path
) -> None:
    child.run("optimization", copper, tmp_path / "out", EMT, parameters=relaxation)
    end = child.end()
    types = [message["type"] for message in child.seen if message["type"] not in ("log", "progress")]
    assert types == ["ready", "loading", "loaded", "started", "completed"]
    steps = [message["step"] for message in child.seen if message["type"] == "progress"]
    assert steps == list(range(end["result"]["steps"] + 1))


NOISY = """
import ctypes, os, sys
from ase.calculators.emt import EMT
class Noisy(EMT):
    def calculate(self, *args, **kwargs):
        print("from Python")
        print("to the original stdout", file=sys.__stdout__)
        os.write(1, b"from a descriptor\\n")
        ctypes.CDLL(None).puts(b"from C")
        os.system("echo from a child")
        super().calculate(*args, **kwargs)
"""


def test_prints_of_libraries_do_not_reach_the_protocol(copper: Path, tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(NOISY)
    child = Child(environment={"PYTHONPATH": f"{tmp_path}:{PACKAGE.parents[1]}"})
    model = {"name": "noisy", "framework": "ase", "checkpoint": "noisy:Noisy"}
    child.run("single-point", copper, tmp_path / "out", model)
    assert child.end()["type"] == "completed"
    child.send(type="shutdown")
    assert child.process.stderr
    printed = child.process.stderr.read()
    for words in (b"from Python", b"to the original", b"from a descriptor", b"from C", b"from a child"):
        assert words in printed
    child.close()


def test_a_cancel_between_two_steps_keeps_the_trajectory(child: Child, copper: Path, tmp_path: Path) -> None:
    child.run("optimization", copper, tmp_path / "out", EMT, parameters=FOREVER, task_id=5)
    while child.until("progress")["step"] < 3:
        pass
    child.send(type="cancel", task_id=4, reason="cancelled")
    child.send(type="cancel", task_id=5, reason="timeout")
    stopped = child.end()
    assert (stopped["type"], stopped["reason"]) == ("stopped", "timeout")
    frames = read(tmp_path / "out" / "trajectory.extxyz", ":")
    assert len(frames) == stopped["result"]["steps"] + 1
    assert frames[-1].get_potential_energy() == stopped["result"]["final_energy_eV"]
    assert stopped["result"]["converged"] is False


def test_the_executor_works_on_after_a_cancel(child: Child, copper: Path, tmp_path: Path) -> None:
    child.send(type="cancel", task_id=1, reason="cancelled")
    child.run("optimization", copper, tmp_path / "a", EMT, parameters=FOREVER)
    assert child.end()["type"] == "stopped"
    child.run("single-point", copper, tmp_path / "b", EMT, attempt=2)
    assert child.end()["type"] == "completed"


def test_a_shutdown_stops_the_run_and_exits(child: Child, copper: Path, tmp_path: Path) -> None:
    child.run("optimization", copper, tmp_path / "out", EMT, parameters=FOREVER)
    child.until("progress")
    child.send(type="shutdown")
    assert child.end()["reason"] == "shutdown"
    assert child.process.wait(timeout=30) == 0


def test_the_end_of_stdin_ends_a_running_executor(child: Child, copper: Path, tmp_path: Path) -> None:
    child.run("optimization", copper, tmp_path / "out", EMT, parameters=FOREVER)
    child.until("progress")
    assert child.process.stdin
    child.process.stdin.close()
    assert child.process.wait(timeout=30) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_executor_dies_with_a_parent_that_was_killed() -> None:
    requests, keep_open = os.pipe()
    reports, child_out = os.pipe()
    script = (
        "import subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-m', 'mofsim.simulations'], stdin={requests}, stdout={child_out},"
        "start_new_session=True).wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], pass_fds=(requests, child_out))
    os.close(child_out)
    os.close(requests)
    with os.fdopen(reports, "rb") as stream:
        assert b'"ready"' in stream.readline()
        parent.send_signal(signal.SIGKILL)
        # The pipe closes when its last writer is gone, and that is the executor.
        assert stream.read() == b""
    parent.wait()
    os.close(keep_open)


def test_a_folder_of_another_installation_can_be_started(copper: Path, tmp_path: Path) -> None:
    foreign = Child(command=[sys.executable, str(PACKAGE)], cwd=tmp_path)
    foreign.run("single-point", copper, tmp_path / "out", EMT)
    assert foreign.end()["type"] == "completed"
    assert {message["logger"] for message in foreign.seen if message["type"] == "log"} == {"mofsim_simulations.loading"}
    assert foreign.close() == 0


def test_a_line_that_is_no_message_is_logged_and_survived(child: Child, copper: Path, tmp_path: Path) -> None:
    assert child.process.stdin
    child.process.stdin.write(b"{broken\n")
    child.process.stdin.flush()
    log = child.until("log")
    assert log["level"] == "ERROR" and "broken" in log["message"]
    child.run("single-point", copper, tmp_path / "out", EMT)
    assert child.end()["type"] == "completed"
