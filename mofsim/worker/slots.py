"""Device slots: which there are on this box, and the lock that keeps a second worker off one."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mofsim.settings import Settings
from mofsim.worker.gpu import Gpu
from mofsim.worker.gpus import visible


class SlotTaken(Exception):
    """Another worker of this data folder holds the slot: stop it first (`mofsim workers` shows its process)."""


@dataclass(frozen=True)
class Slot:
    """One place where one task at a time can run."""

    #: "gpu0", "cpu0" …
    name: str
    #: NVML's UUID; None for a CPU slot
    gpu_id: str | None
    #: CPU threads of the executor
    threads: int

    @property
    def device(self) -> str:
        return "cuda" if self.gpu_id else "cpu"

    @property
    def worker_id(self) -> str:
        return f"{socket.gethostname()}:{self.name}"


def plan(settings: Settings, gpus: list[Gpu]) -> list[Slot]:
    """The slots of this box: one per GPU that the settings name, and CPU slots (`auto`: one where no GPU is).

    Raises ValueError when the settings name a GPU that is not there.
    """
    chosen = visible(gpus, settings.worker.gpus)
    cpu_slots = settings.worker.cpu_slots
    n_cpu = (0 if chosen else 1) if cpu_slots == "auto" else cpu_slots
    threads = settings.worker.threads_per_slot or max(1, cores() // max(1, len(chosen) + n_cpu))
    slots = [Slot(f"gpu{gpu.index}", gpu.id, threads) for gpu in chosen]
    return slots + [Slot(f"cpu{i}", None, threads) for i in range(n_cpu)]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def file_of(slot: Slot, folder: Path, kind: str) -> Path:
    return folder / f"{slot.worker_id.replace(':', '-')}.{kind}"


@contextmanager
def hold(slot: Slot, folder: Path) -> Iterator[None]:
    """Own the slot while in the block; the kernel lets go of it however the process ends.

    Raises SlotTaken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = file_of(slot, folder, "lock")
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SlotTaken(f"{slot.worker_id} is held by process {file.read().strip() or '?'}") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
