"""What a worker and its device are, in lines of text. Knows neither Textual nor HTTP."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.device_book import Place
from mofsim.tui.summary import moment
from mofsim.vocabulary import TaskStatus, WorkerState

if TYPE_CHECKING:
    from mofsim.schemas.machines import GpuProcess
    from mofsim.schemas.resources import Gpu, Worker
    from mofsim.schemas.tasks import Task
    from mofsim.tui.store import Store

#: A worker says that it lives every few seconds; what is so young is not told, for it would change all the time.
YOUNG_SECONDS = 30.0
#: States in which nobody says anything any more.
SILENT = frozenset({WorkerState.STOPPED, WorkerState.LOST})

Pair = tuple[str, str]


def gigabytes(MB: float) -> str:
    """Of 10⁹ bytes: 0.5, 9.5, 80."""
    GB = MB / 1000
    return f"{GB:.1f}" if GB < 9.95 else f"{GB:.0f}"


def device_name(place: Place) -> str:
    if place.on_gpu:
        return ((place.gpu.name if place.gpu else None) or "GPU").removeprefix("NVIDIA ")
    return f"{place.host.cores} cores" if place.host else "CPU"


def heard(worker: Worker, now: datetime) -> str:
    seconds = (now - worker.heartbeat_at).total_seconds()
    return "now" if seconds < YOUNG_SECONDS and worker.state not in SILENT else format.age(seconds)


def wishes(worker: Worker) -> str:
    """What it was asked for and has not done yet: `to load 7net-0`."""
    return ", ".join(f"to {what} {model}" for model, what in worker.model_wishes.items())


def how_far(task: Task, store: Store) -> str:
    """Step or part, and what is left as far as somebody knows."""
    left = store.seconds_left(task)
    time = f"{format.rough(left)} left" if left is not None else ""
    progress = task.progress
    if task.status is TaskStatus.ASSIGNED:
        return "loading"
    if progress.percent is not None and not format.is_relaxation(task):
        far = f"{progress.percent:.0f} %"
    else:
        far = f"step {progress.step}" if progress.step is not None else "starting"
    return f"{far}, {time}" if time else far


def what_becomes_of(worker: Worker, store: Store) -> str:
    """Of what it runs, when it is drained."""
    task = store.devices.task_of(worker)
    if task is None:
        if worker.task_id is None:
            return f"{worker.id}: runs nothing; it takes no task from now on"
        return f"{worker.id}: task {worker.task_id} goes on to its end; then it takes no other"
    far = how_far(task, store)
    return f"{worker.id}: {task.id} {format.name(task)} goes on to its end ({far}); then it takes no other"


def details(place: Place, store: Store, now: datetime, width: int) -> list[str]:
    """The first line is a title."""
    title = place.worker.id if place.worker else place.name
    pairs = [*_of_worker(place, store, now), *_of_device(place), *_of_box(place)]
    label = max((len(name) for name, _ in pairs), default=0)
    lines = [f"{title}  {device_name(place)}"]
    for name, value in pairs:
        wrapped = textwrap.wrap(value, max(20, width - label - 2)) or [""]
        lines.append(f"{name:<{label}}  {wrapped[0]}")
        lines += [f"{'':<{label}}  {line}" for line in wrapped[1:]]
    return lines


def _of_worker(place: Place, store: Store, now: datetime) -> Iterator[Pair]:
    worker = place.worker
    if worker is None:
        yield "worker", "none uses it; `mofsim worker --gpus` names those that do"
        return
    if worker.note:
        yield "note", worker.note
    task = store.devices.task_of(worker)
    if task is not None:
        yield "runs", f"{task.id} {format.name(task)}: {how_far(task, store)}"
    elif worker.task_id is not None:
        yield "runs", f"task {worker.task_id}"
    if worker.drain:
        yield "drained", "it takes no task until it is resumed (r)"
    yield "models", ", ".join(worker.loaded_models) or "none loaded; l loads one"
    if worker.model_wishes:
        yield "asked", wishes(worker)
    yield "heard", f"{heard(worker, now)}, since {moment(worker.started_at, now)}, pid {worker.pid}"


def _of_device(place: Place) -> Iterator[Pair]:
    gpu = place.gpu
    if gpu is None:
        return
    if gpu.fault:
        yield "fault", gpu.fault
    errors = list(_errors(gpu))
    if errors:
        yield "errors", ", ".join(errors)
    if gpu.processes is None:
        yield "processes", "the driver does not tell"
    elif not gpu.processes:
        yield "processes", "none computes on it"
    for number, process in enumerate(gpu.processes or ()):
        yield "" if number else "processes", _process(process, place)


def _process(process: GpuProcess, place: Place) -> str:
    memory = "?" if process.memory_MB is None else f"{gigabytes(process.memory_MB)} GB"
    if process.worker_id is not None:
        whose = "this worker" if place.worker and process.worker_id == place.worker.id else process.worker_id
        return f"{memory} {whose}, pid {process.pid}"
    owner = f" of {process.user}" if process.user else ""
    return f"{memory} FOREIGN: {process.name or 'no known name'}{owner}, pid {process.pid}"


def _errors(gpu: Gpu) -> Iterator[str]:
    if gpu.ecc_errors:
        yield f"{gpu.ecc_errors} of memory (ECC) since the driver was loaded"
    if gpu.xid is not None:
        yield f"XID {gpu.xid}"


def _of_box(place: Place) -> Iterator[Pair]:
    host = place.host
    if host is None:
        return
    said = [f"{host.cores} cores"]
    if host.load_1min is not None:
        said.append(f"load {host.load_1min:.1f}")
    if host.memory_total_MB is not None and host.memory_used_MB is not None:
        said.append(f"{gigabytes(host.memory_used_MB)} of {gigabytes(host.memory_total_MB)} GB memory used")
    yield "box", f"{host.name}: {', '.join(said)}"
