import asyncio
import csv
import io
import json
from pathlib import Path

import pytest

from mofsim.client.exported import read
from mofsim.schemas.tasks import TaskResult
from mofsim.tui import destinations, export_jobs, export_table
from mofsim.tui.remembered import Remembered
from mofsim.tui.screens.export import ExportForm
from mofsim.tui.screens.tasks import TasksScreen
from mofsim.vocabulary import TaskStatus, TaskType
from tests.tui import found
from tests.tui.conftest import Driver, Run
from tests.tui.fake import task, world


def ended(id: int, values: dict[str, object], task_type: TaskType = TaskType.OPTIMIZATION) -> tuple[object, TaskResult]:
    return task(id, TaskStatus.COMPLETED, task_type=task_type), TaskResult(
        task_id=id,
        status=TaskStatus.COMPLETED,
        attempt=1,
        result=values,
        output_files={},
        metrics={"seconds_per_step": 2.11, "peak_memory_MB": None},
        provenance={"device": "NVIDIA H100", "versions": {"ase": "3.26"}},
    )


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_table_has_a_row_for_each_task_and_the_columns_of_all() -> None:
    rows = read_csv(
        export_table.table(
            [ended(1, found.optimization()), ended(2, found.bulk_modulus(), TaskType.BULK_MODULUS), (task(3), None)]  # type: ignore[list-item]
        )
    )
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert (rows[0]["final_energy_eV"], rows[0]["converged"], rows[0]["a_A"]) == ("-1234.512", "true", "25.912")
    assert (rows[1]["bulk_modulus_GPa"], rows[1]["relaxation.steps"], rows[1]["final_energy_eV"]) == ("16.2", "61", "")
    assert (rows[2]["status"], rows[2]["parameter.max_steps"], rows[2]["device"]) == ("QUEUED", "5000", "")
    assert rows[0]["device"] == "NVIDIA H100"
    assert "points" not in rows[1]


def test_no_cell_is_taken_for_a_formula() -> None:
    failed = task(1, TaskStatus.FAILED)
    assert failed.error is not None
    failed = failed.model_copy(update={"error": failed.error.model_copy(update={"message": "=HYPERLINK(1)"})})
    (row,) = read_csv(export_table.table([(failed, None)]))
    assert row["error_message"] == "'=HYPERLINK(1)"


def test_json_has_all_of_a_result() -> None:
    (only,) = json.loads(export_table.as_json([ended(1, found.bulk_modulus())]))  # type: ignore[list-item]
    assert len(only["result"]["result"]["points"]) == 11
    assert only["task"]["id"] == 1


def test_a_path_is_judged_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert destinations.judge_file("").problem == "type the path of a file on this machine"
    assert "is a folder" in destinations.judge_file(str(tmp_path)).problem
    assert destinations.judge_file(str(tmp_path / "file")).note == "replaces the file that is there"
    assert "is a file, not a folder" in destinations.judge_file(str(tmp_path / "file" / "x.csv")).problem
    assert destinations.judge_file(str(tmp_path / "new" / "x.csv")) == destinations.Verdict()
    assert destinations.judge_folder(str(tmp_path / "file")).problem == "is a file; type a folder"
    assert destinations.judge_folder(str(tmp_path / "new")).note == "is made"


def test_a_path_that_can_not_be_looked_at_is_no_mistake_of_ours() -> None:
    for text in ("x" * 300, "~nobody-at-all/x", "/root/" + "y/" * 3000):
        destinations.judge_file(text), destinations.judge_folder(text), destinations.completion(text)


def test_a_name_is_completed(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "resin.csv").write_text("")
    assert destinations.completion(f"{tmp_path}/resu") == f"{tmp_path}/results/"
    assert destinations.completion(f"{tmp_path}/res") == f"{tmp_path}/resin.csv"
    assert destinations.completion(f"{tmp_path}/x") is None
    assert destinations.completion(f"{tmp_path}/none/x") is None


async def put_path(c: Driver, path: Path) -> None:
    c.app.screen.query_one("#path").value = str(path)  # type: ignore[attr-defined]
    await c.pilot.pause()


async def test_selected_tasks_become_a_table(run: Run, tmp_path: Path) -> None:
    async with run() as c:
        await c.press("space", "space", "G", "space", "e")
        await c.sees("the 3 selected", "[table (CSV)]", "./mofsim-tasks.csv")
        await put_path(c, tmp_path / "out" / "three.csv")
        await c.press("enter")
        await c.sees("exported 3 tasks in")
        assert isinstance(c.app.screen, TasksScreen)
        rows = read_csv((tmp_path / "out" / "three.csv").read_text())
        assert [row["id"] for row in rows] == ["8131", "8130", "8117"]
        assert rows[2]["final_energy_eV"] == "-1234.512"


