"""How fast the API answers with a million finished tasks in its database, and what memory that takes.

    python benchmarks/api.py [--tasks N] [--seconds S] [--keep FOLDER] [--engine postgresql]

Fills a database, starts a server without workers on it and asks from this process, over plain sockets: at a pace, whose
times have limits, and as fast as it answers. Prints a table, or with --json one JSON line. The first million takes some
minutes and 2 GB; --keep leaves it in FOLDER, and takes it from there the next time. For PostgreSQL, which has the rows
and the tickets then, the file is filled and copied by `mofsim db copy`.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from engines import postgresql
from filling import STATUSES, TYPES, UPLOADED_FROM, UPLOADS, fill, n_finished
from load import Request, Took, cpu, drive, lines, listen, quiet

from mofsim.cli import ports
from mofsim.core.queries import encode_cursor
from mofsim.db.copy import copy
from mofsim.db.engine import Database
from mofsim.settings import Settings, load_settings
from mofsim.settings.places import local_key_file

#: no settings of engines: SQLite
SQLITE: Mapping[str, str] = MappingProxyType({})
#: besides those that come with mofsim
MORE_MODELS = """
[models.lj-{n}]
framework = "ase"
checkpoint = "ase.calculators.lj:LennardJones"
options = {{ sigma = 1.0, epsilon = 0.001, rc = 3.0 }}
"""
SETTINGS = "".join(MORE_MODELS.format(n=n) for n in range(5))
MODELS = ("7net-0", "7net-l3i5", "chgnet", *(f"lj-{n}" for n in range(5)))
STRUCTURES = ("MOF-5", "HKUST-1", "UiO-66", "ZIF-8", *(f"hMOF-{UPLOADED_FROM + n}" for n in range(0, UPLOADS, 50)))

CONNECTIONS, CLIENTS, WAITING = 16, 50, 2_000
#: of the paced points, all connections together
PER_SECOND = 40.0
#: changes that the clients of the event stream are to see, a second
CHANGES = 10.0
PAGE = 100
MEMORY_LIMIT_MB = 250.0
WARM_UP_SECONDS = 2.0


@dataclass(frozen=True)
class Point:
    """A kind of request, over how many connections it is asked, and what 99 % of the answers may take."""

    name: str
    request: Callable[[], Request]
    limit_ms: float | None = None
    connections: int = CONNECTIONS
    #: None: as fast as it answers
    per_second: float | None = PER_SECOND


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1_000_000, help="finished tasks in the database")
    parser.add_argument("--seconds", type=float, default=20, help="how long each point is asked")
    parser.add_argument("--keep", type=Path, help="folder of the data, which is filled once and left there")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite", help="what has the rows")
    parser.add_argument("--json", action="store_true", help="one JSON line and no table")
    parser.add_argument("--only", default="", help="regular expression for the points that are measured; else all")
    options = parser.parse_args()
    with folder(options.keep) as at, engine(options.engine, at) as engines:
        filled = filled_in(at, options.tasks, engines)
        with server(at, engines) as running:
            rows = asyncio.run(measure(running, options.tasks, options.seconds, options.only))
            memory_MB = running.memory_MB()
            peak_MB = running.memory_MB("VmHWM")
    report = {
        "benchmark": "api",
        "engine": options.engine,
        "tasks": options.tasks,
        "filled_in_s": filled,
        "points": rows,
    }
    report |= {"memory_MB": memory_MB, "peak_MB": peak_MB, "memory_limit_MB": MEMORY_LIMIT_MB}
    print(json.dumps(report) if options.json else table(report))


@contextmanager
def folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="mofsim-benchmark-") as path:
        yield Path(path)


@contextmanager
def engine(name: str, at: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a server whose rows are there."""
    if name == "sqlite":
        yield {}
        return
    with postgresql(at / "postgresql") as url:
        yield {"MOFSIM_DATABASE__URL": url, "MOFSIM_QUEUE__BACKEND": "postgresql"}


