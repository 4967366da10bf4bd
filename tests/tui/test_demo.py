"""The simulated world: it lives by itself, every screen shows it, and what people do is done to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from mofsim.client import Conflict, Invalid, NotFound
from mofsim.tui.app import Console
from mofsim.tui.demo.client import DemoClient
from mofsim.tui.demo.crystals import NAMES, crystal
from mofsim.tui.demo.world import World
from mofsim.tui.looks import UNICODE
from mofsim.vocabulary import CellState, RuleKind, TaskStatus, TaskType, WorkerState
from tests.tui.conftest import Driver
from tests.tui.fake import NOW

#: What the atoms of the primitive cells are, as `mofsim.simulations.builtin` builds them.
ATOMS = {"MOF-5": 106, "HKUST-1": 156, "ZIF-8": 138, "UiO-66": 114, "Mg-MOF-74": 54}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def fresh() -> tuple[World, Clock]:
    clock = Clock()
    return World(clock), clock


def later(seconds: float) -> World:
    known, clock = fresh()
    clock.go(seconds)
    known.advance()
    return known


@pytest.mark.parametrize("name", NAMES)
def test_structures_have_their_atoms(name: str) -> None:
    found = crystal(name)
    assert len(found.symbols) == ATOMS[name]


def test_the_structures_are_those_that_come_with_mofsim() -> None:
    from mofsim.simulations.builtin import BUILTIN_MOFS

    for each in BUILTIN_MOFS:
        built, ours = each.build(), crystal(each.name)
        assert sorted(built.get_chemical_symbols()) == sorted(ours.symbols)
        assert built.get_volume() == pytest.approx(ours.volume, rel=1e-6)


def test_the_same_seed_gives_the_same_world() -> None:
    one, two = later(90), later(90)
    assert [t.model_dump() for t in one.tasks.values()] == [t.model_dump() for t in two.tasks.values()]
    assert [line.message for line in one.lines] == [line.message for line in two.lines]


def test_tasks_progress_end_and_make_room_for_others() -> None:
    known, clock = fresh()
    before = {id: run.steps for id, run in known.runs.items()}
    clock.go(5)
    known.advance()
    assert all(known.runs[id].steps > steps for id, steps in before.items())
    clock.go(300)
    known.advance()
    ended = [known.tasks[id] for id in before if known.tasks[id].status.is_final]
    assert len(ended) >= 3
    assert all(worker.task_id is None or worker.task_id in known.runs for worker in known.workers.values())
    assert len(known.tasks) > 70, "somebody submits now and then"


def test_a_gpu_heats_up_an_alert_comes_and_goes_when_it_cools() -> None:
    known, clock = fresh()
    while not known.alerts and clock.now < NOW + timedelta(minutes=10):
        clock.go(5)
        known.advance()
    (alert,) = [each for each in known.alerts.values() if each.alert_type == RuleKind.GPU_HOT]
    assert "GPU 2 of demo-box is at" in alert.message
    for worker in list(known.workers.values()):
        known.change_worker(worker.id, drain=True)
    clock.go(590)
    known.advance()
    assert known.alerts[alert.id].resolved


def test_one_of_them_fails_within_minutes_and_says_why() -> None:
    known = later(595)
    failed = [t for t in known.tasks.values() if t.status is TaskStatus.FAILED and (t.started_at or NOW) > NOW]
    assert failed and failed[0].error is not None and failed[0].error.type == "SimulationExploded"
    assert any(alert.details.get("task_id") == failed[0].id for alert in known.alerts.values())


def test_after_a_long_sleep_only_the_end_is_lived() -> None:
    known, clock = fresh()
    clock.go(100_000)
    known.advance()
    assert known.now == clock.now and known.runs


@pytest.mark.parametrize("task_type", [t for t in TaskType if t is not TaskType.VALIDATION])
async def test_every_type_of_task_has_a_result_files_and_a_log(task_type: TaskType) -> None:
    known = later(0)
    client = DemoClient(known)
    done = [t for t in known.tasks.values() if t.task_type is task_type and t.status is TaskStatus.COMPLETED]
    task = done[0]
    result = await client.result(task.id)
    assert len(result.result) >= 4
    assert {file.name for file in await client.files(task.id)} == set(result.output_files)
    whole = await client.logs(task.id, limit=5000)
    assert whole[-1].message == "done" and [line.id for line in whole] == list(range(1, len(whole) + 1))
    newest = await client.logs(task.id, limit=3, newest=True)
    assert [line.id for line in newest] == [line.id for line in whole[-3:]]
    assert (await client.series(task.id)).columns["step"][-1] == task.progress.step


async def test_files_can_be_saved_and_a_task_exported(tmp_path: Any) -> None:
    known = later(0)
    client = DemoClient(known)
    task = next(t for t in known.tasks.values() if t.status is TaskStatus.COMPLETED)
    path = await client.download(task.id, "final.extxyz", tmp_path)
    assert path.read_text().startswith(str(task.structure.n_atoms))
    cif = await client.structure_file(task.structure.id, tmp_path, "cif")
    assert "_cell_length_a" in cif.read_text()


async def test_all_pages_of_a_list_come_and_filters_hold() -> None:
    known = later(0)
    client = DemoClient(known)
    page = await client.tasks(limit=20)
    second = await client.tasks(limit=20, cursor=page.next_cursor)
    assert page.total == len(known.tasks) and not {t.id for t in page.items} & {t.id for t in second.items}
    failed = await client.tasks(["FAILED"], structure="zif-8")
    assert {(t.status, t.structure.name) for t in failed.items} <= {(TaskStatus.FAILED, "ZIF-8")}


async def test_a_benchmark_goes_on_and_people_begin_others() -> None:
    known, clock = fresh()
    client = DemoClient(known)
    begun = await client.benchmark(1)
    assert len(begun.cells) == begun.n_cells == 20 and begun.counts[CellState.WAITING] == 4
    failed = next(cell for cell in begun.cells if cell.state is CellState.FAILED)
    assert failed.reason and failed.reason.startswith("SimulationExploded")
    clock.go(590)
    ended = await client.benchmark_progress(1)
    assert (ended.percent, ended.eta_seconds) == (100.0, None)
    assert ended.counts[CellState.COMPLETED] + ended.counts[CellState.FAILED] == 20

    asked: dict[str, Any] = {"models": ["7net-0"], "set": "open-metals", "preset": "quick", "guests": ["CO2"]}
    plan = await client.estimate_benchmark(**asked)
    assert (plan.n_new, plan.n_cells, plan.n_structures, plan.benchmark_id) == (10, 10, 2, None)
    assert plan.device_seconds["cuda"].median > 0
    changed = await client.start_benchmark(**asked)
    assert (changed.is_new, changed.n_submitted, changed.benchmark.name) == (True, 10, "open-metals, quick")
    id = changed.benchmark.id
    again = await client.start_benchmark(**asked)
    assert (again.is_new, again.n_submitted, again.benchmark.id) == (False, 0, id)
    assert (await client.add_benchmark_models(id, ["chgnet"])).n_submitted == 10
    assert (await client.cancel_benchmark(id)).n_cancelled == 20
    clock.go(5)
    assert (await client.benchmark_progress(id)).counts == {CellState.CANCELLED: 20}
    assert (await client.retry_benchmark(id)).n_retried == 20
    with pytest.raises(Conflict, match="cancel them first"):
        await client.delete_benchmark(id)
    await client.cancel_benchmark(id)
    clock.go(5)
    await client.delete_benchmark(id)
    assert [each.id for each in (await client.benchmarks()).items] == [1]


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"set": "ours"}, "no set 'ours'"), ({"models": ["our-mace-v2"]}, "has not passed"), ({"models": ["x"]}, "'x'")],
)
async def test_a_benchmark_of_what_is_not_there_is_refused(changes: dict[str, Any], says: str) -> None:
    client = DemoClient(later(0))
    with pytest.raises(Invalid, match=says):
        await client.start_benchmark(**({"models": ["7net-0"]} | changes))
    with pytest.raises(NotFound):
        await client.benchmark(99)


async def test_nothing_of_the_demo_is_scored(tmp_path: Any) -> None:
    client = DemoClient(later(0))
    with pytest.raises(Conflict, match="real server"):
        await client.benchmark_scores(1)
    with pytest.raises(Conflict, match="real server"):
        await client.save_benchmark_report(1, tmp_path / "report.html")


Show = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture
def show() -> Show:
    @asynccontextmanager
    async def start(size: tuple[int, int] = (120, 36)) -> AsyncIterator[Driver]:
        known, clock = fresh()
        app = Console("", lambda: DemoClient(known), glyphs=UNICODE, demo=True)
        app.session.now = clock
        async with app.run_test(size=size, notifications=True) as pilot:
            driver = Driver(app, known, pilot)  # type: ignore[arg-type]
            driver.clock = clock  # type: ignore[attr-defined]
            await driver.sees("DEMO", "● live", "8078")
            yield driver

    return start


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("1", ["needs you", "GPU"]),
        ("3", ["CPU 0", "GPU 3", "7net-0"]),
        ("4", ["the demo begins: nothing here is real"]),
        ("5", ["Nothing needs you."]),
        ("6", ["7net-l3i5", "our-mace-v2", "SevenNet-0 (11 July 2024)"]),
        ("7", ["HKUST-1", "Zn8C48H24O26"]),
        ("8", ["essential, quick", "80 %"]),
    ],
)
@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 20)], ids=str)
async def test_every_screen_shows_the_world_and_says_that_it_is_a_demo(
    show: Show, key: str, texts: list[str], size: tuple[int, int]
) -> None:
    async with show(size) as c:
        await c.press(key)
        await c.sees("DEMO", *(texts if size[0] >= 80 else texts[:0]))


async def test_a_task_runs_before_ones_eyes(show: Show) -> None:
    async with show() as c:
        running = next(iter(c.world.runs))  # type: ignore[attr-defined]
        c.app.open_task(running)
        await c.sees(f"Tasks › {running}", "energy (eV)", "DEMO")  # noqa: RUF001
        before = c.world.runs[running].steps  # type: ignore[attr-defined]
        c.clock.go(5)  # type: ignore[attr-defined]
        await c.until(lambda: c.world.runs[running].steps > before)  # type: ignore[attr-defined]
        await c.sees(f"step {int(c.world.runs[running].steps)}")  # type: ignore[attr-defined]
        for text in ("[Log]", "[Structure]", "[Result]", "[Inputs]", "[History]"):
            await c.press("tab")
            await c.sees(text)


async def test_what_people_do_is_done_to_the_world(show: Show) -> None:
    async with show() as c:
        world: World = c.world  # type: ignore[assignment]
        waiting = next(t.id for t in world.tasks.values() if t.status is TaskStatus.QUEUED)
        c.app.show_tasks(f"id:{waiting}")
        await c.sees("1 of 1")
        await c.press("c", "y")
        await c.sees("⊘ cancelled")
        assert world.tasks[waiting].status is TaskStatus.CANCELLED
        await c.press("z")
        await c.sees("◌ wait")
        assert world.tasks[waiting].status is TaskStatus.QUEUED
        await c.press("+")
        await c.sees("now ")
        await c.press("3")
        await c.sees("demo-box")
        await c.press("d", "y")
        await c.until(lambda: any(each.drain for each in world.workers.values()))
        drained = next(each for each in world.workers.values() if each.drain)
        assert drained.state is WorkerState.DRAINING
        await c.press("n")
        await c.sees("MOF-5")
        await c.type("zif-8")
        await c.press("enter")
        await c.sees("as simulated as all else here")
        before = len(world.tasks)
        await c.press("ctrl+s")
        await c.until(lambda: len(world.tasks) == before + 1)


async def test_the_matrix_of_a_benchmark_opens_its_tasks(show: Show) -> None:
    async with show() as c:
        await c.press("8")
        await c.sees("essential, quick")
        await c.press("enter")
        await c.sees("✓ 15 completed", "✗ 1 failed", "◌ 4 waiting", "Mg-MOF-74")
        await c.press("f")
        await c.sees("SimulationExploded")
        await c.press("enter")
        await c.sees("Tasks ›", "✗ failed")  # noqa: RUF001


async def test_a_file_is_refused_with_what_to_do(show: Show) -> None:
    async with show() as c:
        with pytest.raises(Conflict, match="mofsim up"):
            await c.app.session.client.add_structure(__file__)  # type: ignore[union-attr]
