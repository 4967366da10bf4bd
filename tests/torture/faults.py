"""What is done to it."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from .listener import Listener
from .victim import Victim

#: long enough for a lease of 3 s to run out
FROZEN_SECONDS = 4.5
DISK_FULL_SECONDS = 2.0
#: longer than one wait before the next try of a webhook, far shorter than all of them
DEAF_SECONDS = 3.0

Fault = Callable[[], str | None]


class Faults:
    """Deals faults from a shuffled deck, so that each kind has its turn, and counts what was done."""

    def __init__(self, victim: Victim, listener: Listener, seed: int, *, disk: bool) -> None:
        self._victim = victim
        self._listener = listener
        self._random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self._frozen: set[int] = set()
        self._ballast: Path | None = None
        self._ends: list[tuple[float, Callable[[], None]]] = []
        self._kinds: list[tuple[Fault, int]] = [
            (lambda: self._kill("serve"), 2),
            (lambda: self._kill("worker"), 1),
            (lambda: self._kill("device"), 3),
            (lambda: self._kill("executor"), 4),
            (lambda: self._kill("chores"), 2),
            (lambda: self._freeze("device"), 2),
            (lambda: self._freeze("executor"), 1),
            (self._send_listener_away, 2),
            (self._make_listener_unwell, 2),
        ]
        servers = victim.servers
        if servers.environment["MOFSIM_QUEUE__BACKEND"] == "sqlite":
            self._kinds.append((self._delete_queue, 1))
        if valkey := servers.valkey:
            self._kinds.append((lambda: "kill -9 valkey, its data lost" if valkey.kill() else None, 2))
        if postgresql := servers.postgresql:
            self._kinds.append((lambda: "kill -9 postgresql" if postgresql.kill() else None, 1))
            self._kinds.append((lambda: "postgresql restarted" if postgresql.restart() else None, 2))
        if disk:
            self._kinds.append((self._fill_disk, 1))
        # Each kind once, before any of them comes a second time.
        self._deck = [fault for fault, _ in self._kinds]
        self._random.shuffle(self._deck)

    @property
    def n_kinds(self) -> int:
        return len(self._kinds)

    def pause(self) -> float:
        """Seconds until the next fault."""
        return self._random.uniform(0.3, 2.0)

    def strike(self) -> str | None:
        """What was done; None when that was not possible now, and is done later."""
        if not self._deck:
            self._deck = [fault for fault, times in self._kinds for _ in range(times)]
            self._random.shuffle(self._deck)
        fault = self._deck.pop()
        name = fault()
        if name is None:
            self._deck.insert(0, fault)
        else:
            self.done[name] += 1
        return name

    def look_after(self) -> None:
        """End what lasts only for a while."""
        now = time.monotonic()
        for end in [end for end in self._ends if end[0] <= now]:
            self._ends.remove(end)
            end[1]()

    def end(self) -> None:
        for _, end in self._ends:
            end()
        self._ends.clear()

    def _later(self, seconds: float, end: Callable[[], None]) -> None:
        self._ends.append((time.monotonic() + seconds, end))

    def _pick(self, role: str) -> int | None:
        pids = sorted(pid for pid, what in self._victim.processes().items() if what == role)
        return self._random.choice(pids) if pids else None

    def _kill(self, role: str) -> str | None:
        pid = self._pick(role)
        return f"kill -9 {role}" if pid and _signal(pid, signal.SIGKILL) else None

    def _freeze(self, role: str) -> str | None:
        """A device worker past its lease: when it goes on it finds that somebody else has its task."""
        pid = self._pick(role)
        if pid is None or pid in self._frozen or not _signal(pid, signal.SIGSTOP):
            return None
        self._frozen.add(pid)
        self._later(FROZEN_SECONDS, lambda: self._thaw(pid))
        return f"SIGSTOP {role}"

    def _thaw(self, pid: int) -> None:
        self._frozen.discard(pid)
        _signal(pid, signal.SIGCONT)

    def _delete_queue(self) -> str:
        for path in self._victim.root.glob("queue.db*"):
            path.unlink(missing_ok=True)
        return "queue file deleted"

    def _send_listener_away(self) -> str | None:
        if self._listener.away:
            return None
        self._listener.leave()
        self._later(DEAF_SECONDS, self._listener.come_back)
        return "receiver down"

    def _make_listener_unwell(self) -> str | None:
        if self._listener.unwell:
            return None
        self._listener.unwell = True
        self._later(DEAF_SECONDS, self._make_listener_well)
        return "receiver answers 500"

    def _make_listener_well(self) -> None:
        self._listener.unwell = False

    def _fill_disk(self) -> str | None:
        """Only where the data folder is a small file system of its own."""
        if self._ballast:
            return None
        path = self._victim.root / "ballast"
        try:
            with path.open("wb") as file:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
        except OSError:
            self._ballast = path
            self._later(DISK_FULL_SECONDS, self._empty_disk)
            return "disk full"

    def _empty_disk(self) -> None:
        assert self._ballast is not None
        self._ballast.unlink(missing_ok=True)
        self._ballast = None


def _signal(pid: int, signum: int) -> bool:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True