def filled_in(at: Path, n_tasks: int, engines: Mapping[str, str] = SQLITE) -> float | None:
    """Seconds that it took to fill the database; None where it was full already."""
    file = load_settings(env=environment(at), cwd=at)
    begun = time.perf_counter()
    is_new = not Path(file.storage.root, "mofsim.db").exists()
    if is_new:
        fill(file, n_tasks, WAITING)
    elif (found := n_finished(file)) != n_tasks:
        raise SystemExit(f"{at} holds {found} finished tasks, not {n_tasks}; take another folder for --keep")
    if engines:
        served = load_settings(env=environment(at, engines), cwd=at)
        is_new |= copied(file, served)
    return round(time.perf_counter() - begun, 1) if is_new else None


def copied(file: Settings, served: Settings) -> bool:
    """Copy the rows of the file to where they are served from; False where they are there already."""
    if n_finished(served):
        return False
    copy(file, served.database_url)
    database = Database(served.database_url)
    with database.reader.connect() as connection:
        # What PostgreSQL does by itself within minutes.
        connection.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=False)
        connection.exec_driver_sql("VACUUM ANALYZE")
    database.close()
    return True


def environment(at: Path, engines: Mapping[str, str] | None = None) -> dict[str, str]:
    own = {
        "MOFSIM_STORAGE__ROOT": str(at / "data"),
        "MOFSIM_SETTINGS": str(at / "settings.toml"),
        "MOFSIM_SECURITY__REQUESTS_PER_MINUTE": "0",
        "MOFSIM_SECURITY__SUBMITS_PER_MINUTE": "0",
        **(engines or {}),
    }
    (at / "settings.toml").write_text(SETTINGS)
    return {name: value for name, value in os.environ.items() if not name.startswith("MOFSIM_")} | own


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    port: int
    key: str
    settings: Settings

    def memory_MB(self, which: str = "VmRSS") -> float:
        """Resident memory now, or with VmHWM the most that it ever had; in MB of 10⁶ bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kB = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{which}:"))
        return round(int(kB) * 1024 / 1e6, 1)

    def cpu_seconds(self) -> float:
        # After the name, which may hold spaces: fields 14 and 15 of proc(5).
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(at: Path, engines: Mapping[str, str] = SQLITE) -> Iterator[Server]:
    port = ports.free("127.0.0.1")
    settings = environment(at, engines) | {"MOFSIM_SERVER__PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "mofsim", "serve"], env=settings, cwd=at, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        told = []
        while not told or not told[-1].startswith("mofsim serves at"):
            told.append(process.stderr.readline())
            if not told[-1]:
                raise SystemExit(f"the server did not start: {''.join(told)}")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        loaded = load_settings(env=settings, cwd=at)
        yield Server(process, port, local_key_file(loaded.storage.root).read_text().strip(), loaded)
    finally:
        process.terminate()
        process.wait(30)


async def measure(running: Server, n_tasks: int, seconds: float, only: str) -> list[dict[str, Any]]:
    rows = []
    for point in points(n_tasks, random.Random(2)):
        if re.search(only, point.name):
            async with lines(running.port, running.key, point.connections) as over:
                await drive(over, point.request, WARM_UP_SECONDS, point.per_second)
                before = running.cpu_seconds()
                took = await drive(over, point.request, seconds, point.per_second)
            rows.append(row(point.name, point.limit_ms, took, running.cpu_seconds() - before))
    if re.search(only, "events"):
        before = running.cpu_seconds()
        took = await events(running, seconds)
        rows.append(row(f"events, {CLIENTS} clients", 200.0, took, running.cpu_seconds() - before))
    return rows


def points(n_tasks: int, dice: random.Random) -> Iterator[Point]:
    def one() -> Request:
        return Request("GET", f"/api/v1/tasks/{dice.randint(1, n_tasks)}")

    def listed(deep: bool, filters: Callable[[], dict[str, str]]) -> Callable[[], Request]:
        def request() -> Request:
            given = filters() | {"limit": str(PAGE)}
            if deep:
                id = dice.randint(n_tasks // 20, n_tasks // 2)
                given["cursor"] = encode_cursor("-id", id, id)
            return Request("GET", f"/api/v1/tasks?{urlencode(given)}")

        return request

    def two_filters() -> dict[str, str]:
        values = {
            "status": dice.choice([*STATUSES]), "model": dice.choice(MODELS), "task_type": dice.choice([*TYPES]),
            "structure": dice.choice(STRUCTURES),
        }  # fmt: skip
        return {name: str(values[name]) for name in dice.sample([*values], 2)}

    def submitted() -> Request:
        body = {"model": "lj-0", "structure": {"source": "builtin", "name": "MOF-5"}, "preset": "quick"}
        return Request("POST", "/api/v1/tasks/optimization", body, status=202)

    def plain(path: str) -> Callable[[], Request]:
        return lambda: Request("GET", path)

    yield Point("GET one task", one, 30.0)
    yield Point("list, two filters, first page", listed(False, two_filters), 60.0)
    yield Point("list, two filters, deep page", listed(True, two_filters), 60.0)
    yield Point("list, no filter, first page", listed(False, dict), 60.0)
    yield Point("POST a task", submitted, 60.0)
    yield Point("/metrics", plain("/metrics"), 50.0, connections=1, per_second=5.0)
    yield Point("/system/stats", plain("/api/v1/system/stats"), 50.0, connections=1, per_second=5.0)
    yield Point("/system/queue", plain("/api/v1/system/queue"), 50.0, connections=1, per_second=5.0)
    yield Point("GET one task, saturated", one, per_second=None)
    yield Point("list, two filters, saturated", listed(False, two_filters), per_second=None)
    yield Point("POST a task, saturated", submitted, per_second=None)


async def events(running: Server, seconds: float) -> Took:
    """From the moment that a task is submitted until each of the clients hears of it; the slower the more count."""
    seen: dict[int, list[float]] = {}
    sent: dict[int, float] = {}
    took = Took()
    submitted = Request(
        "POST",
        "/api/v1/tasks/single-point",
        {"model": "lj-0", "structure": {"source": "builtin", "name": "MOF-5"}, "preset": "quick"},
        status=202,
    )
    async with lines(running.port, running.key, CLIENTS + 1) as (line, *others):
        clients = [asyncio.create_task(listen(other, seen)) for other in others]
        await asyncio.sleep(WARM_UP_SECONDS)
        with quiet(), cpu(took):
            begun = time.perf_counter()
            for n in range(int(seconds * CHANGES)):
                await asyncio.sleep(max(0.0, begun + n / CHANGES - time.perf_counter()))
                now = time.perf_counter()
                answer = json.loads(await line.send(submitted))
                sent[answer["data"]["id"]] = now
            took.seconds = time.perf_counter() - begun
            await asyncio.sleep(1.0)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    for task, at in sent.items():
        heard = seen.get(task, [])
        if len(heard) != CLIENTS:
            raise SystemExit(f"task {task} was heard of by {len(heard)} of {CLIENTS} clients")
        took.ms += [1000 * (time - at) for time in heard]
    return took


def row(name: str, limit_ms: float | None, took: Took, server_cpu: float) -> dict[str, Any]:
    quantiles = {f"p{round(100 * share)}_ms": round(took.quantile(share), 1) for share in (0.5, 0.95, 0.99)}
    return {
        "name": name,
        "n": len(took.ms),
        "per_second": round(took.per_second),
        **quantiles,
        "max_ms": round(max(took.ms), 1),
        "limit_ms": limit_ms,
        "driver_cpu_percent": round(100 * took.driver_cpu / took.seconds),
        "server_cpu_percent": round(100 * server_cpu / took.seconds),
    }


COLUMNS = {
    "n": "n", "per_second": "1/s", "p50_ms": "p50", "p95_ms": "p95", "p99_ms": "p99", "max_ms": "max",
    "limit_ms": "limit", "server_cpu_percent": "server %", "driver_cpu_percent": "driver %",
}  # fmt: skip


def table(report: dict[str, Any]) -> str:
    """Times in ms, of which p99 is held against the limit, and shares of one core."""
    text = [f"{report['tasks']} finished tasks in {report['engine']}; times in ms, processors in % of a core", ""]
    text.append(f"{'':34}" + "".join(f"{word:>9}" for word in COLUMNS.values()))
    for point in report["points"]:
        cells = ["" if point[name] is None else f"{point[name]}" for name in COLUMNS]
        missed = point["limit_ms"] is not None and point["p99_ms"] > point["limit_ms"]
        text.append(f"{point['name']:34}" + "".join(f"{cell:>9}" for cell in cells) + "  over" * missed)
    memory, limit = report["memory_MB"], report["memory_limit_MB"]
    text.append(f"\nthe server's memory at the end: {memory} MB (limit {limit}), at most {report['peak_MB']} MB")
    return "\n".join(text)


if __name__ == "__main__":
    main()
