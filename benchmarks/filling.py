"""A database of many finished tasks, as two years of a busy box would leave it, in a minute.

Rows go in by the driver, with indexes and triggers out of the way; counts are taken at the end. Events are those
that are still kept: of the last three days.
"""

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from mofsim.core.counters import BOUNDS
from mofsim.db.engine import Database
from mofsim.db.migrate import current_revision
from mofsim.db.tables import Attempt, Base, Batch, DurationBucket, Event, Structure, Task, TaskResult, utcnow
from mofsim.schemas.simulations import resolve
from mofsim.server.app import prepare
from mofsim.settings import Settings
from mofsim.vocabulary import Duration, EventType, Preset, Priority, TaskStatus, TaskType

DAYS, EVENT_DAYS = 730, 3
CHUNK = 20_000
UPLOADS, UPLOADED_FROM = 2_000, 10_000

Row = dict[str, Any]

STATUSES = {TaskStatus.COMPLETED: 900, TaskStatus.FAILED: 60, TaskStatus.CANCELLED: 25, TaskStatus.TIMEOUT: 15}
TYPES = {
    TaskType.OPTIMIZATION: 45,
    TaskType.SINGLE_POINT: 20,
    TaskType.STABILITY: 12,
    TaskType.BULK_MODULUS: 12,
    TaskType.INTERACTION_ENERGY: 6,
    TaskType.HEAT_CAPACITY: 5,
}
PRIORITIES = {Priority.NORMAL: 85, Priority.LOW: 10, Priority.HIGH: 4, Priority.CRITICAL: 1}
ERRORS = ("NotConverged", "OutOfMemory", "ExecutorDied", "BadStructure")
#: seconds of a run, by type
TYPICAL = {task_type: seconds for task_type, seconds in zip(TYPES, (240, 3, 3600, 900, 600, 5400), strict=True)}


def fill(settings: Settings, n_tasks: int, n_waiting: int, seed: int = 1) -> None:
    """Make the data folder and put `n_tasks` that have ended, and `n_waiting` queued ones, into its database."""
    prepare(settings)
    file = Path(settings.storage.root, "mofsim.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        with _bare(connection):
            connection.execute("BEGIN")
            _Filling(connection, random.Random(seed), n_tasks, n_waiting).run()
            connection.execute("COMMIT")
        count_again(connection)
        connection.execute("PRAGMA journal_mode = WAL")


def n_finished(settings: Settings) -> int:
    """How many are there already."""
    database = Database(settings.database_url)
    try:
        with database.reader.connect() as connection:
            if current_revision(connection) is None:
                return 0
            ended = ", ".join(f"'{status}'" for status in STATUSES)
            query = f"SELECT sum(n) FROM task_counts WHERE status IN ({ended})"
            return int(connection.exec_driver_sql(query).scalar() or 0)
    finally:
        database.close()


def count_again(connection: sqlite3.Connection) -> None:
    """What is kept with each change, from the tasks themselves."""
    kind = "status, task_type, model_name, priority"
    connection.execute("DELETE FROM task_kind_counts")
    connection.execute(f"INSERT INTO task_kind_counts ({kind}, n) SELECT {kind}, count(*) FROM tasks GROUP BY {kind}")
    of_status = "SELECT coalesce(sum(n), 0) FROM task_kind_counts k WHERE k.status = task_counts.status"
    connection.execute(f"UPDATE task_counts SET n = ({of_status})")


@contextmanager
def _bare(connection: sqlite3.Connection) -> Iterator[None]:
    """The tables without their indexes and triggers, which are made again at the end: sorted once, not row by row."""
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    ).fetchall()
    # SQLite forgets them with their index.
    statistics = connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
    for kind, name, _ in found:
        connection.execute(f'DROP {kind} "{name}"')
    yield
    for _, _, sql in found:
        connection.execute(sql)
    connection.execute("DELETE FROM sqlite_stat1")
    connection.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", statistics)


