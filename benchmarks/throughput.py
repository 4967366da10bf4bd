"""How many tasks that do nothing are done in a second: through mofsim, and by Huey alone on the same storage.

    python benchmarks/throughput.py [--workers 1,2,4] [--only PostgreSQL] [-n 200] [--blocks 3]

A mofsim task is a single point whose potential knows the answer: it is submitted over HTTP (a batch), its row claimed,
its structure read, its executor asked, its result, file and events written. Huey's is a function that returns. Both
have as many processes to work, and count from before the first is submitted until the last has ended; the two take
turns in blocks, so that a drift of the machine's speed meets both. Prints a table, or with --json one JSON line.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import plain
from engines import STORAGES, storage
from service import running

from mofsim.client import Client, batch_item
from mofsim.settings import load_settings
from mofsim.vocabulary import TaskStatus, TaskType

STRUCTURE = "Mg-MOF-74"
#: Huey is so much quicker that it needs more tasks to be timed.
MORE_FOR_HUEY = 10
LOOK_SECONDS = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", type=int, default=200, help="tasks of a block; ten times as many of Huey's")
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--workers", default="1,2,4", help="how many, one after the other")
    parser.add_argument("--only", default="", help="regular expression for the storages; else all")
    parser.add_argument("--json", action="store_true", help="one JSON line and no table")
    options = parser.parse_args()
    points = []
    for name in STORAGES:
        for n_workers in map(int, options.workers.split(",")) if re.search(options.only, name) else ():
            points.append(measure(name, n_workers, options.n, options.blocks))
            print(f"{name}, {n_workers} workers: {json.dumps(points[-1])}", file=sys.stderr)
    report = {"benchmark": "throughput", "n": options.n, "blocks": options.blocks, "cores": os.cpu_count()}
    report |= {"points": points}
    print(json.dumps(report) if options.json else table(report))


def measure(name: str, n_workers: int, n: int, blocks: int) -> dict[str, Any]:
    ours, theirs = [], []
    with (
        tempfile.TemporaryDirectory(prefix="mofsim-engines-") as folder,
        storage(name, Path(folder)) as engines,
        running(n_workers, engines) as mofsim,
    ):
        warm_up(mofsim.client, n_workers)
        for _ in range(blocks):
            ours.append(n / through_mofsim(mofsim.client, n))
            theirs.append(MORE_FOR_HUEY * n / by_huey(mofsim.environment, n_workers, MORE_FOR_HUEY * n))
    return {
        "storage": name,
        "workers": n_workers,
        "mofsim_per_second": round(statistics.median(ours), 1),
        "huey_per_second": round(statistics.median(theirs), 1),
        "mofsim_of_each_block": [round(each, 1) for each in ours],
        "huey_of_each_block": [round(each, 1) for each in theirs],
        "added_ms_per_task": round(1000 * n_workers * (1 / statistics.median(ours) - 1 / statistics.median(theirs)), 1),
        "load_1min": round(os.getloadavg()[0], 1),
    }


def warm_up(client: Client, n_workers: int) -> None:
    """Until all are there and each has the model."""
    while len([worker for worker in client.workers() if "nothing" in worker.loaded_models]) < n_workers:
        through_mofsim(client, 2 * n_workers)


def through_mofsim(client: Client, n: int) -> float:
    """Seconds from the request that submits `n` tasks until the last of them has its result."""
    begun = datetime.now(UTC)
    batch = client.submit_batch([batch_item(TaskType.SINGLE_POINT, STRUCTURE, model="nothing")] * n)
    while (found := client.batch(batch.id)).completed_at is None:
        time.sleep(LOOK_SECONDS)
    assert found.counts[TaskStatus.COMPLETED] == n, found.counts
    return (found.completed_at - begun).total_seconds()


def by_huey(environment: Mapping[str, str], n_workers: int, n: int) -> float:
    """Seconds from the first of `n` tasks that is put into the queue until none is left there."""
    huey, nothing = plain.queue(load_settings(env=environment))
    with consumers(environment, n_workers):
        for _ in range(n_workers):
            nothing()
        wait_until_empty(huey)
        begun = time.perf_counter()
        for _ in range(n):
            nothing()
        wait_until_empty(huey)
        return time.perf_counter() - begun


def wait_until_empty(huey: Any) -> None:
    while huey.pending_count():
        time.sleep(0.005)


@contextmanager
def consumers(environment: Mapping[str, str], n: int) -> Iterator[None]:
    command = [sys.executable, plain.__file__]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(command, env=dict(environment), **quiet) for _ in range(n)]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


COLUMNS = {
    "mofsim_per_second": "mofsim",
    "huey_per_second": "Huey",
    "added_ms_per_task": "added ms",
    "load_1min": "load",
}


def table(report: dict[str, Any]) -> str:
    """Tasks in a second, the time of a worker that mofsim adds to each, and how busy the machine was."""
    lines = [f"tasks a second; blocks of {report['n']}, median of {report['blocks']}, {report['cores']} cores", ""]
    lines.append(f"{'storage':22}{'workers':>9}" + "".join(f"{word:>10}" for word in COLUMNS.values()))
    for point in report["points"]:
        cells = "".join(f"{point[name]:>10}" for name in COLUMNS)
        lines.append(f"{point['storage']:22}{point['workers']:>9}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
