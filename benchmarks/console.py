"""What the console costs on a real terminal, beside its budgets: start-up, keys, bytes on the line, memory.

    python benchmarks/console.py [-n TASKS] [--latency MS …] [--keep FOLDER] [--json]

Fills a database with TASKS finished tasks, serves it without workers, and runs `mofsim tui` on a pseudo-terminal: over
loopback, and over lines whose answers come so many milliseconds later. Prints a table, or with --json one JSON line.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from api import Server, filled_in, folder, server
from delaying import delayed
from sqlalchemy import delete, insert
from terminal import DOWN, PAGE_DOWN, Terminal

from mofsim.core import leases
from mofsim.core.leases import Lease, Outcome
from mofsim.db.engine import Database
from mofsim.db.tables import TaskLog
from mofsim.vocabulary import TaskStatus

STARTS, KEYS, PAGES, IDLE_SECONDS, BUSY_SECONDS = 9, 60, 20, 10, 12
#: rows in view that change once a second
ROWS = 20
LOG_LINES, CHUNK = 100_000, 10_000


@dataclass(frozen=True)
class Row:
    """A budget, and what was measured: the typical value, and that which one of twenty exceeds."""

    what: str
    unit: str
    budget: float
    p50: float
    p95: float
    #: which of the two the budget is for
    judged: str = "p95"

    @property
    def kept(self) -> bool:
        return float(getattr(self, self.judged)) <= self.budget


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100_000, help="finished tasks in the database")
    parser.add_argument("--latency", type=float, nargs="*", default=[0.0, 100.0], help="added to answers, in ms")
    parser.add_argument("--keep", type=Path, help="leave the database here, and take it from here the next time")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = {}
    with folder(options.keep) as at:
        filled_in(at, options.n)
        with server(at) as running, Work(running) as work:
            for latency in options.latency:
                with delayed(running.port, latency / 1000) as port:
                    rows = measure(running, port if latency else running.port, work)
                report[f"+{latency:g} ms" if latency else "loopback"] = [
                    asdict(row) | {"kept": row.kept} for row in rows
                ]
                if not options.json:
                    print(table(f"{options.n} tasks, +{latency:g} ms", rows), flush=True)
    if options.json:
        print(json.dumps({"benchmark": "console", "tasks": options.n, "lines": report}))


def table(title: str, rows: Sequence[Row]) -> str:
    lines = [f"{title:<44} {'budget':>10} {'p50':>9} {'p95':>9}"]
    for row in rows:
        mark = "" if row.kept else "  OVER"
        lines.append(f"{row.what:<44} {row.budget:>6g} {row.unit:<4}{row.p50:>8.1f} {row.p95:>9.1f}{mark}")
    return "\n".join(lines) + "\n"


def measure(running: Server, port: int, work: "Work") -> list[Row]:
    command = [sys.executable, "-m", "mofsim", "tui", "--server", f"http://127.0.0.1:{port}"]
    # The first one leaves bytecode for the others, where there is none yet.
    start_up(command, running.key)
    started = [start_up(command, running.key) for _ in range(STARTS)]
    paints, filled, used = zip(*started, strict=True)
    with console(command, running.key) as terminal:
        only(terminal, "status:completed")
        # Of tasks that run or wait, times go on; those that ended stand still. By second, for what comes in one burst
        # must not vanish in the mean.
        before = terminal.cpu_ms()
        idle = [terminal.bytes_during(1) for _ in range(IDLE_SECONDS)]
        cpu = (terminal.cpu_ms() - before) / (10 * IDLE_SECONDS)
        keys = [terminal.press(DOWN).first_ms for _ in range(KEYS)]
        pages = [terminal.press(PAGE_DOWN) for _ in range(PAGES)]
    with console(command, running.key) as terminal:
        only(terminal, "status:running")
        with work.going_on():
            terminal.bytes_during(2)
            busy = [terminal.bytes_during(1) / 1000 for _ in range(BUSY_SECONDS)]
        open_log(terminal, work.held[0].task_id)
        memory = terminal.memory_MiB()
    return [
        row("spawn to the frame of the list", "ms", 350, paints, "p50"),
        row("spawn to its first rows", "ms", 350, filled, "p50"),
        row("processor until its first rows", "ms", 350, used, "p50"),
        row("key to first byte", "ms", 20, keys),
        row("idle, nothing changing", "B/s", 0, idle, "p50"),
        Row("idle, processor", "%", 1, cpu, cpu),
        row(f"{ROWS} rows changing at 1 Hz", "KB/s", 4, busy, "p50"),
        row("page down", "KB", 10, [page.n_bytes / 1000 for page in pages]),
        row("page down, frames", "", 1, [page.n_frames for page in pages], "p50"),
        Row(f"memory, with a log of {LOG_LINES} lines", "MiB", 80, memory, memory),
    ]


def row(what: str, unit: str, budget: float, values: Sequence[float], judged: str = "p95") -> Row:
    p95 = statistics.quantiles(values, n=20, method="inclusive")[18]
    return Row(what, unit, budget, statistics.median(values), p95, judged)


def start_up(command: Sequence[str], key: str) -> tuple[float, float, float]:
    """Milliseconds to the frame of the list, to the rows in it, and of the processor until then.

    The last is what an idle machine would take, on one that has much else to do.
    """
    with Terminal(command, MOFSIM_API_KEY=key) as terminal:
        return terminal.wait_for("[2 Tasks"), terminal.wait_for("1 of "), terminal.cpu_ms()


@contextmanager
def console(command: Sequence[str], key: str) -> Iterator[Terminal]:
    with Terminal(command, MOFSIM_API_KEY=key) as terminal:
        terminal.wait_for("1 of ")
        terminal.settle()
        yield terminal


def only(terminal: Terminal, text: str) -> None:
    """The list with this filter."""
    terminal.press(b"/")
    for character in text:
        terminal.press(character.encode(), quiet_seconds=0.05)
    terminal.press(b"\r", quiet_seconds=0.5)
    # The cursor stays on its task, wherever that is now.
    terminal.send(b"g")
    terminal.settle()


def open_log(terminal: Terminal, task_id: int) -> None:
    """The whole log of a task: from its end, to its first line."""
    terminal.press(b":")
    terminal.press(f"task {task_id}".encode())
    terminal.press(b"\r")
    terminal.wait_for("[Plot]")
    terminal.bytes_during(2)
    terminal.press(b"l", quiet_seconds=1)
    # What comes before stays above the view, which g brings to the first line once more.
    deadline = time.perf_counter() + 120
    while b"this is line 1 of the log" not in terminal.printed:
        if time.perf_counter() > deadline:
            raise TimeoutError("the log was never read to its start")
        for key in (b"j", b"g"):
            terminal.send(key)
            terminal.bytes_during(1)
    terminal.bytes_during(2)


class Work:
    """ROWS tasks that run, the first with a long log; they make steps only while they are told to."""

    def __init__(self, running: Server) -> None:
        self.database = Database(running.settings.database_url)
        self.held = [take(self.database, slot) for slot in range(ROWS)]
        write_log(self.database, self.held[0].task_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lease in self.held:
            with self.database.write() as session:
                leases.finish(session, lease, Outcome(status=TaskStatus.CANCELLED))
        self.database.close()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """A step of each a second, at different moments of it as real ones are."""
        stop = threading.Event()
        thread = threading.Thread(target=make_steps, args=(self.database, self.held, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def take(database: Database, slot: int) -> Lease:
    with database.write() as session:
        claimed = leases.claim(
            session, f"box:gpu{slot}", gpu_id=None, loaded_models=[], lease_seconds=3600, affinity_seconds=0
        )
        assert claimed is not None, "no task is queued"
        lease = claimed[0]
    with database.write() as session:
        leases.start(session, lease, total_steps=100)
    return lease


def write_log(database: Database, task_id: int) -> None:
    with database.write() as session:
        # In a database that was kept it may have one already.
        session.execute(delete(TaskLog).where(TaskLog.task_id == task_id))
        for start in range(1, LOG_LINES + 1, CHUNK):
            session.execute(
                insert(TaskLog),
                [
                    {"task_id": task_id, "attempt": 1, "level": "INFO", "logger": "mofsim", "extra": None,
                     "message": f"this is line {n} of the log  E=-1234.{n:06} eV  fmax={100 / n:.4f} eV/A"}
                    for n in range(start, min(start + CHUNK, LOG_LINES + 1))
                ],
            )  # fmt: skip


def make_steps(database: Database, held: Sequence[Lease], stop: threading.Event) -> None:
    step = 0
    while not stop.is_set():
        step += 1
        for lease in held:
            progress = {"step": step, "total_steps": 100, "energy_eV": -700.0 - step, "fmax_eV_per_A": 1 / step}
            with database.write() as session:
                leases.heartbeat(session, lease, lease_seconds=3600, progress=progress)
            if stop.wait(1 / len(held)):
                return


if __name__ == "__main__":
    main()
