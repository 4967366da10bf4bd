"""A run that is killed goes on from its checkpoint, as if nothing had happened."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ase.io import read

from .child import Child
from .conftest import EMT

EVERY: dict[str, Any] = {"steps": 7, "seconds": 1e9}


@pytest.fixture
def children() -> Iterator[Callable[[], Child]]:
    """Starts executors; those that still live at the end are closed."""
    started: list[Child] = []

    def start() -> Child:
        started.append(Child("--threads", "1"))
        return started[-1]

    yield start
    for child in started:
        child.close()


def rows(directory: Path) -> list[dict[str, str]]:
    """series.csv without the column that tells the time."""
    with (directory / "series.csv").open() as file:
        return [{name: value for name, value in row.items() if name != "time_s"} for row in csv.DictReader(file)]


def assert_same_run(resumed: Path, undisturbed: Path, within: float = 1e-6) -> None:
    """Row for row and frame for frame, numbers within 1e-6."""
    ours, theirs = rows(resumed), rows(undisturbed)
    assert [row["step"] for row in ours] == [row["step"] for row in theirs]
    for our, their in zip(ours, theirs, strict=True):
        numbers = {name: float(value) for name, value in their.items()}
        assert {name: float(value) for name, value in our.items()} == pytest.approx(numbers, abs=within, rel=0)
    frames = (read(resumed / "trajectory.extxyz", ":"), read(undisturbed / "trajectory.extxyz", ":"))
    for our_frame, their_frame in zip(*frames, strict=True):
        assert our_frame.info["step"] == their_frame.info["step"]
        assert our_frame.positions == pytest.approx(their_frame.positions, abs=within)
        assert our_frame.cell.array == pytest.approx(their_frame.cell.array, abs=within)


def until_step(child: Child, step: int) -> None:
    while child.until("progress")["step"] < step:
        pass


def kill_and_resume(
    children: Callable[[], Child], task_type: str, structure: Path, tmp_path: Path, at_step: int, **request: Any
) -> dict[str, Any]:
    """Kill the executor at a step, and let another one run the second attempt to its end; that end."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    request = {"model": EMT, "checkpoint": str(checkpoint), "checkpoint_every": EVERY, **request}
    victim = children()
    victim.run(task_type, structure, tmp_path / "1", **request)
    until_step(victim, at_step)
    victim.process.kill()
    heir = children()
    heir.run(task_type, structure, tmp_path / "2", **request, attempt=2)
    started = heir.until("started")
    end = heir.end()
    assert at_step - EVERY["steps"] <= started["resumed_from"]
    first = next(message["step"] for message in heir.seen if message["type"] == "progress")
    assert first == started["resumed_from"] + 1
    return end


def run_undisturbed(child: Child, task_type: str, structure: Path, directory: Path, **request: Any) -> dict[str, Any]:
    child.run(task_type, structure, directory, **{"model": EMT, **request})
    return child.end()


@pytest.mark.parametrize("optimizer", ["LBFGS", "BFGS", "FIRE"])
@pytest.mark.parametrize("relax_cell", [True, False])
def test_a_killed_relaxation_makes_the_steps_that_it_would_have_made(
    children: Callable[[], Child], copper: Path, tmp_path: Path, optimizer: str, relax_cell: bool
) -> None:
    parameters = {"fmax_eV_per_A": 0.002, "max_steps": 200, "optimizer": optimizer, "relax_cell": relax_cell}
    resumed = kill_and_resume(children, "optimization", copper, tmp_path, 17, parameters=parameters)
    undisturbed = run_undisturbed(children(), "optimization", copper, tmp_path / "whole", parameters=parameters)
    assert_same_run(tmp_path / "2", tmp_path / "whole")
    assert resumed["result"] == pytest.approx(undisturbed["result"], abs=1e-6)
    assert resumed["output_files"].keys() == undisturbed["output_files"].keys()
    assert resumed["result"]["converged"] is True