class _Filling:
    def __init__(self, connection: sqlite3.Connection, dice: random.Random, n_tasks: int, n_waiting: int) -> None:
        self.connection = connection
        self.dice = dice
        self.n_tasks = n_tasks
        self.n_waiting = n_waiting
        self.end = utcnow().replace(tzinfo=None)
        self.begin = self.end - timedelta(days=DAYS)
        self.models = [name for (name,) in connection.execute("SELECT name FROM models ORDER BY name")]
        # The first few models, and structures, make most of the tasks.
        self.model_weights = _falling(len(self.models))
        self.parameters = {(kind, preset): json.dumps(_parameters(kind, preset)) for kind in TYPES for preset in Preset}
        self.batches: list[Row] = []
        self.kinds: Counter[tuple[str, str]] = Counter()
        self.structures: list[int] = []
        self.structure_weights: list[float] = []

    def run(self) -> None:
        self._put(Structure, self._uploads())
        self.structures = [id for (id,) in self.connection.execute("SELECT id FROM structures ORDER BY id")]
        self.structure_weights = _falling(len(self.structures))
        tasks = self._tasks()
        while chunk := list(islice(tasks, CHUNK)):
            self._put(Task, chunk)
            ended = [task for task in chunk if task["status"] in STATUSES]
            self._put(Attempt, (_attempt(task) for task in ended if task["started_at"]))
            self._put(TaskResult, (_result(task) for task in ended if task["started_at"]))
            recent = str(self.end - timedelta(days=EVENT_DAYS))
            self._put(Event, (event for task in chunk if task["created_at"] >= recent for event in _events(task)))
        self._put(Batch, self.batches)
        self._put(DurationBucket, self._buckets())

    def _put(self, table: type[Base], rows: Iterable[Row]) -> None:
        rows = iter(rows)
        first = next(rows, None)
        if first is None:
            return
        names = ", ".join(first)
        marks = ", ".join(f":{name}" for name in first)
        statement = f"INSERT INTO {table.__tablename__} ({names}) VALUES ({marks})"
        self.connection.executemany(statement, (row for part in ([first], rows) for row in part))

    def _uploads(self) -> Iterator[Row]:
        for n in range(UPLOADS):
            metal, n_atoms = self.dice.choice(("Zn", "Cu", "Zr", "Mg", "Al")), self.dice.randint(40, 800)
            yield {
                "name": f"hMOF-{UPLOADED_FROM + n}", "original_name": f"hMOF-{UPLOADED_FROM + n}.cif", 
                "file_path": f"{n}/given.cif",
                "normalised_path": f"{n}/structure.extxyz", "file_size": 60 * n_atoms, "format": "cif",
                "checksum": f"{n:064x}", "n_atoms": n_atoms, "formula": f"C{n_atoms - 9}H5O3{metal}",
                "elements": json.dumps(["C", "H", "O", metal]), "volume_A3": 40.0 * n_atoms, "is_builtin": False,
                "description": "", "created_at": str(self.begin),
            }  # fmt: skip

    def _tasks(self) -> Iterator[Row]:
        dice, total = self.dice, self.n_tasks + self.n_waiting
        batch, left = None, 0
        pace = (self.end - self.begin) / total
        for id in range(1, total + 1):
            created = self.begin + id * pace
            if left == 0:
                # Of ten decisions some make a batch, which holds most of the tasks.
                is_batch = dice.random() < 0.05
                batch, left = (self._batch(created), dice.randint(20, 1000)) if is_batch else (None, 1)
                if batch:
                    batch["n_tasks"] = left = min(left, total - id + 1)
            left -= 1
            waits = id > self.n_tasks
            status = TaskStatus.QUEUED if waits else _one(dice, STATUSES)
            yield self._task(id, created, status, batch["id"] if batch else None)

    def _task(self, id: int, created: datetime, status: TaskStatus, batch_id: int | None) -> Row:
        dice = self.dice
        task_type, preset = _one(dice, TYPES), Preset.QUICK if dice.random() < 0.2 else Preset.MOFSIMBENCH
        model = dice.choices(self.models, cum_weights=self.model_weights)[0]
        structure = dice.choices(self.structures, cum_weights=self.structure_weights)[0]
        seconds = TYPICAL[task_type] * dice.lognormvariate(0, 0.8)
        began = created + timedelta(seconds=dice.expovariate(1 / 600))
        has_run = status in STATUSES and (status is not TaskStatus.CANCELLED or dice.random() < 0.5)
        failed = status is TaskStatus.FAILED
        gpu = dice.randrange(4)
        progress = {"step": 120, "total_steps": 500, "percent": 24.0, "energy_eV": -701.25, "fmax_eV_per_A": 0.041}
        if has_run:
            self.kinds[task_type, model] += 1
        return {
            "id": id, "task_type": task_type, "status": status, "priority": int(_one(dice, PRIORITIES)),
            "model_name": model, "structure_id": structure, "batch_id": batch_id, "preset": preset,
            "parameters": self.parameters[task_type, preset], "options": "{}",
            "gpu_id": f"GPU-{gpu:08x}" if has_run else None, "worker_id": f"box:gpu{gpu}" if has_run else None,
            "created_at": str(created), "not_before": None, "queued_at": str(created),
            "started_at": str(began) if has_run else None,
            "completed_at": str(began + timedelta(seconds=seconds)) if status in STATUSES else None,
            "callback_url": None, "callback_events": "null", "callback_secret": None,
            "error_type": dice.choice(ERRORS) if failed else None,
            "error_message": "the forces did not fall below the limit within the steps" if failed else None,
            "attempt": int(has_run), "faults": 0, "max_attempts": 3, "timeout_seconds": 86_400.0, "lease_until": None,
            "retry_at": None, "held": False, "parent_id": None, "awaits_parent": False, "clean_start": False,
            "cancelled_at": None, "stop_requested": None, "progress": json.dumps(progress if has_run else {}),
            "idempotency_key": f"fill-{id}" if dice.random() < 0.1 else None, "reused_from": None,
        }  # fmt: skip

    def _batch(self, created: datetime) -> Row:
        id = len(self.batches) + 1
        batch = {"id": id, "name": f"screening {id}", "n_tasks": 0, "created_at": str(created)}
        self.batches.append(batch | {"idempotency_key": None, "request_hash": None})
        return self.batches[-1]

    def _buckets(self) -> Iterator[Row]:
        for (task_type, model), n in self.kinds.items():
            for name in Duration:
                for place, bound in enumerate(BOUNDS):
                    yield {
                        "name": name, "task_type": task_type, "model_name": model, "at_most_seconds": bound,
                        "n": n * place // (len(BOUNDS) - 1), "seconds": TYPICAL[TaskType(task_type)] * n,
                    }  # fmt: skip


