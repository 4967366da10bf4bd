"""Sends what an attempt leaves to the server: checkpoints while it runs, all of its files when it ends."""

import threading
import time
from pathlib import Path

import structlog

from mofsim.core.arrivals import GROWING
from mofsim.core.leases import Lease
from mofsim.worker.transfer import GivenUp, Transfer, TransferFailed

log = structlog.get_logger("mofsim.worker")

#: how often it is looked whether there is a checkpoint that was not sent, in seconds
LOOK_SECONDS = 0.5


class Courier:
    """Of one attempt. `directory` has its files, `checkpoints` those of the task."""

    def __init__(
        self, transfer: Transfer, lease: Lease, directory: Path, checkpoints: Path, every_seconds: float
    ) -> None:
        self.transfer = transfer
        self.lease = lease
        #: name → size of what the server has published
        self.sent: dict[str, int] = {}
        self._directory = directory
        self._checkpoints = checkpoints
        self._every_seconds = every_seconds
        self._last: str | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Send checkpoints from now on, one in `every_seconds` at most."""
        threading.Thread(target=self._repeat, daemon=True, name="courier").start()

    def end(self) -> None:
        """No checkpoint is sent by itself any more."""
        self._stop.set()

    def send_checkpoint(self, stop: threading.Event) -> None:
        """The newest one, if the server does not have it, and before it what it needs to be of use.

        Raises TransferFailed and GivenUp.
        """
        while not self._lock.acquire(timeout=LOOK_SECONDS):
            # The one that is under way ends soon: `end` was called, or it is the newest.
            if stop.is_set():
                raise GivenUp
        try:
            newest = self._newest()
            if newest is None or newest.name == self._last:
                return
            for name in sorted(GROWING):
                if (path := self._directory / name).exists():
                    self.transfer.send(*self._attempt, path, stop, upto=path.stat().st_size)
            self.transfer.send(*self._attempt, newest, stop)
            self._last = newest.name
        finally:
            self._lock.release()

    def send_files(self, names: list[str], stop: threading.Event) -> None:
        """Whatever of them was sent is in `sent`. Raises TransferFailed and GivenUp."""
        for name in names:
            self.sent[name] = self.transfer.send(*self._attempt, self._directory / name, stop)

    def forget_checkpoints(self, stop: threading.Event) -> None:
        self.transfer.forget_checkpoints(*self._attempt, stop)

    @property
    def _attempt(self) -> tuple[int, int]:
        return self.lease.task_id, self.lease.attempt

    def _newest(self) -> Path | None:
        own = self._checkpoints.glob(f"{self.lease.attempt:06d}-*.checkpoint")
        return max(own, key=lambda path: path.name, default=None)

    def _repeat(self) -> None:
        sent_at = -self._every_seconds
        while not self._stop.wait(LOOK_SECONDS):
            if time.monotonic() < sent_at + self._every_seconds:
                continue
            before = self._last
            try:
                self.send_checkpoint(self._stop)
            except GivenUp:
                return
            except (TransferFailed, OSError) as error:
                # The run goes on: it risks time, and nothing else.
                log.warning("a checkpoint was not sent", task_id=self.lease.task_id, reason=str(error))
                sent_at = time.monotonic()
            if self._last != before:
                sent_at = time.monotonic()
