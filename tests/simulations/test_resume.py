"""A run that is killed goes on from its checkpoint, as if nothing had happened."""

import csv
from pathlib import Path
from typing import Any

import pytest
from ase.io import read

from .child import Child
from .conftest import EMT

EVERY: dict[str, Any] = {"steps": 7, "seconds": 1e9}


def rows(directory: Path) -> list[dict[str, str]]:
    """series.csv without the column that tells the time."""
    with (directory / "series.csv").open() as file:
        return [{name: value for name, value in row.items() if name != "time_s"} for row in csv.DictReader(file)]


def assert_same_rows(resumed: Path, undisturbed: Path, within: float = 1e-6) -> None:
    """EMT sums over neighbours in an order that depends on the past, so the last bits may differ."""
    ours, theirs = rows(resumed), rows(undisturbed)
    assert [row["step"] for row in ours] == [row["step"] for row in theirs]
    for our, their in zip(ours, theirs, strict=True):
        numbers = {name: float(value) for name, value in their.items()}
        assert {name: float(value) for name, value in our.items()} == pytest.approx(numbers, abs=within, rel=0)


def assert_same_run(resumed: Path, undisturbed: Path, within: float = 1e-6) -> None:
    """Row for row and frame for frame."""
    assert_same_rows(resumed, undisturbed, within)
    frames = (read(resumed / "trajectory.extxyz", ":"), read(undisturbed / "trajectory.extxyz", ":"))
    for our_frame, their_frame in zip(*frames, strict=True):
        assert our_frame.info["step"] == their_frame.info["step"]
        assert our_frame.positions == pytest.approx(their_frame.positions, abs=within)
        assert our_frame.cell.array == pytest.approx(their_frame.cell.array, abs=within)


def until_step(child: Child, step: int) -> None:
    while child.until("progress")["step"] < step:
        pass


