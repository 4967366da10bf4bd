import csv
import io
from pathlib import Path
from typing import Any

import pytest

from mofsim.schemas.tasks import Task, TaskResult
from mofsim.tui import compare_curves, comparison, figures
from mofsim.tui.compare_layout import Layout
from mofsim.tui.looks import UNICODE
from mofsim.tui.screens.compare import Compare
from mofsim.tui.screens.task_detail import TaskDetail
from mofsim.tui.screens.tasks import TasksScreen
from mofsim.vocabulary import TaskStatus, TaskType
from tests.tui import found
from tests.tui.conftest import Driver, Run
from tests.tui.fake import World, falling, task, world


def done(id: int, **changes: Any) -> Task:
    return task(id, TaskStatus.COMPLETED, **changes)


def result(id: int, values: dict[str, Any], **provenance: Any) -> TaskResult:
    fields: dict[str, Any] = {"task_id": id, "status": TaskStatus.COMPLETED, "attempt": 1, "result": values}
    return TaskResult(
        **fields,
        output_files={},
        metrics={"duration_seconds": 700.0 + id, "seconds_per_step": 2.0},
        provenance={"device": "H100", "dtype": "float32"} | provenance,
    )


def two() -> tuple[list[Task], comparison.Results]:
    tasks = [done(8), done(16, model="7net-l3i5")]
    values = found.optimization(), found.optimization(final_energy_eV=-1234.412, converged=False)
    versions = {"ase": "3.26"}, {"ase": "3.27"}
    results = zip(tasks, values, versions, strict=True)
    return tasks, {each.id: result(each.id, value, versions=version) for each, value, version in results}


def labelled(rows: list[comparison.Row]) -> dict[str, comparison.Row]:
    return {row.label: row for row in rows}


def test_only_what_differs_is_left() -> None:
    tasks, results = two()
    rows = comparison.rows(tasks, results)
    assert {row.label for row in comparison.different(rows)} == {
        "model",
        "converged",
        "final energy",
        "computed for",
        "ase",
    }
    assert {"structure", "fmax", "final volume", "device"} <= {row.label for row in rows}


def test_numbers_have_their_difference_to_the_first() -> None:
    tasks, results = two()
    rows = labelled(comparison.rows(tasks, results))
    energy = rows["final energy"]
    assert (energy.text(0), energy.unit) == ("-1234.5120", "eV")
    assert energy.delta(0) == ("", "")
    assert energy.delta(1) == ("+0.1000", "+0.01 %")
    assert rows["converged"].delta(1) == ("", "")
    assert rows["final volume"].delta(1) == ("", "")


def test_what_says_nothing_of_two_tasks_is_not_said() -> None:
    """A share of what is as good as nothing, and how far the id of one structure is from that of another."""
    assert figures.percent(3.0, 2.0) == "+50.00 %"
    assert figures.percent(-6.3e-9, 1.4e-17) == figures.percent(1.0, 0.0) == ""
    tasks = [done(8), done(16)]
    other = tasks[1].structure.model_copy(update={"id": tasks[0].structure.id + 1})
    rows = labelled(comparison.rows([tasks[0], tasks[1].model_copy(update={"structure": other})], {}))
    assert rows["structure id"].delta(1) == ("", "")


def test_the_main_results_come_first() -> None:
    tasks, results = two()
    names = [row.name for row in comparison.rows(tasks, results) if row.section == "result"]
    assert names[:2] == ["converged", "final_energy_eV"]
    assert names.index("a_A") > names.index("final_volume_A3")


def test_a_task_without_a_result_has_gaps() -> None:
    tasks, results = two()
    rows = labelled(comparison.rows(tasks, {**results, 16: None}))
    assert rows["final energy"].text(1) == "–"
    assert rows["final energy"].delta(1) == ("", "")


