"""The benchmarks and the matrix of one."""

from pathlib import Path

from mofsim.client import Invalid
from mofsim.tui.benchmark_plan import plan_lines
from mofsim.tui.looks import ASCII, UNICODE
from mofsim.tui.matrix import Matrix, cell_lines, counts, left
from mofsim.tui.registry import NOT_WELL
from mofsim.tui.screens.benchmark import BenchmarkScreen
from mofsim.tui.screens.benchmark_form import BenchmarkForm
from mofsim.tui.screens.benchmarking import AGAIN, form_of, judge_report
from mofsim.vocabulary import SCORED, CellState, ReportFormat, TaskType
from tests.tui.conftest import Driver, Run
from tests.tui.fake import World, world
from tests.tui.fake_benchmarks import FIRST, some_benchmark, some_plan

C = CellState


def with_benchmark(**changes: object) -> World:
    known = world()
    known.benchmarks[1] = some_benchmark(**changes)
    return known


def test_a_matrix_has_a_row_for_each_structure_and_the_kinds_of_a_model_side_by_side() -> None:
    matrix = Matrix(some_benchmark())
    assert [kind.short for kind in matrix.kinds] == ["relax", "stab", "CO2", "H2O"] * 2
    assert [kind.model for kind in matrix.kinds] == ["7net-0"] * 4 + ["7net-l3i5"] * 4
    states = [[matrix.at(row, column).state for column in range(4)] for row in range(4)]  # type: ignore[union-attr]
    assert states == FIRST
    assert matrix.at(4, 0) is None and matrix.at(0, 8) is None


def test_failures_follow_each_other_and_begin_again() -> None:
    matrix = Matrix(some_benchmark())
    first = matrix.next(0, 0, NOT_WELL)
    assert first == (2, 0)
    assert matrix.next(*first, NOT_WELL) == (0, 3)
    assert matrix.next(0, 3, NOT_WELL) == (2, 0)
    assert matrix.next(0, 0, {C.DELETED}) == (2, 3)
    assert matrix.next(2, 0, {C.LOST}) == (2, 0)


def test_each_state_is_a_glyph_and_a_word_in_every_terminal() -> None:
    for glyphs in (UNICODE, ASCII):
        told = [text for text, _ in counts(some_benchmark(), glyphs)]
        assert len({text[0] for text in told}) == len(told) == len(C)
        assert all(text.split(maxsplit=2)[2] in set(C) for text in told)


def test_what_is_left_is_told_as_far_as_it_is_known() -> None:
    assert left(some_benchmark()) == "31 %, about 2 h 01 m left"
    assert left(some_benchmark(eta_seconds=None)) == "31 %, time left not known yet"
    assert left(some_benchmark(counts={C.COMPLETED: 4}, percent=100.0, eta_seconds=None)) == "100 %, ended"
    assert left(some_benchmark(counts={C.NOT_COVERED: 4}, percent=None)) == "nothing to compute"


def test_a_cell_tells_its_task_and_its_reason() -> None:
    matrix = Matrix(some_benchmark())
    assert cell_lines(matrix, 1, 1) == [
        "IRMOF-1, stability, 7net-0: running, 37 %",
        "Zn4C24H12O13, 602 atoms",
        "task 8122; enter opens it",
    ]
    assert cell_lines(matrix, 3, 2)[-1] == "7net-0 does not know Zr"
    assert matrix.kinds[2].task_type is TaskType.INTERACTION_ENERGY and "of CO2" in cell_lines(matrix, 3, 2)[0]


def test_the_end_of_a_name_tells_the_form_of_a_report() -> None:
    names = ("a.html", "b.TXT", "c.csv", "d-tasks.csv", "e.pdf")
    assert [form_of(name) for name in names] == [
        ReportFormat.HTML, ReportFormat.TEXT, ReportFormat.CSV, ReportFormat.OUTCOMES, None,
    ]  # fmt: skip
    assert ".html" in judge_report("report.pdf").problem and not judge_report("report.csv").problem