def kill_and_resume(
    victim: Child, heir: Child, task_type: str, structure: Path, tmp_path: Path, at_step: int, **request: Any
) -> dict[str, Any]:
    """Kill an executor at a step, and let another one run the second attempt to its end; that end."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    request = {"model": EMT, "checkpoint": str(checkpoint), "checkpoint_every": EVERY, **request}
    victim.run(task_type, structure, tmp_path / "1", **request)
    until_step(victim, at_step)
    victim.process.kill()
    heir.seen.clear()
    heir.run(task_type, structure, tmp_path / "2", **request, attempt=2)
    started = heir.until("started")
    end = heir.end()
    assert at_step - request["checkpoint_every"]["steps"] <= started["resumed_from"]
    first = next(message["step"] for message in heir.seen if message["type"] == "progress")
    assert first == started["resumed_from"] + 1
    return end


def run_undisturbed(child: Child, task_type: str, structure: Path, directory: Path, **request: Any) -> dict[str, Any]:
    child.run(task_type, structure, directory, **{"model": EMT, **request})
    return child.end()


def assert_same_end(resumed: dict[str, Any], undisturbed: dict[str, Any], within: float = 1e-6) -> None:
    assert resumed["type"] == undisturbed["type"] == "completed"
    assert resumed["output_files"].keys() == undisturbed["output_files"].keys()
    assert resumed["result"].keys() == undisturbed["result"].keys()
    for name, value in undisturbed["result"].items():
        assert resumed["result"][name] == (pytest.approx(value, abs=within) if is_numeric(value) else value), name


def is_numeric(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, list) and bool(value) and isinstance(value[0], float))


@pytest.mark.parametrize("optimizer", ["LBFGS", "BFGS", "FIRE"])
@pytest.mark.parametrize("relax_cell", [True, False])
def test_a_killed_relaxation_makes_the_steps_that_it_would_have_made(
    child: Child, warm_child: Child, copper: Path, tmp_path: Path, optimizer: str, relax_cell: bool
) -> None:
    parameters = {"fmax_eV_per_A": 0.002, "max_steps": 40, "optimizer": optimizer, "relax_cell": relax_cell}
    resumed = kill_and_resume(child, warm_child, "optimization", copper, tmp_path, 17, parameters=parameters)
    undisturbed = run_undisturbed(warm_child, "optimization", copper, tmp_path / "whole", parameters=parameters)
    assert_same_run(tmp_path / "2", tmp_path / "whole")
    assert_same_end(resumed, undisturbed)


@pytest.mark.parametrize(("stage", "step"), [("relaxation", 4), ("NVT", 26), ("NPT", 70), ("NPT", 100)])
def test_a_killed_run_of_dynamics_is_the_run_that_would_have_been(
    child: Child, warm_child: Child, copper: Path, tmp_path: Path, dynamics: dict[str, Any], stage: str, step: int
) -> None:
    every = {"checkpoint_every": {"steps": 3, "seconds": 1e9}}
    resumed = kill_and_resume(child, warm_child, "stability", copper, tmp_path, step, parameters=dynamics, **every)
    undisturbed = run_undisturbed(warm_child, "stability", copper, tmp_path / "whole", parameters=dynamics)
    assert_same_run(tmp_path / "2", tmp_path / "whole")
    assert_same_end(resumed, undisturbed)
    stages = [float(row["stage"]) for row in rows(tmp_path / "2")]
    assert stages[step] == {"relaxation": 1, "NVT": 2, "NPT": 3}[stage]


@pytest.fixture
def request_with_checkpoint(tmp_path: Path) -> dict[str, Any]:
    """Of a relaxation that needs 72 steps."""
    (tmp_path / "checkpoint").mkdir()
    return {
        "model": EMT,
        "parameters": {"fmax_eV_per_A": 0.002, "max_steps": 200, "optimizer": "FIRE", "relax_cell": False},
        "checkpoint": str(tmp_path / "checkpoint"),
        "checkpoint_every": EVERY,
    }


@pytest.mark.parametrize("reason", ["cancelled", "timeout", "shutdown"])
def test_a_run_that_is_asked_to_stop_leaves_a_checkpoint_of_its_last_step(
    warm_child: Child, copper: Path, tmp_path: Path, request_with_checkpoint: dict[str, Any], reason: str
) -> None:
    request = {**request_with_checkpoint, "checkpoint_every": {"steps": 10**6, "seconds": 1e9}}
    warm_child.run("optimization", copper, tmp_path / "1", **request)
    until_step(warm_child, 3)
    warm_child.send(type="cancel", task_id=1, reason=reason)
    stopped = warm_child.end()
    assert stopped["type"] == "stopped"
    warm_child.run("optimization", copper, tmp_path / "2", **request, attempt=2)
    assert warm_child.until("started")["resumed_from"] == stopped["result"]["steps"]
    assert warm_child.end()["type"] == "completed"
    whole = tmp_path / "whole"
    run_undisturbed(warm_child, "optimization", copper, whole, parameters=request["parameters"])
    assert_same_run(tmp_path / "2", whole)


def warnings_of(child: Child) -> str:
    return "\n".join(m["message"] for m in child.seen if m["type"] == "log" and m["level"] == "WARNING")


def spoil_the_newest_checkpoint(tmp_path: Path) -> None:
    path = max((tmp_path / "checkpoint").iterdir())
    path.write_bytes(path.read_bytes()[:-1])


def spoil_all_checkpoints(tmp_path: Path) -> None:
    for path in (tmp_path / "checkpoint").iterdir():
        path.write_bytes(b"")


def spoil_the_trajectory(tmp_path: Path) -> None:
    path = tmp_path / "1" / "trajectory.extxyz"
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    ("spoil", "resumed_from", "words"),
    [
        (spoil_the_newest_checkpoint, 62, "torn"),
        (spoil_all_checkpoints, None, "no checkpoint"),
        (spoil_the_trajectory, None, "trajectory.extxyz is not what it was"),
    ],
)
def test_what_was_damaged_is_told_and_not_used(
    warm_child: Child,
    copper: Path,
    tmp_path: Path,
    request_with_checkpoint: dict[str, Any],
    spoil: Any,
    resumed_from: int | None,
    words: str,
) -> None:
    run_undisturbed(warm_child, "optimization", copper, tmp_path / "1", **request_with_checkpoint)
    spoil(tmp_path)
    warm_child.seen.clear()
    warm_child.run("optimization", copper, tmp_path / "2", **request_with_checkpoint, attempt=2)
    assert warm_child.until("started")["resumed_from"] == resumed_from
    assert warm_child.end()["type"] == "completed"
    assert words in warnings_of(warm_child)
    assert_same_rows(tmp_path / "2", tmp_path / "1")
    assert len(read(tmp_path / "2" / "trajectory.extxyz", ":")) == len(rows(tmp_path / "2"))


@pytest.mark.parametrize("change", ["parameters", "structure", "model"])
def test_a_checkpoint_of_another_run_is_told_and_not_used(
    warm_child: Child, copper: Path, tmp_path: Path, request_with_checkpoint: dict[str, Any], change: str
) -> None:
    run_undisturbed(warm_child, "optimization", copper, tmp_path / "1", **request_with_checkpoint)
    request = dict(request_with_checkpoint)
    structure = tmp_path / "structure.extxyz"
    structure.write_text(copper.read_text())
    if change == "parameters":
        request["parameters"] = {**request["parameters"], "fmax_eV_per_A": 0.02}
    elif change == "structure":
        structure.write_text(copper.read_text() + "\n")
    else:
        request["model"] = {**EMT, "options": {"asap_cutoff": True}}
    warm_child.seen.clear()
    warm_child.run("optimization", structure, tmp_path / "2", **request, attempt=2)
    assert warm_child.until("started")["resumed_from"] is None
    assert warm_child.end()["type"] == "completed"
    assert "another structure, model or set of parameters" in warnings_of(warm_child)


def test_a_third_attempt_goes_on_from_the_second(
    warm_child: Child, copper: Path, tmp_path: Path, request_with_checkpoint: dict[str, Any]
) -> None:
    for attempt in (1, 2, 3):
        request = {**request_with_checkpoint, "attempt": attempt}
        warm_child.run("optimization", copper, tmp_path / str(attempt), **request)
        until_step(warm_child, 9 * attempt)
        warm_child.send(type="cancel", task_id=1, reason="shutdown", attempt=attempt)
        assert warm_child.end()["type"] == "stopped"
    warm_child.run("optimization", copper, tmp_path / "4", **request_with_checkpoint, attempt=4)
    end = warm_child.end()
    whole = run_undisturbed(
        warm_child, "optimization", copper, tmp_path / "whole", parameters=request_with_checkpoint["parameters"]
    )
    assert_same_run(tmp_path / "4", tmp_path / "whole")
    assert_same_end(end, whole)


def test_without_a_folder_for_checkpoints_a_run_is_as_ever(
    warm_child: Child, copper: Path, tmp_path: Path, relaxation: dict[str, Any]
) -> None:
    end = run_undisturbed(warm_child, "optimization", copper, tmp_path / "1", parameters=relaxation)
    assert end["type"] == "completed"


def test_a_checkpoint_that_cannot_be_written_is_told_and_the_run_goes_on(
    warm_child: Child, copper: Path, tmp_path: Path, request_with_checkpoint: dict[str, Any]
) -> None:
    (tmp_path / "checkpoint").rmdir()
    warm_child.seen.clear()
    end = run_undisturbed(warm_child, "optimization", copper, tmp_path / "1", **request_with_checkpoint)
    assert end["type"] == "completed"
    assert "No checkpoint at step" in warnings_of(warm_child)