def test_the_table_for_programs_has_all_digits_and_the_differences() -> None:
    tasks, results = two()
    rows = comparison.different(comparison.rows(tasks, results))
    table = list(csv.DictReader(io.StringIO(comparison.as_csv(rows, tasks))))
    energy = next(row for row in table if row["name"] == "final_energy_eV")
    assert (energy["task 8"], energy["task 16"]) == ("-1234.512", "-1234.412")
    assert float(energy["difference of task 16"]) == pytest.approx(0.1)
    assert float(energy["percent of task 16"]) == pytest.approx(100 * 0.1 / 1234.512)


def lines(layout: Layout) -> list[str]:
    return ["".join(text for text, _ in line) for line in (*layout.head(), *layout.body(False))]


@pytest.mark.parametrize("width", [40, 60, 78, 118, 200])
def test_the_layout_never_runs_over(width: int) -> None:
    tasks = [done(8 * i) for i in range(1, 7)]
    rows = comparison.rows(tasks, {each.id: result(each.id, found.optimization()) for each in tasks})
    layout = Layout(tasks, rows, width, 0, UNICODE)
    assert all(len(line) <= width for line in lines(layout))
    assert layout.shown[0] == 0


def test_the_first_task_stays_when_the_others_are_shifted() -> None:
    tasks = [done(8 * i) for i in range(1, 7)]
    layout = Layout(tasks, [], 80, 99, UNICODE)
    assert layout.shown[0] == 0
    assert layout.shown[-1] == 5
    assert "more: ← →" in lines(layout)[1]


def test_curves_of_one_type_lie_over_each_other() -> None:
    tasks = [done(8, task_type=TaskType.BULK_MODULUS), done(16, task_type=TaskType.BULK_MODULUS)]
    results = {8: result(8, found.bulk_modulus(16.2)), 16: result(16, found.bulk_modulus(32.4))}
    (plot,) = compare_curves.overlaid(tasks, results, {})
    assert [(trace.label, trace.points) for trace in plot.traces] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    soft, stiff = (max(y for y in trace.ys if y is not None) for trace in plot.traces[:2])
    assert stiff == pytest.approx(2 * soft, rel=1e-6)
    assert compare_curves.overlaid([tasks[0], done(24)], results, {}) == []
    assert compare_curves.overlaid(tasks, {8: results[8], 16: None}, {}) == []


def test_heat_capacities_relaxations_and_dynamics_are_overlaid_too() -> None:
    heat = [done(i, task_type=TaskType.HEAT_CAPACITY) for i in (8, 16)]
    (plot,) = compare_curves.overlaid(heat, {i: result(i, found.heat_capacity()) for i in (8, 16)}, {})
    assert plot.x_title == "temperature (K)"
    relaxed = [done(8), done(16)]
    force, energy = compare_curves.overlaid(relaxed, {}, {i: falling(i, seed=i) for i in (8, 16)})
    assert (force.log, force.goal, energy.traces[0].ys[-1]) == (True, 0.02, 0.0)
    moved = [done(i, task_type=TaskType.STABILITY) for i in (8, 16)]
    volume, _ = compare_curves.overlaid(moved, {}, {i: found.dynamics(i) for i in (8, 16)})
    assert volume.traces[0].ys[0] == 0.0


def known() -> World:
    tasks = [done(8 * i, model="7net-0" if i % 2 else "7net-l3i5") for i in range(1, 8)]
    it = world(tasks)
    for each in tasks:
        it.results[each.id] = found.optimization(final_energy_eV=-1234.512 + each.id / 100)
        it.curves[each.id] = falling(each.id, seed=each.id)
    return it


async def compare(c: Driver, n: int) -> None:
    await c.press(*["space"] * n, "C")
    await c.sees(f"compare {n} tasks", "final energy (eV)")


