"""`mofsim gpus`, `hosts`, `workers`: the machines that tasks run on."""

import click

from mofsim.cli import text
from mofsim.cli.app import App, command
from mofsim.cli.output import Column
from mofsim.schemas.machines import GpuProcess, Host
from mofsim.schemas.resources import Gpu, Worker
from mofsim.vocabulary import WorkerState

_GPU_COLUMNS = [
    Column("HOST"),
    Column("GPU", right=True),
    Column("NAME"),
    Column("USE %", right=True),
    Column("MEMORY MB", right=True),
    Column("°C", right=True),
    Column("POWER W", right=True),
    Column("FAULT"),
    Column("PROCESSES"),
    Column("SEEN", right=True),
]
_HOST_COLUMNS = [
    Column("HOST"),
    Column("CORES", right=True),
    Column("BUSY %", right=True),
    Column("LOAD", right=True),
    Column("MEMORY MB", right=True),
    Column("SEEN", right=True),
]
_WORKER_COLUMNS = [
    Column("ID"),
    Column("STATE"),
    Column("TASK", right=True),
    Column("MODELS"),
    Column("PID", right=True),
    Column("HEARD", right=True),
    Column("NOTE"),
]


@command()
@click.pass_obj
def gpus(app: App) -> None:
    """List the GPUs of all machines, and who computes on them besides mofsim.

    With --json: a list of GPUs with all of their processes; what a driver does not tell is null.
    """
    found = app.client.gpus()
    if app.json:
        return app.out.document(found)
    app.out.table(_GPU_COLUMNS, [_gpu(gpu) for gpu in found], empty="no worker has reported a GPU")


def _gpu(gpu: Gpu) -> list[str]:
    return [
        gpu.host,
        str(gpu.gpu_index),
        gpu.name or "",
        text.number(gpu.utilisation_percent, 0),
        f"{text.number(gpu.memory_used_MB, 0)}/{text.number(gpu.memory_total_MB, 0)}",
        text.number(gpu.temperature_C, 0),
        f"{text.number(gpu.power_W, 0)}/{text.number(gpu.power_limit_W, 0)}",
        gpu.fault or "",
        _foreign(gpu.processes),
        text.age(gpu.seen_at),
    ]


def _foreign(processes: list[GpuProcess] | None) -> str:
    """Those that are not ours: they take memory that tasks count on."""
    if processes is None:
        return "not known"
    foreign = [process for process in processes if process.worker_id is None]
    return ", ".join(f"{process.name or '?'} ({process.user or '?'}, {process.pid})" for process in foreign)


@command()
@click.pass_obj
def hosts(app: App) -> None:
    """List the machines that workers are on: cores, load, memory.

    With --json: a list of machines; what a system does not tell is null.
    """
    found = app.client.hosts()
    if app.json:
        return app.out.document(found)
    app.out.table(_HOST_COLUMNS, [_host(host) for host in found], empty="no machine was seen; `mofsim worker` runs one")


def _host(host: Host) -> list[str]:
    return [
        host.name,
        str(host.cores),
        text.number(host.busy_percent, 0),
        text.number(host.load_1min, 1),
        f"{text.number(host.memory_used_MB, 0)}/{text.number(host.memory_total_MB, 0)}",
        text.age(host.seen_at),
    ]


@command()
@click.pass_obj
def workers(app: App) -> None:
    """List workers: one for each GPU or CPU slot.

    With --json: a list of workers.
    """
    found = app.client.workers()
    if app.json:
        return app.out.document(found)
    app.out.table(
        _WORKER_COLUMNS,
        [_worker(worker) for worker in found],
        empty="no worker was ever here; `mofsim worker` starts one",
    )


def _worker(worker: Worker) -> list[str]:
    return [
        worker.id,
        worker.state,
        str(worker.task_id or ""),
        ", ".join(worker.loaded_models),
        str(worker.pid),
        text.age(worker.heartbeat_at),
        _note(worker),
    ]


def _note(worker: Worker) -> str:
    """The state of a worker that is out of order, or gone, does not tell that it is to take no tasks."""
    told = worker.state in (WorkerState.DRAINING, WorkerState.DRAINED)
    drain = "takes no tasks until it is resumed" if worker.drain and not told else ""
    return "; ".join(each for each in (drain, worker.note) if each)