def _attempt(task: Row) -> Row:
    return {
        "task_id": task["id"], "attempt": 1, "worker_id": task["worker_id"], "gpu_id": task["gpu_id"],
        "assigned_at": task["started_at"], "started_at": task["started_at"], "ended_at": task["completed_at"],
        "outcome": task["status"], "reason": task["error_message"], "steps": 120, "resumed_from_step": None,
    }  # fmt: skip


def _result(task: Row) -> Row:
    began, ended = (datetime.fromisoformat(task[name]) for name in ("started_at", "completed_at"))
    seconds = (ended - began).total_seconds()
    result = {"final_energy_eV": -701.25, "final_volume_A3": 4309.0, "converged": task["error_type"] is None}
    provenance = {"model": task["model_name"], "model_sha256": "ab" * 32, "structure_sha256": "cd" * 32}
    return {
        "task_id": task["id"], "attempt": 1, "result_data": json.dumps(result), "output_files": "{}",
        "metrics": json.dumps({"duration_seconds": seconds, "peak_memory_MB": 1300.0}),
        "provenance": json.dumps(provenance), "duration_seconds": seconds, "created_at": task["completed_at"],
        # All are past the age at which files are removed, or never had any.
        "compressed_at": task["completed_at"], "files_removed_at": task["completed_at"],
    }  # fmt: skip


def _events(task: Row) -> Iterator[Row]:
    """What is replayed to who was away; clients of a benchmark were not."""
    moves = ["QUEUED", "ASSIGNED", "RUNNING", task["status"]] if task["started_at"] else ["QUEUED"]
    for status in moves:
        data = json.dumps({"task": {"id": task["id"], "status": status, "model": task["model_name"]}})
        time, type = task["created_at"], EventType.TASK_STATUS
        yield {"time": time, "type": type, "task_id": task["id"], "data": data}


def _parameters(task_type: TaskType, preset: Preset) -> Row:
    return resolve(task_type, preset, {})


def _one(dice: random.Random, weights: dict[Any, int]) -> Any:
    return dice.choices(list(weights), list(weights.values()))[0]


def _falling(n: int) -> list[float]:
    """Cumulative weights of which the k-th is 1/k."""
    total, sums = 0.0, []
    for k in range(1, n + 1):
        total += 1 / k
        sums.append(total)
    return sums
