"""The supervisor of a box: one device worker per slot, one process for chores, each started again when it dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import structlog

from mofsim.settings import Settings
from mofsim.worker import gpus, processes, slots
from mofsim.worker.shift import OVER, Shift

log = structlog.get_logger("mofsim.supervisor")

#: exit status of a child that finds its slot taken
SLOT_TAKEN = 4
LONGEST_PAUSE_SECONDS = 30.0
#: a child that ran so long is not in a crash loop
HEALTHY_AFTER_SECONDS = 60.0


@dataclass
class Child:
    """A process that is to be there, and when to start it next."""

    name: str
    arguments: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    pause_seconds: float = 1.0
    given_up: bool = False
    #: it did what it was there for
    is_over: bool = False

    def start(self) -> None:
        command = [sys.executable, "-m", "mofsim.worker", *self.arguments, "--parent", str(os.getpid())]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.started = time.monotonic()

    def look_after(self) -> None:
        """Start it when it is due; when it has just died, say so and decide when to try again."""
        now = time.monotonic()
        if self.given_up or self.is_over or (self.process is not None and self.process.poll() is None):
            return
        if self.process is None:
            if now >= self.start_at:
                self.start()
            return
        status, self.process = self.process.returncode, None
        if status == OVER:
            self.is_over = True
            log.info("child's shift is over", child=self.name)
            return
        if status == SLOT_TAKEN:
            self.given_up = True
            log.error("slot taken by another worker", child=self.name)
            return
        if now - self.started > HEALTHY_AFTER_SECONDS:
            self.pause_seconds = 1.0
        self.start_at = now + self.pause_seconds
        log.error("child ended", child=self.name, status=status, again_in_seconds=self.pause_seconds)
        self.pause_seconds = min(2 * self.pause_seconds, LONGEST_PAUSE_SECONDS)


@dataclass
class Supervisor:
    settings: Settings
    children: list[Child]
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> int:
        """Until SIGTERM or SIGINT, or the end of the shift; a second signal ends all at once.

        1 when there was nothing it could run.
        """
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._on_signal)
        while not self.stopping.wait(0.2):
            for child in self.children:
                child.look_after()
            workers = [child for child in self.children if child.name != "chores"]
            if workers and all(child.given_up or child.is_over for child in workers):
                is_over = any(child.is_over for child in workers)
                if not is_over:
                    log.error("no slot is left to work on; is another `mofsim worker` running here?")
                self._stop(self.settings.worker.stop_grace_seconds)
                return 0 if is_over else 1
        self._stop(self.settings.worker.stop_grace_seconds)
        return 0

    def _on_signal(self, _signum: int, _frame: object) -> None:
        if self.stopping.is_set():
            processes.kill(self._processes())
            os._exit(1)
        processes.set_from_handler(self.stopping)

    def _stop(self, grace_seconds: float) -> None:
        processes.stop(self._processes(), grace_seconds)

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [child.process for child in self.children if child.process is not None]


def run(settings: Settings, shift: Shift | None = None, *, only_chores: bool = False) -> int:
    """Run all slots of this box, for a shift or for good; the exit status for the command line.

    `only_chores`: no slot, on a box where a server runs and nothing is computed.
    Raises ValueError when the settings name a GPU that is not there.
    """
    found = [] if only_chores else gpus.list_gpus()
    planned = [] if only_chores else slots.plan(settings, found)
    if not planned and not only_chores:
        log.error("there is no slot: no GPU was found and worker.cpu_slots is 0")
        return 1
    children = [Child(slot.name, _arguments(slot, shift or Shift())) for slot in planned]
    children.append(Child("chores", ["chores"]))
    if not found and not only_chores:
        log.info("no GPU", reason=gpus.why_no_gpus())
    log.info("supervisor starts", slots=[slot.name for slot in planned], pid=os.getpid())
    return Supervisor(settings, children).run()


def _arguments(slot: slots.Slot, shift: Shift) -> list[str]:
    arguments = ["device", "--slot", slot.name, "--threads", str(slot.threads)]
    if shift.ends_at:
        arguments += ["--until", shift.ends_at.isoformat()]
    if shift.idle_exit_seconds is not None:
        arguments += ["--idle-exit", str(shift.idle_exit_seconds)]
    return arguments + (["--gpu", slot.gpu_id] if slot.gpu_id else [])
