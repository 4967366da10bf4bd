"""The processes of `mofsim up`: started, started again when they die, and stopped together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

from mofsim.worker import processes

LONGEST_PAUSE_SECONDS = 30.0
#: A process that ran so long was healthy: its next death is not one of a series.
HEALTHY_AFTER_SECONDS = 30.0
#: After so many deaths in a row starting it again does not help.
DEATHS = 5


class GivenUp(Exception):
    """A process does not stay up; the reason is in its log."""


@dataclass
class Service:
    """A command of ours as a process that is to be there."""

    name: str
    arguments: Sequence[str]
    #: where its log goes; None: our stderr
    log: IO[bytes] | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        """To be called from the main thread: the process is killed when the thread that started it ends."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mofsim", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.log or sys.stderr,
            stderr=self.log or sys.stderr,
            # Ctrl-C on a terminal goes to us alone: we stop the others in good order.
            start_new_session=True,
            preexec_fn=partial(processes.die_with_parent, os.getpid()),
        )
        self.started = time.monotonic()

    def look_after(self, say: Callable[[str], None]) -> None:
        """Start it when it is due, and say when it died. Raises GivenUp."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self.process = None
        self.deaths = 1 if now - self.started > HEALTHY_AFTER_SECONDS else self.deaths + 1
        if self.deaths >= DEATHS:
            raise GivenUp(f"the {self.name} {how(status)} {self.deaths} times in a row; its log says why")
        pause = min(2.0 ** (self.deaths - 1), LONGEST_PAUSE_SECONDS)
        self.start_at = now + pause
        say(f"the {self.name} {how(status)}; it is started again in {pause:.0f} s")


def how(status: int) -> str:
    """How a process ended, as a verb."""
    return f"ended with status {status}" if status >= 0 else f"was killed by {signal.Signals(-status).name}"


class StopSignals:
    """SIGINT, SIGTERM and SIGHUP ask for a stop in good order; a second one for a stop at once."""

    def __init__(self, at_once: Callable[[], None]) -> None:
        self._asked = threading.Event()
        self._at_once = at_once
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._arrived)

    def _arrived(self, number: int, frame: object) -> None:
        if self._asked.is_set():
            self._at_once()
            os._exit(128 + number)
        processes.set_from_handler(self._asked)

    def wait(self, seconds: float) -> bool:
        """Whether a stop was asked for, at the latest after so many seconds."""
        return self._asked.wait(seconds)


def stop(services: Sequence[Service], grace_seconds: float) -> None:
    processes.stop(_running(services), grace_seconds)


def kill(services: Sequence[Service]) -> None:
    """At once; what they started goes with them."""
    processes.kill(_running(services))


def _running(services: Sequence[Service]) -> list[subprocess.Popen[bytes]]:
    return [service.process for service in services if service.process is not None]
