"""One run: hurt it for a while, let it recover, and examine what is left."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Task, WebhookDelivery
from mofsim.vocabulary import FINAL

from .faults import Faults
from .listener import Listener
from .load import Load
from .proof import examine
from .servers import Servers
from .told import examine_deliveries
from .victim import Victim

DISK_MB = 96
RECOVERY_SECONDS = 240
SAY_EVERY_SECONDS = 5


def torment(folder: Path, seed: int, seconds: float, rows: str = "sqlite", tickets: str = "sqlite") -> dict[str, Any]:
    """What was done, what came of it, and under `wrong` all that should not be."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        _small_disk(folder / "data") as (root, is_small),
        Listener(seed) as listener,
        _servers(rows, tickets) as servers,
    ):
        victim = Victim(folder, root, _free_port(), servers)
        stop = threading.Event()
        load = Load(victim.url, listener.url, seed, stop, most=int(1.5 * seconds))
        faults = Faults(victim, listener, seed, disk=is_small)
        try:
            victim.wait_until_it_answers()
            load.start()
            _hurt(victim, faults, load, seconds)
            stop.set()
            load.join(60)
            recovered_in = _recover(victim)
        finally:
            stop.set()
            victim.stop()
        orphans = victim.processes()
        database = Database(victim.settings.database_url)
        findings = examine(database, Storage(root), load.accepted)
        examine_deliveries(findings, database, listener)
        database.close()
    for pid, role in orphans.items():
        findings.check(False, f"{role} {pid} was left behind")
    return {
        "torture": "seed",
        "seed": seed,
        "rows": rows,
        "tickets": tickets,
        "seconds": seconds,
        "accepted": len(load.accepted),
        "asked": dict(load.did),
        "faults": dict(sorted(faults.done.items())),
        "kinds_of_faults": faults.n_kinds,
        "found": dict(sorted(findings.counts.items())),
        "recovered_in_seconds": round(recovered_in, 1),
        "orphans": len(orphans),
        "wrong": findings.wrong,
    }


def _hurt(victim: Victim, faults: Faults, load: Load, seconds: float) -> None:
    started = time.monotonic()
    end = started + seconds
    while time.monotonic() < end:
        next_fault = time.monotonic() + faults.pause()
        while time.monotonic() < min(next_fault, end):
            victim.keep_running()
            faults.look_after()
            time.sleep(0.05)
        if name := faults.strike():
            _say(f"{time.monotonic() - started:6.1f} s  {name} ({len(load.accepted)} tasks accepted)")
    faults.end()


def _recover(victim: Victim) -> float:
    """Seconds until every task has ended and was told of; what has not by the time limit the examination finds."""
    started = time.monotonic()
    victim.wait_until_it_answers()
    database = Database(victim.settings.database_url)
    said = started
    while time.monotonic() < started + RECOVERY_SECONDS:
        victim.keep_running()
        if not (left := _left(database)):
            break
        if time.monotonic() > said + SAY_EVERY_SECONDS:
            said = time.monotonic()
            _say(f"it recovers: {left} tasks and webhooks are left")
        time.sleep(0.2)
    database.close()
    _say(f"it took {time.monotonic() - started:.1f} s to recover")
    return time.monotonic() - started


def _left(database: Database) -> int:
    with database.read() as session:
        tasks = session.scalar(select(func.count()).select_from(Task).where(Task.status.not_in(FINAL)))
        waiting = WebhookDelivery.next_attempt_at.is_not(None)
        webhooks = session.scalar(select(func.count()).select_from(WebhookDelivery).where(waiting))
    return (tasks or 0) + (webhooks or 0)


def _say(text: str) -> None:
    """For a person who looks on; the report is printed elsewhere."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _servers(rows: str, tickets: str) -> Iterator[Servers]:
    servers = Servers(rows, tickets)
    try:
        yield servers
    finally:
        servers.stop()


@contextmanager
def _small_disk(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The data folder on a small file system of its own, where we may mount one; else an ordinary folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    is_small = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield folder, is_small
    finally:
        if is_small:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
