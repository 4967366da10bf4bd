"""What the panel below the list says of a task that has ended."""

from datetime import timedelta
from typing import Any

import pytest

from mofsim.schemas.tasks import Progress, TaskError, TaskResult
from mofsim.tui.outcome import error_lines, result_lines
from mofsim.tui.screens.tasks import TasksScreen
from mofsim.vocabulary import TaskStatus, TaskType
from tests.tui import found
from tests.tui.conftest import Run
from tests.tui.fake import NOW, task, world


def lines_of(task_type: TaskType, values: dict[str, Any]) -> list[str]:
    times = {"started_at": NOW - timedelta(seconds=192), "completed_at": NOW}
    ended = task(7, TaskStatus.COMPLETED, task_type=task_type, parameters={"fmax_eV_per_A": 0.001}, **times)
    result = TaskResult(
        task_id=7, status=TaskStatus.COMPLETED, attempt=1, result=values, output_files={}, metrics={}, provenance={}
    )
    return list(result_lines(ended, result))


@pytest.mark.parametrize(
    ("task_type", "values", "words"),
    [
        (TaskType.SINGLE_POINT, {"energy_eV": -712.25, "energy_per_atom_eV": -6.719}, "energy -712.2500 eV, per atom"),
        (TaskType.OPTIMIZATION, found.optimization(final_energy_eV=-1234.5, volume_change_percent=2.4),
         "energy -1234.5000 eV, volume +2.40 %"),
        (TaskType.STABILITY, found.stability(stable=True, volume_drift_percent=-1.5), "stable, volume drift -1.50 %"),
        (TaskType.STABILITY, found.stability(stable=False), "not stable"),
        (TaskType.BULK_MODULUS, found.bulk_modulus(bulk_modulus_GPa=16.21), "B0 16.21 GPa"),
        (TaskType.HEAT_CAPACITY, found.heat_capacity(heat_capacity_J_per_gK=0.7312), "Cv at 300 K 0.7312 J/g/K"),
        (TaskType.INTERACTION_ENERGY, {"interaction_energy_eV": -0.5}, "-0.5000 eV (-48.24 kJ/mol)"),
    ],
)  # fmt: skip
def test_a_completed_task_says_its_key_result_and_how_long_it_took(
    task_type: TaskType, values: dict[str, Any], words: str
) -> None:
    took, numbers, *_ = lines_of(task_type, values)
    assert took.startswith("Done in 03:12")
    assert words in numbers


def test_what_spoils_a_result_is_told_with_it() -> None:
    took, _, *warnings = lines_of(TaskType.OPTIMIZATION, found.optimization(converged=False))
    assert took == "Done in 03:12; 1 to note"
    assert warnings == ["Not converged: it did not reach the goal of 0.001 eV/Å. Take the numbers for what they are."]


def test_a_failed_task_says_its_error_how_far_it_came_and_what_to_do() -> None:
    failed = task(
        7,
        TaskStatus.FAILED,
        error=TaskError(type="OutOfMemory", message="it needs 90 GB"),
        progress=Progress(step=12, fmax_eV_per_A=0.5),
        attempt=2,
        max_attempts=3,
        started_at=NOW - timedelta(seconds=65),
        completed_at=NOW,
    )
    error, where, remedy = error_lines(failed)
    assert error == "OutOfMemory: it needs 90 GB"
    assert where == "after 01:05, attempt 2 of 3, at step 12 with fmax 0.5 eV/Å"
    assert "a larger GPU" in remedy


def test_an_error_without_a_remedy_of_its_own_points_to_the_log() -> None:
    *_, last = error_lines(task(7, TaskStatus.FAILED, error=TaskError(type="ZeroDivisionError", message="")))
    assert last == "l shows its log; r tries it again"


async def test_the_panel_tells_the_result_of_the_task_under_the_cursor(run: Run) -> None:
    known = world()
    done = next(each for each in known.tasks.values() if each.status is TaskStatus.COMPLETED)
    known.results[done.id] = found.optimization(final_energy_eV=-77.125, converged=False)
    async with run(known) as c:
        assert isinstance(c.app.screen, TasksScreen)
        c.app.screen.table.go_to(done.id)
        await c.sees("Done in", "-77.1250 eV", "Not converged")


async def test_a_page_down_draws_the_panel_with_the_list(run: Run) -> None:
    async with run() as c:
        screen = c.app.screen
        assert isinstance(screen, TasksScreen)
        before = screen.peek.shown
        screen.do_move_page_down()
        assert screen.peek.shown is not before
        assert screen.peek.shown is not None and screen.peek.shown.id == screen.table.cursor
