"""This version starts on a data folder that an older one left behind with tasks in it."""

import json
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select

from mofsim.core import queries
from mofsim.db.migrate import HEAD, MIGRATIONS, current_revision
from mofsim.db.tables import Task
from mofsim.vocabulary import AttemptOutcome, TaskStatus

from .box import Box, wait_until

#: as the first version wrote it into the queue file, and its urgency there
TICKET = '["{id}", "mofsim.ticket", null, 0, 0, 1, [], {{}}, null, null, null, null, null, null, 0]'
URGENCY = 1.0
#: the worker of the only slot
WORKER = f"{socket.gethostname()}:cpu0"
RESULT = {"energy_eV": -12.5, "n_atoms": 54}
FILE = b"forces of an older version\n"


class OldBox(Box):
    """Its database has the first schema, and is filled with plain SQL: today's classes know too much."""

    def new_rows(self) -> None:
        """It had files only."""

    def make_tables(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.database.writer.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            assert current_revision(connection) == "0001"

    def start_new_version(self) -> None:
        """Until then today's classes can not read the tables."""
        self.start()
        wait_until(self._is_upgraded, lambda: "the database was not upgraded")

    def _is_upgraded(self) -> bool:
        with self.database.reader.connect() as connection:
            return current_revision(connection) == HEAD

    def insert(self, table: str, **row: Any) -> int:
        columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" for _ in row)
        return execute(self.database_file, f"INSERT INTO {table} ({columns}) VALUES ({marks})", *row.values())

    @property
    def database_file(self) -> Path:
        return self.storage.root / "mofsim.db"

    def add_structure(self, built: list[dict[str, Any]], files: Path) -> None:
        (self.storage.structures / "builtin").symlink_to(files)
        [facts] = [facts for facts in built if facts["name"] == "Mg-MOF-74"]
        self.insert(
            "structures",
            id=1,
            name="Mg-MOF-74",
            original_name="Mg-MOF-74.cif",
            file_path="builtin/Mg-MOF-74.cif",
            normalised_path="builtin/Mg-MOF-74.extxyz",
            file_size=(files / "Mg-MOF-74.cif").stat().st_size,
            format="cif",
            checksum="0" * 64,
            n_atoms=facts["n_atoms"],
            formula=facts["formula"],
            elements=json.dumps(facts["elements"]),
            volume_A3=facts["volume_A3"],
            is_builtin=1,
            description="",
            created_at=at(-3600),
        )

    def add_task(self, status: TaskStatus, **values: Any) -> int:
        row = {
            "task_type": "single-point",
            "status": status,
            "priority": 2,
            "model_name": "lj",
            "structure_id": 1,
            "preset": "mofsimbench",
            "parameters": "{}",
            "options": "{}",
            "created_at": at(-3600),
            "attempt": 0,
            "faults": 0,
            "max_attempts": 3,
            "timeout_seconds": 3600.0,
            "progress": "{}",
        }
        task_id = self.insert("tasks", **row | values)
        execute(self.database_file, "UPDATE task_counts SET n = n + 1 WHERE status = ?", status)
        return task_id

    def add_attempt(self, task_id: int, outcome: AttemptOutcome | None) -> Path:
        """A try of the task, ended or not; the folder of its files."""
        ended = at(-3590) if outcome else None
        values = {"worker_id": WORKER, "assigned_at": at(-3600), "started_at": at(-3600), "ended_at": ended}
        self.insert("attempts", task_id=task_id, attempt=1, outcome=outcome, steps=1, **values)
        folder = self.storage.attempt(task_id, 1)
        folder.mkdir(parents=True)
        (folder / "forces.extxyz").write_bytes(FILE)
        return folder

    def add_ticket(self, task_id: int) -> None:
        message = TICKET.format(id=f"ticket-{task_id}").encode()
        sql = "INSERT INTO task (queue, data, priority) VALUES (?, ?, ?)"
        execute(self.settings.queue_path, sql, "simulations", message, URGENCY)


def execute(database: Path, sql: str, *values: Any) -> int:
    """The id of the row that was inserted, where one was."""
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(sql, values).lastrowid or 0


def at(seconds: float) -> str:
    """A time from now, as SQLite has it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")


def old_box(folder: Path, builtins: tuple[list[dict[str, Any]], Path], **environment: str) -> Iterator[OldBox]:
    box = OldBox(folder, environment)
    box.add_structure(*builtins)
    yield box
    box.close()


@pytest.fixture
def box(tmp_path: Path, builtins: tuple[list[dict[str, Any]], Path]) -> Iterator[OldBox]:
    yield from old_box(tmp_path, builtins)


@pytest.fixture
def box_without_rescuer(tmp_path: Path, builtins: tuple[list[dict[str, Any]], Path]) -> Iterator[OldBox]:
    yield from old_box(tmp_path, builtins, MOFSIM_SCHEDULER__RESCUE_INTERVAL_SECONDS="3600")


def test_every_task_of_an_older_version_comes_to_its_end_and_results_stay_as_they_are(box: OldBox) -> None:
    queued = [box.add_task(TaskStatus.QUEUED, queued_at=at(-3600), priority=priority) for priority in (3, 0)]
    due = box.add_task(TaskStatus.PENDING, not_before=at(-60))
    soon = box.add_task(TaskStatus.PENDING, not_before=at(3))
    lost = {"worker_id": "elsewhere:cpu0", "lease_until": at(-60), "queued_at": at(-3600), "attempt": 1}
    running = box.add_task(TaskStatus.RUNNING, started_at=at(-3600), **lost)
    box.add_attempt(running, None)
    failed = box.add_task(TaskStatus.FAILED, error_type="InvalidInput", error_message="of old", completed_at=at(-60))
    completed = box.add_task(TaskStatus.COMPLETED, attempt=1, started_at=at(-3600), completed_at=at(-3590))
    folder = box.add_attempt(completed, AttemptOutcome.COMPLETED)
    published = {"output_files": json.dumps({"forces.extxyz": len(FILE)}), "result_data": json.dumps(RESULT)}
    others = {"metrics": "{}", "provenance": '{"mofsim": "0.1"}', "duration_seconds": 1.0, "created_at": at(-3590)}
    box.insert("task_results", task_id=completed, attempt=1, **published, **others)
    for task_id in queued:
        box.add_ticket(task_id)
    box.insert(
        "workers", id=WORKER, host=socket.gethostname(), slot="cpu0", pid=1, incarnation="of old", state="BUSY",
        loaded_models="[]", started_at=at(-3600), heartbeat_at=at(-60), note="",
    )  # fmt: skip
    box.start_new_version()
    waiting = [*queued, due, soon, running]
    assert [box.wait_for_end(task_id).status for task_id in waiting] == [TaskStatus.COMPLETED] * len(waiting)
    assert all(box.result(task_id).result_data["n_atoms"] == 54 for task_id in waiting)
    first, second = box.attempts(running)
    assert (first.outcome, second.outcome) == (AttemptOutcome.LOST, AttemptOutcome.COMPLETED)
    assert (box.task(failed).status, box.task(failed).error_message) == (TaskStatus.FAILED, "of old")
    task, result = box.task(completed), box.result(completed)
    assert (task.status, task.attempt, len(box.attempts(completed))) == (TaskStatus.COMPLETED, 1, 1)
    assert (result.attempt, result.result_data, result.output_files) == (1, RESULT, {"forces.extxyz": len(FILE)})
    assert (folder / "forces.extxyz").read_bytes() == FILE
    with box.database.read() as session:
        statuses = Counter(session.scalars(select(Task.status)))
        assert queries.counts_by_status(session) == {status: statuses[status] for status in TaskStatus}


def test_a_ticket_of_an_older_version_is_understood(box_without_rescuer: OldBox) -> None:
    box = box_without_rescuer
    task_id = box.add_task(TaskStatus.QUEUED, queued_at=at(-3600))
    box.add_ticket(task_id)
    box.start_new_version()
    assert box.wait_for_end(task_id).status == TaskStatus.COMPLETED