async def test_all_that_the_filter_matches_become_json(run: Run, tmp_path: Path) -> None:
    async with run() as c:
        await c.press("slash")
        await c.type("status:ended ")
        await c.press("enter")
        await c.sees("1 of 4")
        await c.press("e")
        await c.sees("task 8131", "all that match the filter (4)", "[folders with files]")
        await c.press("up", "left", "up", "right")
        await c.sees("[JSON]", "[all that match the filter (4)]", "./mofsim-tasks.json")
        await put_path(c, tmp_path / "all.json")
        await c.press("ctrl+s")
        await c.sees("exported 4 tasks in")
        content = json.loads((tmp_path / "all.json").read_text())
        assert [each["task"]["id"] for each in content] == [8131, 8130, 8119, 8117]
        assert content[3]["result"]["result"]["steps"] == 143


async def test_a_task_becomes_the_folder_that_mofsim_export_writes(run: Run, tmp_path: Path) -> None:
    known = world()
    known.provenance = {"structure_sha256": "0" * 64}
    async with run(known) as c:
        await c.press("G", "enter")
        await c.sees("› 8117")  # noqa: RUF001
        await c.press("e")
        await c.sees("[task 8117]", "[folders with files]", "mofsim-task-8117 in it")
        await put_path(c, tmp_path)
        await c.press("enter")
        await c.sees("exported 1 task in", "mofsim-task-8117")
    folder = tmp_path / "mofsim-task-8117"
    assert (folder / "files" / "final.cif").read_bytes() == known.contents["final.cif"]
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "README.md",
        "SHA256SUMS",
        "files",
        "result.json",
        "structure.cif",
        "structure.extxyz",
        "task.json",
    }
    with pytest.raises(Exception, match="is not the structure that was computed"):
        read(folder)  # it is complete, and only the fake's structure is none
    async with run(known) as c:
        await c.press("G", "e")
        await put_path(c, tmp_path)
        await c.press("enter")
        await c.sees("mofsim-task-8117 is there already")


async def test_a_task_without_an_end_has_no_folder(run: Run, tmp_path: Path) -> None:
    async with run() as c:
        await c.press(*"jjjjjj", "e")
        await put_path(c, tmp_path)
        await c.press("enter")
        await c.sees("task 8125 has not ended; a table or JSON has what it is")
        assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_an_export_that_is_stopped_leaves_nothing_half_written(run: Run, tmp_path: Path) -> None:
    known = world()
    known.download_held = asyncio.Event()
    async with run(known) as c:
        await c.press("G", "e")
        await put_path(c, tmp_path)
        await c.press("enter")
        await c.sees("stop")
        await c.until(lambda: list(tmp_path.glob(".mofsim*")))
        await c.press("enter")
        await c.sees("the export was stopped", "export (enter)")
        await c.until(lambda: not list(tmp_path.iterdir()))


async def test_an_export_goes_on_when_the_dialog_is_left(run: Run, tmp_path: Path) -> None:
    known = world()
    known.download_held = asyncio.Event()
    async with run(known) as c:
        await c.press("G", "e")
        await put_path(c, tmp_path)
        await c.press("enter")
        await c.until(lambda: list(tmp_path.glob(".mofsim*")))
        await c.press("escape")
        await c.until(lambda: isinstance(c.app.screen, TasksScreen))
        known.download_held.set()
        await c.sees("exported 1 task in")
        assert (tmp_path / "mofsim-task-8117" / "SHA256SUMS").is_file()


async def test_more_than_one_export_takes_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_jobs, "MOST_ROWS", 2)
    async with run() as c:
        await c.press("*")
        await c.sees("10 selected")
        await c.press("e")
        await put_path(c, tmp_path / "some.csv")
        await c.press("enter")
        await c.sees("exported 2 tasks in", "only the first 2")


async def test_a_refusal_of_the_disk_is_told_in_the_dialog(run: Run, tmp_path: Path) -> None:
    async with run() as c:
        await c.press("space", "space", "e")
        await put_path(c, tmp_path / ("x" * 300))
        await c.press("enter")
        await c.sees("File name too long", "export (enter)")
        assert isinstance(c.app.screen, ExportForm)


async def test_the_folder_is_proposed_again(run: Run, tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "console.toml")
    async with run(remembered=remembered) as c:
        await c.press("space", "space", "e")
        await put_path(c, tmp_path / "out" / "two.csv")
        await c.press("enter")
        await c.sees("exported 2 tasks in")
        await c.press("e")
        await c.sees(str(tmp_path / "out")[:40])
        assert c.app.screen.query_one("#path").value == f"{tmp_path}/out/mofsim-tasks.csv"  # type: ignore[attr-defined]


async def test_without_a_server_nothing_is_exported(run: Run) -> None:
    async with run() as c:
        await c.world.go_down()
        await c.sees("does not answer")
        await c.press("e")
        await c.sees("the server does not answer; this works again")
        assert isinstance(c.app.screen, TasksScreen)
