"""A real server process on a free port, and hands that do to its tasks what a worker would do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from mofsim.cli import ports
from mofsim.client import Client, ServerUnreachable
from mofsim.client.local import key_in
from mofsim.core import alerts, leases, readings, workers
from mofsim.core.leases import Lease, Outcome
from mofsim.core.retention import Policy, Retention
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Device, Host, TaskLog, Worker, utcnow
from mofsim.settings import load_settings
from mofsim.vocabulary import AlertLevel, AlertType, LogLevel, TaskStatus, WorkerState

T = TypeVar("T")

SETTINGS = """
[scheduler]
default_model = "lj"
[models.lj]
framework = "ase"
checkpoint = "ase.calculators.lj:LennardJones"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
[worker]
cpu_slots = 1
threads_per_slot = 1
progress_interval_seconds = 0.1
stop_grace_seconds = 6.0
[alerts.channels.log]
kind = "log"
[alerts.channels.book]
kind = "file"
path = "alerts/book.jsonl"
"""


class Server:
    """`mofsim serve` with its data in `folder`; it can be stopped and started again at the same place."""

    def __init__(self, folder: Path, rows: dict[str, str] | None = None) -> None:
        self.folder = folder
        (folder / "settings.toml").write_text(SETTINGS)
        self.port = ports.free("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}"
        own = {
            "MOFSIM_SETTINGS": str(folder / "settings.toml"),
            "MOFSIM_STORAGE__ROOT": str(self.data),
            "MOFSIM_SERVER__PORT": str(self.port),
        }
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("MOFSIM_")} | own | (rows or {})
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def database_url(self) -> str:
        return load_settings(env=self.environment, cwd=self.folder).database_url

    @property
    def key(self) -> str:
        """That of its account, for who comes to it by another port."""
        key = key_in(self.data)
        assert key
        return key

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "mofsim", "serve"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, cwd=self.folder, stdout=log, stderr=log)
        with Client(self.url) as client:
            wait_until(lambda: self._answers(client), lambda: self.log.read_text())

    def _answers(self, client: Client) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(self.log.read_text())
        try:
            return client.health().status != ""
        except ServerUnreachable:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)

    @contextmanager
    def hands(self) -> Iterator["Hands"]:
        settings = load_settings(env=self.environment, cwd=self.folder)
        database = Database(settings.database_url)
        try:
            yield Hands(database, settings.results_dir)
        finally:
            database.close()


class Hands:
    """Steps of a task's life, written to the database as a worker writes them."""

    def __init__(self, database: Database, results: Path) -> None:
        self.database = database
        self.results = results

    def take(self) -> Lease:
        """Claim the task that is next, and begin it."""
        with self.database.write() as session:
            claimed = leases.claim(
                session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0
            )
            assert claimed is not None, "no task is queued"
            lease = claimed[0]
        with self.database.write() as session:
            leases.start(session, lease, total_steps=100)
        return lease

    def step(self, lease: Lease, step: int) -> None:
        progress: dict[str, Any] = {
            "step": step,
            "total_steps": 100,
            "percent": float(step),
            "energy_eV": -10.0 - step,
            "fmax_eV_per_A": 1.0 / (step + 1),
            "volume_A3": 100.0,
        }
        with self.database.write() as session:
            leases.heartbeat(session, lease, lease_seconds=60, progress=progress)

    def say(self, lease: Lease, message: str) -> None:
        with self.database.write() as session:
            session.add(
                TaskLog(
                    task_id=lease.task_id,
                    attempt=lease.attempt,
                    time=utcnow(),
                    level=LogLevel.INFO,
                    logger="test",
                    message=message,
                )
            )

    def write(self, lease: Lease, name: str, content: str) -> dict[str, int]:
        """An output file of the attempt; name and size, as `end` wants them."""
        folder = self.results / str(lease.task_id) / str(lease.attempt)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
        return {name: len(content)}

    def end(self, lease: Lease, status: TaskStatus = TaskStatus.COMPLETED, **outcome: Any) -> None:
        with self.database.write() as session:
            leases.finish(session, lease, Outcome(status=status, **outcome))

    def grow_old(self, *, compress_after: timedelta | None = None, keep: timedelta | None = None) -> None:
        """Tidy up as chores do when results are so old."""
        policy = Policy(compress_after, keep, None)
        Retention(self.database, Storage(self.results.parent), policy).tidy(lambda: True)

    def register(self, worker_id: str, state: WorkerState = WorkerState.IDLE, note: str = "") -> None:
        """A device worker starts, and says what it does."""
        host, slot = worker_id.split(":")
        worker = Worker(id=worker_id, host=host, slot=slot, pid=1, incarnation="a", note="")
        with self.database.write() as session:
            workers.register(session, worker)
            workers.update_state(session, worker_id, "a", state=state, note=note)

    def say_state(self, worker_id: str, state: WorkerState, task_id: int | None = None) -> None:
        with self.database.write() as session:
            workers.update_state(session, worker_id, "a", state=state, task_id=task_id)

    def see(self, host: str, gpu_id: str, processes: list[dict[str, Any]] | None = None) -> None:
        """The chores of a box look at it and at its GPU."""
        gpu = Device(id=gpu_id, host=host, gpu_index=0, memory_total_MB=80e3, memory_used_MB=1000.0)
        gpu.processes = processes
        box = Host(name=host, cores=4, load_1min=1.0, busy_percent=25.0, memory_total_MB=16e3, memory_used_MB=4e3)
        with self.database.write() as session:
            workers.record_gpu(session, gpu)
            readings.record(session, box, [gpu])

    def alert(self, subject: str, message: str) -> None:
        with self.database.write() as session:
            alerts.raise_alert(session, AlertType.GPU_FAULT, subject, AlertLevel.ERROR, message, {})

    def resolve(self, subject: str) -> None:
        with self.database.write() as session:
            alerts.resolve(session, AlertType.GPU_FAULT, subject)


def wait_until(look: Callable[[], T | None], otherwise: Callable[[], str], seconds: float = 40) -> T:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(otherwise())