async def test_selected_tasks_stand_side_by_side(run: Run) -> None:
    async with run(known(), size=(120, 80)) as c:
        await compare(c, 2)
        await c.sees("a 56 relax HKUST-1", "b 48 relax HKUST-1", "-1233.9520", "-1234.0320   -0.0800 -0.01 %")
        assert "final volume" not in c.text
        await c.press("=")
        await c.sees("≠ final energy (eV)", "  final volume (Å³)", "4314.30")
        await c.press("=")
        await c.misses("final volume")
        await c.sees("fmax (eV/Å, log)", "energy above the last one (meV/atom)")


async def test_the_curves_take_the_screen_and_give_it_back(run: Run) -> None:
    async with run(known()) as c:
        await compare(c, 2)
        await c.press("z")
        await c.misses("final energy (eV)")
        await c.press("z")
        await c.sees("final energy (eV)")


async def test_six_tasks_on_a_narrow_screen_are_shifted_through(run: Run) -> None:
    async with run(known(), size=(80, 24)) as c:
        await compare(c, 6)
        await c.sees("more: ← →", "a 56", "b 48")
        await c.press("right", "right", "right")
        await c.sees("a 56", "f 16")
        assert "b 48" not in c.text
        await c.press("left", "left", "left")
        await c.sees("b 48")


async def test_one_task_or_seven_are_refused_with_what_to_do(run: Run) -> None:
    async with run(known()) as c:
        await c.press("C")
        await c.sees("space selects tasks: 2 to 6 of them can be compared")
        await c.press("*")
        await c.sees("7 selected")
        await c.press("C")
        await c.sees("7 are too many to compare; 6 can stand side by side")
        assert isinstance(c.app.screen, TasksScreen)


async def test_c_instead_of_shift_c_loses_nothing(run: Run) -> None:
    async with run() as c:
        await c.press("j", "j", "space", "space", "c")
        await c.sees("Cancel 2 tasks?")
        await c.press("enter")
        await c.misses("Cancel 2 tasks?")
        assert not [asked for asked in c.world.asked if asked[1].endswith("/cancel")]


async def test_a_task_is_compared_with_those_that_are_selected(run: Run) -> None:
    async with run(known()) as c:
        await c.press("space", "enter")
        await c.sees("48 relax")
        await c.press("C")
        await c.sees("compare 2 tasks", "a 48 relax", "b 56 relax")
        await c.press("backspace")
        await c.until(lambda: isinstance(c.app.screen, TaskDetail))


async def test_what_is_shown_is_saved_and_copied(run: Run, tmp_path: Path) -> None:
    async with run(known()) as c:
        await compare(c, 2)
        await c.press("y")
        assert "final_energy_eV" in c.app.clipboard
        await c.press("e")
        await c.sees("rows as CSV in this file:", "./compare-56-48.csv")
        c.app.screen.query_one("#path").value = str(tmp_path / "new" / "two.csv")  # type: ignore[attr-defined]
        await c.press("enter")
        await c.sees("the comparison is in")
        assert (tmp_path / "new" / "two.csv").read_bytes().decode() == c.app.clipboard


async def test_a_task_that_ends_meanwhile_brings_its_result(run: Run) -> None:
    it = known()
    it.tasks[48] = task(48, TaskStatus.RUNNING)
    async with run(it) as c:
        await c.press("space", "space", "C")
        await c.sees("● run", "final energy (eV)")
        await c.misses("-1234.0320")
        await it.put(done(48))
        await c.sees("-1234.0320")


async def test_what_is_watched_twice_stays_watched(run: Run) -> None:
    async with run(known()) as c:
        await c.press("space", "enter", "C")
        await c.sees("compare 2 tasks")
        await c.press("backspace")
        await c.until(lambda: isinstance(c.app.screen, TaskDetail))
        c.app.session.store.window.remove(48)
        await c.world.put(task(48, TaskStatus.FAILED))
        await c.sees("✗ failed")


async def test_the_comparison_stays_when_the_server_is_gone(run: Run) -> None:
    async with run(known()) as c:
        await compare(c, 2)
        await c.world.go_down()
        await c.sees("does not answer", "-1233.9520")
        assert isinstance(c.app.screen, Compare)
