"""The screens as they look, at the two sizes that they are made for. `pytest --snapshot-update` takes new pictures."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from mofsim.tui.app import Console
from mofsim.tui.looks import UNICODE
from mofsim.vocabulary import TaskStatus, TaskType
from tests.tui import fake_stock, found
from tests.tui.conftest import Driver
from tests.tui.fake import NOW, URL, FakeClient, World, some_alerts, some_tasks, task, worker, world
from tests.tui.test_dashboard import day
from tests.tui.test_workers import box

SIZES = pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])
Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times on the screen are local ones."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def picture(
    snap_compare: Compare,
    size: tuple[int, int],
    keys: list[str],
    *texts: str,
    known: World | None = None,
    why: str = "",
) -> bool:
    """Press the keys, wait for the texts, compare. `why`: the key is refused after that."""
    known = known or world()
    app = Console(URL, lambda: FakeClient(known), glyphs=UNICODE)
    app.session.now = lambda: NOW

    async def prepare(pilot: Pilot[Any]) -> None:
        driver = Driver(app, known, pilot)
        await driver.sees("● live", "1 of 10")
        await driver.press(*keys)
        await driver.sees(*texts)
        if why:
            await known.refuse_key(why)
            await driver.sees("key refused", "the key was revoked")

    return snap_compare(app, terminal_size=size, run_before=prepare)


@SIZES
def test_tasks(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["j"] * 6, "near step 217", "goal 0.02", "66%")


@SIZES
def test_task_detail(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, [*["j"] * 6, "enter"], "step 143  E=", "217", "-1234.5524 eV")


@SIZES
def test_submit(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["n"], "HKUST-1      101 atoms", "sevenn, float32", "time limit")


@SIZES
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, [*["j"] * 3, "question_mark"], "search the keys", "Next row or line")


@SIZES
def test_alerts(snap_compare: Compare, size: tuple[int, int]) -> None:
    known = world(alerts=some_alerts())
    assert picture(snap_compare, size, ["5", "j"], "3 no progress", "log: raised", known=known)


@SIZES
def test_alert_rules(snap_compare: Compare, size: tuple[int, int]) -> None:
    known = world(alerts=some_alerts())
    assert picture(snap_compare, size, ["5", "tab", "tab"], "gpu_hot: on", "5 GPU 5", known=known)


@SIZES
def test_a_refused_key(snap_compare: Compare, size: tuple[int, int]) -> None:
    known, why = world(alerts=some_alerts()), "the key was revoked; an admin makes a new one"
    assert picture(snap_compare, size, ["j"] * 6, "near step 217", "goal 0.02", "66%", known=known, why=why)


@SIZES
def test_dashboard(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["1"], "needs you: 7", "SimulationExpl", "8124 relax", known=day())


@SIZES
def test_workers(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["3"], "8124 relax", "GPU 98 %", "FOREIGN", known=box())


@SIZES
def test_workers_of_a_box_without_a_gpu(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["3", "G"], "laptop:cpu0", "cores busy 98 %", known=box())


def with_models() -> World:
    known = world()
    known.models.append(fake_stock.wide_model())
    known.validations["unproven"] = fake_stock.failed_validation()
    known.machines.workers["gpu-box-1:gpu0"] = worker(0).model_copy(update={"loaded_models": ["7net-0"]})
    return known


@SIZES
def test_models(snap_compare: Compare, size: tuple[int, int]) -> None:
    seen = ("12.1 GB (624 at)", "failed its checks", "used by     10 tasks", "sevenn 0.11.2")
    assert picture(snap_compare, size, ["6"], *(seen if size[1] > 30 else seen[:3]), known=with_models())


@SIZES
def test_a_model_that_failed(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["6", "j", "j"], "0.21 eV/Å", "used by     0 tasks", known=with_models())


@SIZES
def test_structures(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["7", "j"], "2 IRMOF-1", "● Zn 1", "1 task: 8129")


@SIZES
def test_a_large_picture(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["7", "enter"], "1 HKUST-1", "● Zn 1", "1 task: 8128")


@SIZES
def test_structure_pane(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = [*["j"] * 6, "enter", "tab", "tab"]
    assert picture(
        snap_compare, size, keys, "as it is now", "moved farthest", *(["~3 min left"] if size[1] > 30 else [])
    )


@SIZES
def test_a_bulk_modulus(snap_compare: Compare, size: tuple[int, int]) -> None:
    known = world()
    known.tasks[8117] = task(8117, TaskStatus.COMPLETED, task_type=TaskType.BULK_MODULUS, parameters={})
    known.results[8117] = found.bulk_modulus(fit_ok=False)
    assert picture(
        snap_compare,
        size,
        ["G", "enter", "tab", "tab", "tab"],
        "The fit is not",
        "bulk modulus",
        "16.2 GPa",
        known=known,
    )


@SIZES
def test_import_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["7", "i"], "import structures", "of a single file")


@SIZES
def test_model_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["6", "i"], "upload a model", "precision")


@SIZES
def test_inputs(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(
        snap_compare, size, ["G", "enter", *["tab"] * 4], "[Inputs]", "ab" * 8, "▲ mofsimbench has 0.001 eV/Å"
    )


@SIZES
def test_history(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["G", "enter", *["tab"] * 5], "[History]", "41.0 s of loading", "submitted")


@SIZES
def test_a_comparison(snap_compare: Compare, size: tuple[int, int]) -> None:
    known = world([each.model_copy(update={"status": TaskStatus.COMPLETED}) for each in some_tasks()])
    known.results = {8130: found.optimization(), 8129: found.optimization(final_energy_eV=-1234.4)}
    keys = ["j", "space", "space", "C"]
    assert picture(snap_compare, size, keys, "final energy (eV)", "+0.1120", "= shows all rows", known=known)


@SIZES
def test_an_export(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["space", "space", "e"], "the 2 selected", "./mofsim-tasks.csv")


@SIZES
def test_columns(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["v", "j"], "ENERGY", "esc closes")


@SIZES
def test_new_benchmark(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert picture(snap_compare, size, ["8", "n"], "27 tasks to compute", "640 MB on disk")
