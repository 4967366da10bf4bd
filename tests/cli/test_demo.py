"""`mofsim demo` from start to end, with a potential that takes no time."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.running import wait_until

from .processes import Commands, descendants, wait_until_gone

pytestmark = pytest.mark.slow

#: Waits for ever in its first force call.
STUCK = """
import time
from ase.calculators.lj import LennardJones
class Stuck(LennardJones):
    def calculate(self, *args, **kwargs):
        time.sleep(3600)
"""
MODELS = """
[models.stuck]
framework = "ase"
checkpoint = "stuck:Stuck"
[models.broken]
framework = "ase"
checkpoint = "stuck:NoSuchClass"
"""


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path, {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path / "tmp")})
    (tmp_path / "tmp").mkdir()
    (tmp_path / "stuck.py").write_text(STUCK)
    with (tmp_path / "settings.toml").open("a") as settings:
        settings.write(MODELS)
    yield commands
    commands.close()


def test_its_last_line_is_the_result_and_its_files_are_here(commands: Commands) -> None:
    demo = commands.start("demo", "--structure", "Mg-MOF-74", "--json")
    stdout, stderr = demo.communicate(timeout=100)
    assert demo.returncode == 0, stderr
    document = json.loads(stdout)
    assert document["status"] == "COMPLETED" and document["result"]["converged"] is True
    assert {"final_energy_eV", "final_fmax_eV_per_A", "steps"} <= set(document["result"])
    assert "optimized.cif" in document["output_files"]
    for path in document["output_files"].values():
        assert (commands.folder / path).stat().st_size > 0
    assert list((commands.folder / "tmp").iterdir()) == [], "its data should be gone"
    assert not (commands.folder / "data").exists(), "the data of daily use should be left alone"


def test_without_a_terminal_it_says_plain_lines_and_a_table(commands: Commands) -> None:
    demo = commands.start("demo", "--structure", "Mg-MOF-74", "--keep", "kept")
    stdout, stderr = demo.communicate(timeout=100)
    assert demo.returncode == 0, stderr
    assert "task 1 COMPLETED" in stdout and "ENERGY eV" in stdout and "\x1b" not in stdout
    assert "files in mofsim-demo/: " in stdout
    assert (commands.folder / "kept" / "mofsim.db").is_file()


def test_a_task_that_fails_has_exit_status_1(commands: Commands) -> None:
    demo = commands.start("demo", "--model", "broken", "--json")
    stdout, stderr = demo.communicate(timeout=100)
    assert demo.returncode == 1, stderr
    assert json.loads(stdout)["status"] == "FAILED" and json.loads(stdout)["error"]["message"]


def test_a_structure_that_is_not_there_is_wrong_use(commands: Commands) -> None:
    demo = commands.start("demo", "--structure", "MOF-55", "--json")
    stdout, _ = demo.communicate(timeout=100)
    assert demo.returncode == 2 and "MOF-5" in json.loads(stdout)["error"]["detail"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_however_it_is_stopped_it_leaves_no_process(commands: Commands, number: signal.Signals, status: int) -> None:
    demo = commands.start("demo", "--model", "stuck")
    assert demo.stdout is not None
    wait_until(lambda: "ASSIGNED" in (line := demo.stdout.readline()) or "RUNNING" in line, lambda: "not started")
    below = descendants(demo.pid)
    assert len(below) >= 4
    demo.send_signal(number)
    demo.communicate(timeout=60)
    assert demo.returncode == status
    wait_until_gone(below)
    if number is not signal.SIGKILL:
        assert list((commands.folder / "tmp").iterdir()) == []


def test_a_worker_that_can_not_start_ends_it_with_the_reason(commands: Commands) -> None:
    commands.environment["MOFSIM_WORKER__CPU_SLOTS"] = "0"
    demo = commands.start("demo", "--json")
    stdout, stderr = demo.communicate(timeout=100)
    assert demo.returncode == 1 and "the worker" in json.loads(stdout)["error"]["detail"], stderr
