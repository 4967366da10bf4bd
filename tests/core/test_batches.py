"""Batches in the core: what changes many tasks keeps the counts, and what a table may hold."""

import csv
import io
from typing import Any

import pytest

from mofsim.core import batch_results, batches, queries, steering
from mofsim.core.batch_results import COLUMNS
from mofsim.db.engine import Database
from mofsim.db.tables import Batch, Event, Task, TaskResult
from mofsim.schemas.batches import BatchRow
from mofsim.vocabulary import SIMULATIONS, EventType, Preset, TaskStatus, TaskType


@pytest.fixture
def batch(database: Database, new_task: Any):
    """Five tasks of a batch, and one of none."""
    with database.write() as session:
        batch = Batch(name="b", n_tasks=5)
        session.add(batch)
        session.flush()
        for _ in range(5):
            new_task(session, batch_id=batch.id)
        new_task(session)
        yield session, batch.id


def test_a_change_of_all_tasks_keeps_the_counts_and_tells_of_each(batch: Any) -> None:
    session, id = batch
    steering.request_cancel(session, 1)
    assert [task.id for task in batches.cancel(session, id)] == [2, 3, 4, 5]
    counts = queries.counts_by_status(session)
    assert (counts[TaskStatus.CANCELLED], counts[TaskStatus.QUEUED]) == (5, 1)
    events = session.query(Event).filter(Event.type == EventType.TASK_STATUS, Event.task_id == 3).all()
    assert [event.data["previous"] for event in events] == ["QUEUED"]
    assert events[0].data["task"]["status"] == "CANCELLED"
    assert batches.retry(session, id) == []
    assert len(batches.retry(session, id, cancelled=True)) == 5
    assert queries.counts_by_status(session)[TaskStatus.QUEUED] == 6


def test_a_running_task_is_asked_to_stop_and_counts_as_running(batch: Any) -> None:
    session, id = batch
    task = session.get_one(Task, 2)
    task.status, task.progress = TaskStatus.RUNNING, {"percent": 50.0}
    session.flush()
    batches.cancel(session, id)
    assert (task.status, task.stop_requested) == (TaskStatus.RUNNING, "cancelled")
    found = batches.describe(session, id)
    assert (found.percent, found.completed_at) == (90.0, None)


def test_every_task_type_has_main_results() -> None:
    missing = [task_type for task_type in SIMULATIONS if not COLUMNS.get(task_type)]
    assert missing == [], f"give {missing} columns in mofsim/core/batch_results.py"
    assert set(BatchRow.model_fields) & {name for names in COLUMNS.values() for name in names} == set()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@SUM(A1)", "\tx", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_quoted_and_numbers_are_not(text: str) -> None:
    row = BatchRow(
        batch_id=1,
        task_id=2,
        structure_id=3,
        structure=text,
        formula="MgO",
        n_atoms=2,
        structure_sha256="",
        model="lj",
        task_type=TaskType.SINGLE_POINT,
        preset=Preset.QUICK,
        parameters={},
        status=TaskStatus.COMPLETED,
        error_type=None,
        error_message='a, "b"\nc',
        attempts=1,
        reused_from=None,
        converged=None,
        duration_seconds=1.0,
        seconds_per_step=None,
        device="cpu",
        model_sha256=None,
        d3=False,
        d3_settings=None,
        dtype="float32",
        mofsim="0.1",
        **{"energy_eV": -1.5},
    )
    names = ["structure", "error_message", "converged", "d3", "energy_eV"]
    [line] = batch_results.csv_lines(names, [row])
    assert next(csv.reader(io.StringIO(line))) == [f"'{text}", 'a, "b"\nc', "", "false", "-1.5"]


def test_the_coordination_of_metals_is_summed_up(batch: Any) -> None:
    session, id = batch
    task = session.get_one(Task, 1)
    task.task_type, task.status = TaskType.STABILITY, TaskStatus.COMPLETED
    changes = [("Cu", 5, 5), ("Cu", 5, 4), ("Zn", 4, 4)]
    sites = [{"index": i, "element": e, "before": b, "after": a} for i, (e, b, a) in enumerate(changes)]
    session.add(TaskResult(task_id=1, attempt=1, result_data={"metal_coordination": sites}, output_files={}, metrics={},
                           provenance={"threads": 2, "hostname": "box"}, duration_seconds=1.0))  # fmt: skip
    session.flush()
    first, second = batch_results.rows(session, id, after=0)[:2]
    found = first.model_dump()
    assert (found["metals"], first.input_volume_A3, first.threads, first.hostname) == (3, 4309.0, 2, "box")
    assert found["coordination_by_metal"] == {
        "Cu": {"sites": 2, "changed": 1, "before": 5.0, "after": 4.5},
        "Zn": {"sites": 1, "changed": 0, "before": 4.0, "after": 4.0},
    }
    assert second.input_volume_A3 == 4309.0