async def open_matrix(c: Driver) -> BenchmarkScreen:
    await c.press("8")
    await c.sees("essential mofsimbench", "31 %", "2 h 01 m")
    await c.press("enter")
    await c.sees("1 essential mofsimbench", "relax", "HKUST-1, optimization, 7net-0: completed")
    assert isinstance(c.app.screen, BenchmarkScreen)
    return c.app.screen


async def test_the_list_says_how_a_first_one_begins(run: Run) -> None:
    async with run() as c:
        await c.press("8")
        await c.sees("[8 Benchmarks]", "No benchmarks yet.", "n begins one")


async def test_the_command_opens_the_list(run: Run) -> None:
    async with run(with_benchmark()) as c:
        await c.press("colon")
        await c.type("bench")
        await c.press("enter")
        await c.sees("[8 Benchmarks]", "essential mofsimbench", "✗ 2")


async def test_cells_are_walked_and_the_task_of_one_is_opened(run: Run) -> None:
    async with run(with_benchmark()) as c:
        await open_matrix(c)
        await c.press("right", "j")
        await c.sees("IRMOF-1, stability, 7net-0: running, 37 %", "task 8122")
        await c.press("k", "left", "enter")
        await c.sees("8117", "Result")


async def test_the_next_failure_is_one_key_away(run: Run) -> None:
    async with run(with_benchmark()) as c:
        await open_matrix(c)
        await c.press("f")
        await c.sees("UiO-66, optimization, 7net-0: lost", "ExecutorDied")
        await c.press("f")
        await c.sees("HKUST-1, interaction-energy of H2O, 7net-0: failed", "blew up at step 143")


async def test_a_cell_without_a_task_says_why(run: Run) -> None:
    async with run(with_benchmark()) as c:
        await open_matrix(c)
        await c.press("G", "enter")
        await c.sees("it has no task: 7net-0 does not know Zr")


async def test_a_retry_takes_what_was_lost_and_with_R_what_failed(run: Run) -> None:
    async with run(with_benchmark()) as c:
        await open_matrix(c)
        await c.press("r")
        await c.sees("3 tasks wait again", "✗ 1 failed")
        await c.misses("1 lost")
        await c.press("R")
        await c.sees("Try again what failed in essential", "1 failed by themselves")
        await c.press("y")
        await c.sees("1 tasks wait again")
        await c.misses("1 failed")


async def test_a_cancel_asks_first_and_keeps_by_default(run: Run) -> None:
    async with run(with_benchmark()) as c:
        await open_matrix(c)
        await c.press("c")
        await c.sees("Cancel the tasks of essential", "20 have not ended")
        await c.press("enter")
        assert ("POST", "benchmarks/1/cancel") not in c.world.asked
        await c.press("c", "y")
        await c.sees("20 tasks end, or are asked to")


async def test_a_model_is_added_of_those_that_it_lacks(run: Run) -> None:
    known = with_benchmark(models=("7net-l3i5",))
    async with run(known) as c:
        await open_matrix_of(c)
        await c.press("m")
        await c.sees("add which model", "7net-0", "16 more cells")
        assert "unproven" not in c.text
        await c.press("enter")
        await c.sees("16 new tasks", "7net-0  ")
        assert c.world.benchmarks[1].models == ["7net-l3i5", "7net-0"]


async def open_matrix_of(c: Driver) -> None:
    await c.press("8")
    await c.sees("essential mofsimbench")
    await c.press("enter")
    await c.sees("relax")


async def test_a_report_is_saved_in_the_form_of_its_name(run: Run, tmp_path: Path) -> None:
    async with run(with_benchmark()) as c:
        await open_matrix(c)
        await c.press("e")
        await c.sees("Save the report of essential")
        c.app.screen.query_one("#path").value = str(tmp_path / "new" / "scores.pdf")  # type: ignore[attr-defined]
        await c.sees("end it with .html")
        c.app.screen.query_one("#path").value = str(tmp_path / "new" / "scores.csv")  # type: ignore[attr-defined]
        await c.press("enter")
        await c.sees("the report is in")
        assert "'format': 'csv'" in (tmp_path / "new" / "scores.csv").read_text()


