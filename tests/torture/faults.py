"""What is done to it."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from .victim import Victim

#: long enough for a lease of 3 s to run out
FROZEN_SECONDS = 4.5
DISK_FULL_SECONDS = 2.0


class Faults:
    """Draws faults from a seeded generator and counts what was done."""

    def __init__(self, victim: Victim, seed: int, *, disk: bool) -> None:
        self._victim = victim
        self._random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self._frozen: dict[int, float] = {}
        self._ballast: tuple[Path, float] | None = None
        kinds: list[tuple[Callable[[], str | None], int]] = [
            (lambda: self._kill("serve"), 2),
            (lambda: self._kill("worker"), 1),
            (lambda: self._kill("device"), 3),
            (lambda: self._kill("executor"), 4),
            (lambda: self._kill("chores"), 2),
            (self._freeze, 2),
            (self._delete_queue, 1),
        ]
        if disk:
            kinds.append((self._fill_disk, 1))
        self._kinds = [kind for kind, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def pause(self) -> float:
        """Seconds until the next fault."""
        return self._random.uniform(0.3, 2.0)

    def strike(self) -> None:
        [fault] = self._random.choices(self._kinds, self._weights)
        name = fault()
        if name:
            self.done[name] += 1

    def look_after(self) -> None:
        """End what lasts only for a while."""
        now = time.monotonic()
        for pid, until in list(self._frozen.items()):
            if now >= until:
                self._thaw(pid)
        if self._ballast and now >= self._ballast[1]:
            self._ballast[0].unlink(missing_ok=True)
            self._ballast = None

    def end(self) -> None:
        for pid in list(self._frozen):
            self._thaw(pid)
        if self._ballast:
            self._ballast[0].unlink(missing_ok=True)

    def _pick(self, role: str) -> int | None:
        pids = sorted(pid for pid, what in self._victim.processes().items() if what == role)
        return self._random.choice(pids) if pids else None

    def _kill(self, role: str) -> str | None:
        pid = self._pick(role)
        return f"kill -9 {role}" if pid and _signal(pid, signal.SIGKILL) else None

    def _freeze(self) -> str | None:
        """Past its lease: when it goes on it finds that somebody else has its task."""
        pid = self._pick("device")
        if pid is None or pid in self._frozen or not _signal(pid, signal.SIGSTOP):
            return None
        self._frozen[pid] = time.monotonic() + FROZEN_SECONDS
        return "SIGSTOP device past its lease"

    def _thaw(self, pid: int) -> None:
        del self._frozen[pid]
        _signal(pid, signal.SIGCONT)

    def _delete_queue(self) -> str:
        for path in self._victim.root.glob("queue.db*"):
            path.unlink(missing_ok=True)
        return "queue file deleted"

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
            self._ballast = (path, time.monotonic() + DISK_FULL_SECONDS)
            return "disk full"


def _signal(pid: int, signum: int) -> bool:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True
