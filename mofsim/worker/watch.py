"""A worker's own device: is it well, what memory has it for a task, is that of a dead executor free again."""

import json
import time
from contextlib import suppress
from pathlib import Path

from mofsim.worker import memory
from mofsim.worker.gpu import Gpu
from mofsim.worker.gpus import GpuReader
from mofsim.worker.slots import Slot

#: What a driver keeps for itself changes by so much when processes come and go.
SLACK_MB = 256.0


class DeviceWatch:
    """For one thread at a time. A CPU slot is always well.

    `note` is a file that tells the next worker of this slot, should this one be killed, what its executor found.
    """

    def __init__(self, slot: Slot, note: Path, wait_seconds: float) -> None:
        self._gpu_id = slot.gpu_id
        self._note = note
        self._wait_seconds = wait_seconds
        self._reader = GpuReader()
        #: memory that others used when the newest executor was started, in MB
        self._used_before: float | None = None
        self._dead_pid: int | None = None
        self._held_since: float | None = None
        self._read_note()

    def close(self) -> None:
        self._reader.close()

    @property
    def total_MB(self) -> float | None:
        """All the memory of the device, or of the machine for a CPU slot; None: not known."""
        if self._gpu_id is None:
            return memory.total_MB()
        gpu = self._gpu()
        return gpu.memory_total_MB if gpu else None

    def fault(self) -> str | None:
        """Why the device must not be used, in words for a person."""
        if self._gpu_id is None:
            return None
        gpu = self._gpu()
        return gpu.fault if gpu else "the NVIDIA driver does not list this GPU"

    def for_a_task_MB(self, executor_MB: float) -> float | None:
        """What a task could have now; `executor_MB` is what its executor has already of a CPU's memory."""
        if self._gpu_id is not None:
            total = self.total_MB
            return None if total is None else total - (self._used_before or 0.0)
        available = memory.available_MB()
        return None if available is None else available + executor_MB

    def executor_starts(self) -> None:
        """Call it before: what is used now is used by others."""
        gpu = self._gpu()
        self._used_before = gpu.memory_used_MB if gpu else None
        self._dead_pid = self._held_since = None

    def executor_started(self, pid: int) -> None:
        self._dead_pid = pid
        if self._gpu_id is not None:
            # A note that can not be written costs a check, after a kill of this process.
            with suppress(OSError):
                self._note.write_text(json.dumps({"gpu_id": self._gpu_id, "used_MB": self._used_before, "pid": pid}))

    def still_held(self) -> str | None:
        """Why a new executor must wait: memory of the dead one is not free yet. None when it may start.

        Should somebody else have taken that memory meanwhile, the wait ends after the time in the settings.
        """
        gpu = self._gpu()
        if gpu is None or gpu.memory_used_MB is None or self._used_before is None or self._dead_pid is None:
            return None
        if gpu.memory_used_MB <= self._used_before + SLACK_MB:
            return None
        self._held_since = self._held_since or time.monotonic()
        if self.has_waited and not self._is_its(gpu):
            return None
        return (
            f"memory of GPU {gpu.index} is still held though process {self._dead_pid}, which used it, is dead; "
            "`nvidia-smi` lists who holds it: end that, or reset the GPU"
        )

    @property
    def has_waited(self) -> bool:
        return self._held_since is not None and time.monotonic() - self._held_since > self._wait_seconds

    def _is_its(self, gpu: Gpu) -> bool:
        """Whether the driver still counts the dead process, or does not tell whom it counts."""
        return gpu.processes is None or any(process.pid == self._dead_pid for process in gpu.processes)

    def _gpu(self) -> Gpu | None:
        return self._reader.read_one(self._gpu_id) if self._gpu_id is not None else None

    def _read_note(self) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(self._note.read_text())
            if note["gpu_id"] == self._gpu_id:
                self._used_before, self._dead_pid = note["used_MB"], note["pid"]