async def test_cells_that_change_are_seen_without_a_key_and_nothing_is_asked_once_it_is_left(run: Run) -> None:
    async with run(with_benchmark()) as c:
        screen = await open_matrix(c)
        await c.press("right", "j")
        found = c.world.benchmarks[1]
        cells = [e.model_copy(update={"state": C.COMPLETED}) if e.state is C.RUNNING else e for e in found.cells]
        counts = {**found.counts, C.COMPLETED: found.counts[C.COMPLETED] + 1, C.RUNNING: 0}
        c.world.benchmarks[1] = found.model_copy(update={"cells": cells, "counts": counts})
        screen._tick()
        await c.sees("IRMOF-1, stability, 7net-0: completed")
        await c.press("2")
        await c.sees("[2 Tasks]")
        n = len(c.world.asked)
        screen._tick()
        await c.pilot.pause(0.1)
        assert not [asked for asked in c.world.asked[n:] if "benchmarks" in asked[1]] and AGAIN > 1


async def test_without_a_server_the_matrix_stays_and_acting_keys_say_why_not(run: Run) -> None:
    async with run(with_benchmark()) as c:
        await open_matrix(c)
        await c.world.go_down()
        await c.sees("does not answer", "HKUST-1")
        await c.press("r")
        await c.sees("this works again")


def test_a_plan_says_what_is_computed_and_what_it_takes() -> None:
    assert plan_lines(some_plan()) == [
        "27 tasks to compute of 32 cells, 4 structures, 3 have a finished result, 2 are not covered by their model",
        "about 2.1 GPU-hours (1 to 5), time of 4 tasks not known yet, memory up to 11.8 GB, about 640 MB on disk",
    ]
    unknown = some_plan(device_seconds={}, n_unknown_time=27, largest_memory_MB=None, disk_MB=None)
    assert plan_lines(unknown)[1] == "time of all tasks not known yet, memory not known yet, disk not known yet"
    assert plan_lines(some_plan(n_new=0, n_there=32, benchmark_id=3)) == [
        "0 tasks to compute of 32 cells, 4 structures, 32 are in benchmark 3 already, 3 have a finished result, "
        "2 are not covered by their model"
    ]


async def open_form(c: Driver) -> None:
    await c.press("8", "n")
    await c.sees("new benchmark", "7net-0", "27 tasks to compute", "GPU-hours")


async def test_a_benchmark_is_planned_started_and_shown(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        form = c.app.screen
        assert isinstance(form, BenchmarkForm)
        form.name_of_it.value = "mine"
        assert form.guests.value == "CO2 H2O"
        form.guests.value = "CO2, N2"
        await c.press("ctrl+s")
        await c.until(lambda: isinstance(c.app.screen, BenchmarkScreen))
        [asked] = c.world.submitted
        assert asked["models"] == ["7net-0"]
        assert (asked["set"], asked["preset"], asked["name"]) == ("essential", "mofsimbench", "mine")
        assert [each["task_type"] for each in asked["task_types"]] == list(SCORED)
        assert asked["guests"] == ["CO2", "N2"]
        await c.sees("mine", "it began")


async def test_without_a_model_or_type_nothing_is_asked_or_started(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("minus", "tab", "minus")
        await c.sees("choose a model and a task type")
        await c.misses("27 tasks")
        await c.press("ctrl+s")
        assert c.world.submitted == []


async def test_a_refusal_stays_in_the_form(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        c.world.refusal = Invalid("the set has no structures", code=422, type="Invalid", field="set")
        await c.press("ctrl+s")
        await c.sees("the set has no structures")
        assert isinstance(c.app.screen, BenchmarkForm)
