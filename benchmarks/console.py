"""What the console costs: start-up, bytes on the line, time from key to answer, memory.

    python benchmarks/console.py [--server URL] [-n TASKS] [--rows ROWS]

Without a URL it starts a server with a throwaway data folder and TASKS waiting tasks in it, and makes ROWS of them
change once a second. Prints one JSON line.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import insert, inspect, select, update
from terminal import DOWN, PAGE_DOWN, Terminal

from mofsim.cli import ports
from mofsim.client import Client, batch_item
from mofsim.core import leases
from mofsim.core.leases import Lease
from mofsim.db.engine import Database
from mofsim.db.tables import Task, TaskCount, utcnow
from mofsim.settings import load_settings
from mofsim.vocabulary import TaskStatus, TaskType

STARTS, KEYS, PAGES, IDLE_SECONDS, BUSY_SECONDS = 5, 40, 10, 5.0, 6.0
SUBMITTED, CHUNK = 500, 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", help="URL of a running server")
    parser.add_argument("-n", type=int, default=1000, help="tasks to put into a server of its own")
    parser.add_argument("--rows", type=int, default=20, help="rows that change once a second")
    options = parser.parse_args()
    if options.server:
        report = measure(options.server)
    else:
        with tempfile.TemporaryDirectory(prefix="mofsim-benchmark-") as folder, server(Path(folder), options.n) as url:
            report = measure(url) | measure_changes(url, Path(folder), options.rows)
    print(json.dumps({"benchmark": "console", **report}))


def measure(url: str) -> dict[str, float]:
    paints, cpu, rows = zip(*(start_up(url) for _ in range(STARTS)), strict=True)
    with console(url) as terminal:
        idle = terminal.bytes_during(IDLE_SECONDS) / IDLE_SECONDS
        keys = [terminal.press(DOWN).first_ms for _ in range(KEYS)]
        pages = [terminal.press(PAGE_DOWN) for _ in range(PAGES)]
        memory = terminal.memory_MiB()
    return {
        "spawn_to_first_paint_ms": round(statistics.median(paints)),
        "cpu_to_first_paint_ms": round(statistics.median(cpu)),
        "spawn_to_first_rows_ms": round(statistics.median(rows)),
        "idle_bytes_per_s": round(idle),
        "key_to_first_byte_ms_p50": round(statistics.median(keys), 1),
        "key_to_first_byte_ms_p95": round(statistics.quantiles(keys, n=20)[18], 1),
        "page_down_bytes": round(statistics.median(page.n_bytes for page in pages)),
        "memory_MiB": round(memory),
    }


def command(url: str) -> Sequence[str]:
    return [sys.executable, "-m", "mofsim", "tui", "--server", url]


def start_up(url: str) -> tuple[float, float, float]:
    """Milliseconds to the frame of the list, of the processor's time until then, and to the rows in it."""
    with Terminal(command(url)) as terminal:
        return terminal.wait_for("[Tasks]"), terminal.cpu_ms(), terminal.wait_for("1 of ")


@contextmanager
def console(url: str) -> Iterator[Terminal]:
    with Terminal(command(url)) as terminal:
        terminal.wait_for("1 of ")
        terminal.settle()
        yield terminal


def measure_changes(url: str, folder: Path, n_rows: int) -> dict[str, float]:
    """Bytes a second while `n_rows` rows in view change once a second."""
    stop = threading.Event()
    with opened(folder) as database:
        held = [take(database, slot) for slot in range(n_rows)]
        thread = threading.Thread(target=make_steps, args=(database, held, stop))
        thread.start()
        with console(url) as terminal:
            # The tasks that run are the oldest: with the order reversed they are in view.
            terminal.press(b"S")
            terminal.bytes_during(3)
            busy = terminal.bytes_during(BUSY_SECONDS) / BUSY_SECONDS
        stop.set()
        thread.join()
    return {"changing_rows": n_rows, "changing_bytes_per_s": round(busy)}


def take(database: Database, slot: int) -> Lease:
    with database.write() as session:
        claimed = leases.claim(
            session, f"box:gpu{slot}", gpu_id=None, loaded_models=[], lease_seconds=600, affinity_seconds=0
        )
        assert claimed is not None, "no task is queued"
        lease = claimed[0]
    with database.write() as session:
        leases.start(session, lease, total_steps=100)
    return lease


def make_steps(database: Database, held: Sequence[Lease], stop: threading.Event) -> None:
    """One step of each task a second, at different moments of it as real ones are."""
    step = 0
    while not stop.is_set():
        step += 1
        for lease in held:
            progress = {"step": step, "total_steps": 100, "energy_eV": -700.0 - step, "fmax_eV_per_A": 1 / step}
            with database.write() as session:
                leases.heartbeat(session, lease, lease_seconds=600, progress=progress)
            if stop.wait(1 / len(held)):
                return


def environment(folder: Path) -> dict[str, str]:
    own = {"MOFSIM_STORAGE__ROOT": str(folder / "data"), "MOFSIM_SETTINGS": str(folder / "settings.toml")}
    return {name: value for name, value in os.environ.items() if not name.startswith("MOFSIM_")} | own


@contextmanager
def server(folder: Path, n_tasks: int) -> Iterator[str]:
    """The URL of a server without a worker, with `n_tasks` waiting tasks."""
    (folder / "settings.toml").write_text("")
    port = ports.free("127.0.0.1")
    settings = environment(folder) | {"MOFSIM_SERVER__PORT": str(port)}
    serve = [sys.executable, "-m", "mofsim", "serve"]
    process = subprocess.Popen(serve, env=settings, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("mofsim serves at"), "the server did not start"
        threading.Thread(target=process.stderr.read, daemon=True).start()
        url = f"http://127.0.0.1:{port}"
        with Client(url) as client:
            fill(client, folder, n_tasks)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def fill(client: Client, folder: Path, n_tasks: int) -> None:
    """Some are submitted; the rest are copies of one, for submitting a hundred thousand is not what is measured."""
    names = [structure.name for structure in client.structures()]
    submitted = min(n_tasks, SUBMITTED)
    client.submit_batch(
        batch_item(TaskType.OPTIMIZATION, names[i % len(names)], preset="quick") for i in range(submitted)
    )
    copies = n_tasks - submitted
    with opened(folder) as database, database.write() as session:
        first = session.scalars(select(Task).limit(1)).one()
        row = {column.key: getattr(first, column.key) for column in inspect(Task).column_attrs if column.key != "id"}
        row["queued_at"] = utcnow()
        for start in range(0, copies, CHUNK):
            session.execute(insert(Task), [row] * min(CHUNK, copies - start))
        queued = update(TaskCount).where(TaskCount.status == TaskStatus.QUEUED)
        session.execute(queued.values(n=TaskCount.n + copies))


@contextmanager
def opened(folder: Path) -> Iterator[Database]:
    database = Database(load_settings(env=environment(folder), cwd=folder).database_url)
    try:
        yield database
    finally:
        database.close()


if __name__ == "__main__":
    main()
