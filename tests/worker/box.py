"""A box with a real worker: data folder, database, supervisor process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.engine import URL

from mofsim.core import alert_rules, alerts, models, steering, structures, submission
from mofsim.core.explain import explain
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Alert, AlertRule, Attempt, Device, Task, TaskResult, Worker
from mofsim.queue import Tickets
from mofsim.schemas.alerts import AlertRuleChange
from mofsim.schemas.submission import SUBMIT, BuiltinStructure, TaskOptions
from mofsim.settings import Settings, load_settings
from mofsim.vocabulary import FINAL, RuleKind, TaskStatus, TaskType, WorkerState
from tests import engines
from tests.tables import make_tables

T = TypeVar("T")

SETTINGS = """
[worker]
cpu_slots = 1
threads_per_slot = 1
cancel_grace_seconds = 6.0
stop_grace_seconds = 6.0
progress_interval_seconds = 0.1
checkpoint_steps = 5
gpu_memory_wait_seconds = 1.5
[scheduler]
lease_seconds = 6.0
heartbeat_seconds = 0.2
rescue_interval_seconds = 0.2
retry_backoff_seconds = 0.1
[alerts]
interval_seconds = 0.1
[models.lj]
framework = "ase"
checkpoint = "ase.calculators.lj:LennardJones"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[models.slow]
framework = "ase"
checkpoint = "calculators:Slow"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[models.stuck]
framework = "ase"
checkpoint = "calculators:Stuck"
[models.endless]
framework = "ase"
checkpoint = "calculators:Endless"
[models.hungry]
framework = "ase"
checkpoint = "calculators:Hungry"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[models.greedy]
framework = "ase"
checkpoint = "calculators:Greedy"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[models.refused]
framework = "ase"
checkpoint = "calculators:Refused"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[models.faulty]
framework = "ase"
checkpoint = "calculators:Faulty"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[models.failing]
framework = "ase"
checkpoint = "calculators:Failing"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[models.wild]
framework = "ase"
checkpoint = "calculators:Wild"
[models.broken]
framework = "ase"
checkpoint = "calculators:NoSuchClass"
"""

CHORES = "from mofsim.worker.chores import run; from mofsim.settings import load_settings; run(load_settings())"
START = "import sys; from mofsim.worker.supervisor import run; from mofsim.settings import load_settings; "
START += "from mofsim.logs import configure; s = load_settings(); configure(s, 'supervisor'); sys.exit(run(s))"


@dataclass
class Box:
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "settings.toml").write_text(SETTINGS)
        own = {
            "MOFSIM_SETTINGS": str(self.folder / "settings.toml"),
            "MOFSIM_STORAGE__ROOT": str(self.folder / "data"),
            "PYTHONPATH": str(Path(__file__).parent),
        }
        rows = {} if "MOFSIM_DATABASE__URL" in self.environment else engines.rows_at(self.new_rows())
        self.environment = os.environ | own | rows | self.environment
        self.settings: Settings = load_settings(env=self.environment, cwd=self.folder)
        self.storage = Storage(self.settings.storage.root)
        self.storage.create()
        self.database = Database(self.settings.database_url)
        self.make_tables()
        self.tickets = Tickets(self.settings)

    def reload_settings(self) -> None:
        """After the file was changed; the next worker reads it by itself."""
        self.settings = load_settings(env=self.environment, cwd=self.folder)
        with self.database.write() as session:
            models.synchronise(session, self.settings.models)

    def new_rows(self) -> URL | None:
        return engines.new_rows()

    def make_tables(self) -> None:
        if self.database.url.get_backend_name() == "sqlite":
            make_tables(self.storage.root / "mofsim.db")

    def fill(self, built: list[dict[str, Any]], files: Path) -> None:
        (self.storage.structures / "builtin").symlink_to(files)
        with self.database.write() as session:
            structures.store_builtins(session, self.storage, built)
            models.synchronise(session, self.settings.models)

    def start(self, command: list[str] | None = None) -> subprocess.Popen[str]:
        command = command or [sys.executable, "-c", START]
        process = subprocess.Popen(command, env=self.environment, cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def submit(
        self,
        model: str,
        task_type: TaskType = TaskType.OPTIMIZATION,
        *,
        ticket: bool = True,
        parameters: dict[str, Any] | None = None,
        **options: Any,
    ) -> int:
        body = SUBMIT[task_type](
            model=model,
            structure=BuiltinStructure(source="builtin", name="Mg-MOF-74"),
            parameters=parameters or {},
            options=TaskOptions(**options),
        )
        defaults = submission.Defaults("lj", 3600.0, 3)
        with self.database.write() as session:
            task_id = submission.submit(session, task_type, body, defaults).id
        if ticket:
            self.tickets.issue()
        return task_id

    def cancel(self, task_id: int) -> None:
        with self.database.write() as session:
            steering.request_cancel(session, task_id)

    def task(self, task_id: int) -> Task:
        with self.database.read() as session:
            return session.get_one(Task, task_id)

    def result(self, task_id: int) -> TaskResult:
        with self.database.read() as session:
            return session.get_one(TaskResult, task_id)

    def attempts(self, task_id: int) -> list[Attempt]:
        with self.database.read() as session:
            return list(session.scalars(select(Attempt).where(Attempt.task_id == task_id).order_by(Attempt.attempt)))

    def workers(self) -> list[Worker]:
        with self.database.read() as session:
            return list(session.scalars(select(Worker).order_by(Worker.id)))

    def alerts(self) -> list[tuple[str, str]]:
        """Type and subject of those that are active and that no rule raised."""
        return [(alert.alert_type, alert.subject) for alert in self._active() if alert.rule_id is None]

    def raised(self, kind: RuleKind) -> list[str]:
        """The subjects of which rules of this kind say that they are bad."""
        return [alert.subject for alert in self._active() if alert.rule_id is not None and alert.alert_type == kind]

    def _active(self) -> list[Alert]:
        with self.database.read() as session:
            return alerts.active(session)

    def change_rule(self, kind: RuleKind, **condition: float) -> None:
        """Of the built-in rule."""
        with self.database.write() as session:
            alert_rules.add_builtin(session)
            session.flush()
            rule_id = session.scalars(select(AlertRule.id).where(AlertRule.name == kind)).one()
            wanted = AlertRuleChange.model_validate({"condition": condition})
            alert_rules.change(session, rule_id, wanted, [])

    def wait_for_alert(self, kind: RuleKind, *subjects: str, seconds: float = 40) -> None:
        """Until rules of this kind say of these subjects that they are bad, and of no others."""
        wait_until(
            lambda: sorted(self.raised(kind)) == sorted(subjects),
            lambda: f"{kind}: {self.raised(kind)}, not {list(subjects)}",
            seconds,
        )

    def why(self, task_id: int) -> str:
        with self.database.read() as session:
            return explain(session, task_id).sentence

    def wait_for_worker(self, slot: str, *wanted: WorkerState) -> Worker:
        return wait_until(
            lambda: next((w for w in self.workers() if w.slot == slot and w.state in wanted), None),
            lambda: f"workers: {[(w.id, w.state, w.note) for w in self.workers()]}",
        )

    def gpus(self) -> list[Device]:
        with self.database.read() as session:
            return list(session.scalars(select(Device).order_by(Device.gpu_index)))

    def wait_for(self, task_id: int, *wanted: TaskStatus, seconds: float = 40) -> Task:
        return wait_until(
            lambda: task if (task := self.task(task_id)).status in wanted else None,
            lambda: f"task {task_id} is {self.task(task_id).status}, not {' or '.join(wanted)}",
            seconds,
        )

    def wait_for_end(self, task_id: int) -> Task:
        return self.wait_for(task_id, *(status for status in TaskStatus if status.is_final))

    def wait_for_step(self, task_id: int, step: int) -> Task:
        return wait_until(
            lambda: task if ((task := self.task(task_id)).progress.get("step") or 0) >= step else None,
            lambda: f"task {task_id} is {self.task(task_id).status} at {self.task(task_id).progress}",
        )

    def wait_until_idle(self) -> Worker:
        return wait_until(
            lambda: next((w for w in self.workers() if w.state == WorkerState.IDLE and w.started_at), None),
            lambda: f"workers: {[(w.id, w.state, w.note) for w in self.workers()]}",
        )

    def clear(self) -> None:
        """Leave no task that has not ended."""
        with self.database.read() as session:
            left = list(session.scalars(select(Task).where(Task.status.not_in(FINAL)).order_by(Task.id)))
        for task in left:
            self.cancel(task.id)
        for task in left:
            self.wait_for_end(task.id)

    def device_pid(self) -> int:
        return self.workers()[0].pid

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            process.communicate(timeout=30)
        self.database.close()


def children_of(pid: int) -> list[int]:
    """Pids of the processes that `pid` started and that still live."""
    text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for child in text.split()]


def alive(pids: Iterable[int]) -> list[int]:
    def lives(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    return [pid for pid in pids if lives(pid)]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def wait_until(look: Callable[[], T | None], otherwise: Callable[[], str], seconds: float = 40) -> T:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(otherwise())
