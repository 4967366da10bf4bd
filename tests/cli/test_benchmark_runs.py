"""Benchmarks by analytical potentials, computed for real: server, worker, command line, and kills."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ase.build import bulk

from mofsim.client import Client
from mofsim.schemas.benchmarks import BenchmarkDetail
from mofsim.vocabulary import CellState
from tests.client.running import wait_until
from tests.conftest import Prepared

from .processes import Commands, child_with, descendants, first_document, wait_until_gone

pytestmark = pytest.mark.slow

MODELS = """
[models.emt]
framework = "ase"
checkpoint = "unhurried:UnhurriedEMT"
dtype = "float64"
elements = ["Cu", "Al", "Ni"]
[models.soft]
framework = "ase"
checkpoint = "ase.calculators.lj:LennardJones"
dtype = "float64"
options = { sigma = 2.4, epsilon = 0.3, rc = 6.0 }
[models.broken]
framework = "ase"
checkpoint = "unhurried:Breaking"
elements = ["Cu", "Al"]
"""
CALCULATORS = '''
import time
from ase.calculators.emt import EMT

class UnhurriedEMT(EMT):
    """Slow enough to be killed in the middle."""
    def calculate(self, *args, **kwargs):
        time.sleep(0.01)
        super().calculate(*args, **kwargs)

class Breaking(EMT):
    def calculate(self, *args, **kwargs):
        raise ValueError("this model is no good")
'''
LINE = ("--set", "./metals", "--preset", "quick", "--tasks", "optimization,stability,bulk-modulus")
REFERENCES = "structure,volume_A3,n_atoms,bulk_modulus_GPa\nCu,47.2,4,140\nAl,66.4,4,76\n"
#: Cu and Al; of three structures, Zn is not covered by emt
N_TYPES = 3


@dataclass
class Bench:
    """A folder with metals, a data folder and commands for both."""

    commands: Commands
    url: str = ""
    up: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        self.up = self.commands.start("up", "--port", "0", "--json", stderr=subprocess.DEVNULL)
        self.url = first_document(self.up)["url"]

    def kill(self) -> None:
        """Everything, at once, as when the machine loses its power."""
        assert self.up
        pids = [self.up.pid, *descendants(self.up.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.up.wait()
        wait_until_gone(pids[1:])

    def run(self, *arguments: str, status: int = 0) -> Any:
        process = self.commands.start("--server", self.url, *arguments)
        stdout, stderr = process.communicate(timeout=300)
        assert process.returncode == status, f"{process.returncode}: {stdout}\n{stderr}"
        return stdout, stderr

    def client(self) -> Client:
        return Client(self.url, api_key=None, settings=None)


@pytest.fixture
def bench(tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with prepared.copied(tmp_path) as rows:
        yield from _bench(tmp_path, rows)


def _bench(folder: Path, rows: dict[str, str]) -> Iterator[Bench]:
    (folder / "unhurried.py").write_text(CALCULATORS)
    (folder / "own.csv").write_text(REFERENCES)
    (folder / "metals").mkdir()
    bulk("Cu", cubic=True).write(folder / "metals" / "Cu.cif")
    bulk("Al", cubic=True).write(folder / "metals" / "Al.cif")
    bulk("Zn").write(folder / "metals" / "Zn.cif")
    own = rows | {"PYTHONPATH": str(folder), "MOFSIM_WORKER__CHECKPOINT_STEPS": "5"}
    commands = Commands(folder, own)
    with (folder / "settings.toml").open("a") as file:
        file.write(MODELS)
    bench = Bench(commands)
    bench.begin()
    yield bench
    commands.close()


def states(found: BenchmarkDetail) -> dict[tuple[str, str, str], CellState]:
    names = {each.id: each.name for each in found.structures}
    return {(cell.model, cell.task_type, names[cell.structure_id]): cell.state for cell in found.cells}


def test_a_benchmark_is_computed_scored_and_reported_and_another_model_adds_only_its_own(bench: Bench) -> None:
    folder = bench.commands.folder
    stdout, stderr = bench.run("benchmark", "emt", *LINE, "--references", "own.csv", "--report", "report.html")
    assert "emt was not trained on Zn" in stderr and "3 not covered" in stdout
    assert "set metals: 3 structures" in stderr
    report = (folder / "report.html").read_text()
    assert all(f">{name} <" in report for name in ("Cu", "Al")) and "emt does not cover Zn" in report
    assert "own.csv" in report and "<svg" in report
    with bench.client() as client:
        first = client.benchmark(1)
        assert first.counts[CellState.COMPLETED] == 2 * N_TYPES and first.counts[CellState.NOT_COVERED] == N_TYPES
        found = {(s.task_type, s.metric): s for s in client.benchmark_scores(1).scores}
        assert found["bulk-modulus", "mae"].n == 2 and 0 < (found["bulk-modulus", "mae"].value or 0) < 60

        stdout, _ = bench.run("benchmark", "emt", "soft", "broken", *LINE, "--json", "--report", "report.json")
        both = client.benchmark(1)
        assert client.benchmarks().total == 1
        tasks = {(cell.model, cell.task_type, cell.structure_id): cell.task_id for cell in both.cells}
        assert {about: tasks[about] for about in tasks if about[0] == "emt"} == {
            (cell.model, cell.task_type, cell.structure_id): cell.task_id for cell in first.cells
        }
        assert client.tasks().total == (2 + 3 + 2) * N_TYPES
        assert states(both)["soft", "optimization", "Zn"] is CellState.COMPLETED
        assert {states(both)["broken", "stability", name] for name in ("Cu", "Al")} == {CellState.FAILED}
        side_by_side = client.benchmark_structure(1, next(e.id for e in both.structures if e.name == "Cu"))
        assert {(each.column, each.task_type) for each in side_by_side.outcomes} == {
            (column.id, task_type) for column in side_by_side.columns for task_type in both.task_types
        }
    assert '"broken"' in stdout and (folder / "report.json").is_file()


def test_a_kill_of_everything_in_the_middle_changes_no_score(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory, prepared: Prepared
) -> None:
    bench.run("benchmark", "emt", *LINE, "--references", "own.csv", "--no-wait")

    def is_in_the_middle() -> bool:
        with bench.client() as client:
            found = client.benchmark_progress(1)
        done, runs = found.counts[CellState.COMPLETED], found.counts[CellState.RUNNING]
        return 0 < done < 2 * N_TYPES - 1 and runs > 0

    wait_until(is_in_the_middle, lambda: "it never was", 120)
    bench.kill()
    bench.begin()
    bench.run("benchmark", "emt", *LINE, "--resume")
    folder = tmp_path_factory.mktemp("undisturbed")
    with prepared.copied(folder) as rows:
        undisturbed = next(other := _bench(folder, rows))
        try:
            undisturbed.run("benchmark", "emt", *LINE, "--references", "own.csv")
            with bench.client() as killed, undisturbed.client() as calm:
                assert killed.benchmark(1).counts == calm.benchmark(1).counts
                assert sum(row.attempts for row in killed.benchmark_results(1)) > 2 * N_TYPES
                assert _scores(killed) == _scores(calm)
        finally:
            other.close()
            undisturbed.commands.close()


def _scores(client: Client) -> dict[tuple[str, str], tuple[float | None, float | None, float | None, int]]:
    """All but the speed, which no machine has twice."""
    scores = client.benchmark_scores(1).scores
    return {(s.task_type, s.metric): (s.value, s.low, s.high, s.n) for s in scores if s.metric != "speed"}


def test_ctrl_c_stops_watching_and_no_more(bench: Bench) -> None:
    watcher = bench.commands.start("--server", bench.url, "benchmark", "emt", *LINE, "--every", "0")
    assert watcher.stdout is not None
    assert watcher.stdout.readline().startswith("benchmark 1")
    watcher.send_signal(signal.SIGINT)
    _, stderr = watcher.communicate(timeout=30)
    assert watcher.returncode == 130 and "benchmark 1 goes on" in stderr
    stdout, _ = bench.run("benchmarks", "watch", "1")
    assert f"{2 * N_TYPES} completed" in stdout
    assert child_with(bench.up.pid if bench.up else 0, "serve")
