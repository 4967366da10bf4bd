"""What many waiting tasks cost: the time to submit them, and the processor's time while nothing moves.

A server and two CPU workers; idle, with tasks that wait for their time, and with tasks that wait for the workers, which
are busy with what takes no time of the processor. Prints a table, or with --json one JSON line.
"""

import argparse
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service import Running, running

from mofsim.client import Client, batch_item
from mofsim.vocabulary import TaskStatus, TaskType

STRUCTURE, WORKERS, SUBMITS = "Mg-MOF-74", 2, 5
#: until what was started or submitted has settled
SETTLE_SECONDS = 5.0
#: what each process is, by a word of its command line
ROLES = {"mofsim/simulations": "executors", "device": "devices", "chores": "chores", "serve": "server"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="tasks that wait")
    parser.add_argument("--seconds", type=float, default=20, help="how long each state is watched")
    parser.add_argument("--json", action="store_true", help="one JSON line and no table")
    options = parser.parse_args()
    report = {"benchmark": "backlog", "n": options.n, "workers": WORKERS, **measure(options.n, options.seconds)}
    print(json.dumps(report) if options.json else table(report))


def measure(n: int, seconds: float) -> dict[str, object]:
    cpu = {}
    with running(WORKERS) as mofsim:
        wait_for_workers(mofsim.client)
        cpu["idle"] = watch(mofsim, seconds)
        submit(mofsim.client, n, not_before=datetime.now(UTC) + timedelta(days=1))
        cpu["wait for a time"] = watch(mofsim, seconds)
        keep_busy(mofsim.client)
        cpu["workers are busy"] = watch(mofsim, seconds)
        submit_seconds = [submit(mofsim.client, n) for _ in range(SUBMITS)]
        cpu["wait for them"] = watch(mofsim, seconds)
    return {
        "submit_s": round(statistics.median(submit_seconds), 3),
        "submit_s_of_each": [round(each, 3) for each in submit_seconds],
        "queued": SUBMITS * n,
        "cpu_percent_of_a_core": cpu,
    }


def submit(client: Client, n: int, not_before: datetime | None = None) -> float:
    """Seconds until the server has said yes to one batch of `n` tasks."""
    items = [batch_item(TaskType.OPTIMIZATION, STRUCTURE, model="lj", not_before=not_before)] * n
    started = time.perf_counter()
    assert len(client.submit_batch(items).task_ids) == n
    return time.perf_counter() - started


def wait_for_workers(client: Client) -> None:
    """Until each has run a task, so that nothing is left that happens only once."""
    while len(client.workers()) < WORKERS:
        time.sleep(0.1)
    for task in [client.submit(TaskType.SINGLE_POINT, STRUCTURE, model="lj") for _ in range(2 * WORKERS)]:
        client.wait(task.id)


def keep_busy(client: Client) -> None:
    tasks = [client.submit(TaskType.OPTIMIZATION, STRUCTURE, model="sleeper") for _ in range(WORKERS)]
    while any(client.task(task.id).status is not TaskStatus.RUNNING for task in tasks):
        time.sleep(0.1)


def watch(mofsim: Running, seconds: float) -> dict[str, float]:
    """What each kind of process takes, in % of a core, and all of them."""
    time.sleep(SETTLE_SECONDS)
    before, started = cpu_seconds(mofsim.pid), time.perf_counter()
    time.sleep(seconds)
    after, passed = cpu_seconds(mofsim.pid), time.perf_counter() - started
    shares = {role: round(100 * (after[role] - before[role]) / passed, 2) for role in sorted(after)}
    return shares | {"all": round(sum(shares.values()), 2)}


def cpu_seconds(pid: int) -> defaultdict[str, float]:
    """Of each kind of process since it was started."""
    spent: defaultdict[str, float] = defaultdict(float)
    for each in family(pid):
        command = Path(f"/proc/{each}/cmdline").read_text().split("\0")
        role = next((role for word, role in ROLES.items() if any(part.endswith(word) for part in command)), "others")
        # After the name, which may hold spaces: fields 14 and 15 of proc(5).
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        spent[role] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def family(pid: int) -> Iterator[int]:
    """The process and all that descend from it."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from family(int(child))


def table(report: dict[str, object]) -> str:
    cpu = report["cpu_percent_of_a_core"]
    assert isinstance(cpu, dict)
    roles = list(cpu["idle"])
    lines = [f"{report['n']} tasks are submitted in {report['submit_s']} s ({report['submit_s_of_each']})", ""]
    lines.append(f"{'% of a core':18}" + "".join(f"{role:>11}" for role in roles))
    lines += [f"{state:18}" + "".join(f"{shares[role]:11.2f}" for role in roles) for state, shares in cpu.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
