"""What the console knows of boxes, GPUs and what runs on them; workers themselves are the store's.

Knows no widgets and no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mofsim.tui.alert_book import Listing
from mofsim.tui.trace import Trace

if TYPE_CHECKING:
    from mofsim.schemas.machines import GpuProcess, History, Host
    from mofsim.schemas.resources import Gpu, Worker
    from mofsim.schemas.tasks import Task

#: Histories that are kept: of what was looked at last.
KEPT_TRACES = 8


@dataclass(frozen=True)
class Place:
    """Where a task can run: a worker with its device and box; or a GPU that no worker uses."""

    id: int
    host_name: str
    worker: Worker | None = None
    gpu: Gpu | None = None
    host: Host | None = None

    @property
    def on_gpu(self) -> bool:
        return self.gpu is not None or (self.worker is not None and self.worker.gpu_id is not None)

    @property
    def slot(self) -> str:
        """GPU 0, CPU 0."""
        if self.gpu is not None:
            return f"GPU {self.gpu.gpu_index}"
        slot = self.worker.slot if self.worker else ""
        return f"{slot[:3].upper()} {slot[3:]}" if slot[:3] in ("gpu", "cpu") else slot

    @property
    def name(self) -> str:
        return f"{self.slot} {self.host_name}"

    @property
    def subject(self) -> str:
        """What has a history: a GPU by its id, or a box by its name."""
        if self.on_gpu:
            return self.gpu.id if self.gpu else (self.worker.gpu_id if self.worker else None) or ""
        return self.host_name

    @property
    def total_MB(self) -> float | None:
        told = (
            self.gpu.memory_total_MB
            if self.gpu
            else self.host.memory_total_MB
            if self.host and not self.on_gpu
            else None
        )
        return told or (self.worker.memory_MB if self.worker else None)

    @property
    def used_MB(self) -> float | None:
        if self.on_gpu:
            return self.gpu.memory_used_MB if self.gpu else None
        return self.host.memory_used_MB if self.host else None

    @property
    def busy_percent(self) -> float | None:
        """Of the GPU, or of the cores of the box."""
        if self.on_gpu:
            return self.gpu.utilisation_percent if self.gpu else None
        return self.host.busy_percent if self.host else None

    @property
    def foreign(self) -> list[GpuProcess]:
        """Processes on the GPU that are not mofsim's."""
        processes = self.gpu.processes if self.gpu else None
        return [process for process in processes or () if process.worker_id is None]


@dataclass
class DeviceBook:
    gpus: dict[str, Gpu] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    #: tasks that a worker holds
    running: dict[int, Task] = field(default_factory=dict)
    #: whether gpus and hosts were told once
    known: bool = False
    _traces: dict[str, Trace] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    #: what events told of running tasks since a list of them was asked for that is on its way
    _told: dict[int, Task | None] | None = None

    def came(self, gpus: Iterable[Gpu], hosts: Iterable[Host]) -> None:
        """All that there are, as they are now."""
        self.gpus = {gpu.id: gpu for gpu in gpus}
        self.hosts = {host.name: host for host in hosts}
        self.known = True
        for subject, trace in self._traces.items():
            gpu, host = self.gpus.get(subject), self.hosts.get(subject)
            if gpu is not None:
                trace.add(gpu.seen_at.timestamp(), gpu.model_dump())
            elif host is not None:
                point = {"memory_used_MB": host.memory_used_MB, "utilisation_percent": host.busy_percent}
                trace.add(host.seen_at.timestamp(), point)

    def running_asked(self) -> None:
        self._told = {}

    def running_came(self, tasks: Iterable[Task]) -> None:
        """All that run; what events told since they were asked for is newer."""
        told, self._told = self._told or {}, None
        self.running = {task.id: task for task in tasks if task.id not in told}
        self.running |= {id: task for id, task in told.items() if task is not None}

    def task_seen(self, task: Task) -> bool:
        """A task as it is now; False when that is nothing to us."""
        before = self.running.get(task.id)
        if self._told is not None:
            self._told[task.id] = task if task.status.is_active else None
        if task.status.is_active:
            self.running[task.id] = task
        else:
            self.running.pop(task.id, None)
        return before is not None or task.status.is_active

    def task_moved(self, task_id: int, progress: Mapping[str, Any]) -> bool:
        task = self.running.get(task_id)
        if task is None:
            return False
        self.running[task_id] = task.model_copy(update={"progress": task.progress.model_copy(update=dict(progress))})
        return True

    def task_gone(self, task_id: int) -> None:
        self.running.pop(task_id, None)

    def task_of(self, worker: Worker | None) -> Task | None:
        return self.running.get(worker.task_id) if worker is not None and worker.task_id is not None else None

    def misses_tasks(self, workers: Iterable[Worker]) -> bool:
        """Whether somebody holds a task that was never told of."""
        return any(worker.task_id is not None and worker.task_id not in self.running for worker in workers)

    def trace(self, subject: str) -> Trace:
        """That of what is looked at; of others the oldest are forgotten."""
        found = self._traces.pop(subject, None) or Trace()
        self._traces[subject] = found
        while len(self._traces) > KEPT_TRACES:
            del self._traces[next(iter(self._traces))]
        return found

    def history_came(self, history: History, asked: float) -> None:
        self.trace(history.subject).came(history.columns, asked)

    def number(self, name: str) -> int:
        """One that stays the same for a name, as the rows of a table want it."""
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    def places(self, workers: Iterable[Worker]) -> Listing[Place]:
        """By box; GPUs before CPU slots."""
        found = [self._place(worker) for worker in workers]
        used = {place.worker.gpu_id for place in found if place.worker}
        for gpu in self.gpus.values():
            if gpu.id not in used:
                found.append(Place(self.number(gpu.id), gpu.host, gpu=gpu, host=self.hosts.get(gpu.host)))
        return Listing(tuple(sorted(found, key=_order)))

    def _place(self, worker: Worker) -> Place:
        gpu = self.gpus.get(worker.gpu_id) if worker.gpu_id else None
        return Place(self.number(worker.id), worker.host, worker, gpu, self.hosts.get(worker.host))


def _order(place: Place) -> tuple[Any, ...]:
    digits = "".join(filter(str.isdecimal, place.slot))
    return place.host_name, not place.on_gpu, int(digits or 0), place.slot
