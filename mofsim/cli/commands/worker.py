"""`mofsim worker`: run this machine's worker; take workers out of service and back."""

import time
from datetime import timedelta

import click

from mofsim.cli import durations
from mofsim.cli.app import FAILED, OK, App, CommandGroup
from mofsim.cli.commands.serve import cpu_slots, gpus
from mofsim.cli.commands.steer import each, say_done, try_each
from mofsim.schemas.resources import Worker
from mofsim.vocabulary import WorkerState

#: Workers that have no task and take none.
_OUT = frozenset({WorkerState.DRAINED, WorkerState.STOPPED, WorkerState.LOST})

#: Time between two looks at workers that are waited for, in seconds.
_INTERVAL = 1.0

worker_ids = click.argument("ids", metavar="[ID…]", nargs=-1)


@click.group(cls=CommandGroup, invoke_without_command=True)
@gpus
@cpu_slots
@click.option(
    "--for",
    "shift_seconds",
    metavar="TIME",
    callback=durations.read,
    help="Leave before so long (4h, 90m) is over, as a batch job needs it; what runs then goes on elsewhere.",
)
@click.option("--idle-exit", metavar="TIME", callback=durations.read, help="Leave after so long (10m) without a task.")
@click.option("--chores", is_flag=True, help="Run no task here, only what is to be done beside a server.")
@click.pass_context
def worker(
    ctx: click.Context,
    gpus: str | None,
    cpu_slots: int | None,
    shift_seconds: float | None,
    idle_exit: float | None,
    chores: bool,
) -> int:
    """Run this machine's worker, in the foreground. Ctrl-C stops it; its tasks are queued again.

    The commands below are about workers that run, on any machine.
    """
    if ctx.invoked_subcommand is None:
        return _run(ctx.obj, gpus, cpu_slots, shift_seconds, idle_exit, only_chores=chores)
    if chores or any(given is not None for given in (gpus, cpu_slots, shift_seconds, idle_exit)):
        options = "--gpus, --cpu-slots, --for, --idle-exit and --chores"
        raise click.UsageError(f"{options} are for running a worker, not for {ctx.invoked_subcommand}")
    return OK


def _run(
    app: App,
    gpus: str | None,
    cpu_slots: int | None,
    shift_seconds: float | None,
    idle_exit: float | None,
    *,
    only_chores: bool,
) -> int:
    settings = app.settings_for_processes({"worker.gpus": gpus, "worker.cpu_slots": cpu_slots})
    from mofsim import logs
    from mofsim.core.storage import Storage
    from mofsim.db.clock import utcnow
    from mofsim.worker.shift import Shift
    from mofsim.worker.supervisor import run

    ends_at = None if shift_seconds is None else utcnow() + timedelta(seconds=shift_seconds)
    grace = settings.worker.stop_grace_seconds
    if shift_seconds is not None and shift_seconds < 3 * grace:
        raise click.BadParameter(
            f"leaving in good order alone takes up to {grace:g} s; give it more", param_hint="--for"
        )
    logs.configure(settings, "supervisor")
    logs.keep(settings, "supervisor", Storage(settings.storage.root).logs)
    try:
        return run(settings, Shift(ends_at, idle_exit), only_chores=only_chores)
    except ValueError as error:
        app.out.note(f"mofsim: {error}")
        return FAILED


@worker.command()
@worker_ids
@click.option("--all", "all_", is_flag=True, help="All workers there are.")
@click.option("--wait", is_flag=True, help="Return when they have no task any more.")
@click.pass_obj
def drain(app: App, ids: tuple[str, ...], all_: bool, wait: bool) -> int:
    """Let workers finish their tasks and take no others, until they are resumed, also after a restart.

    With --json: {items: the workers, errors: [{id, error}]}.
    """
    done, errors = try_each(app, _chosen(app, ids, all_), app.client.drain_worker, _drained)
    if wait:
        found = _until_out(app, [worker.id for worker in done])
        done = [worker for worker in found if worker.state in _OUT]
        errors += [{"id": worker.id, "error": _resumed(app, worker)} for worker in found if worker not in done]
    return say_done(app, done, errors)


@worker.command()
@worker_ids
@click.option("--all", "all_", is_flag=True, help="All workers there are.")
@click.pass_obj
def resume(app: App, ids: tuple[str, ...], all_: bool) -> int:
    """Let drained workers take tasks again.

    With --json: {items: the workers, errors: [{id, error}]}.
    """
    return each(app, _chosen(app, ids, all_), app.client.resume_worker, lambda id, _: f"worker {id} takes tasks again")


def _chosen(app: App, ids: tuple[str, ...], all_: bool) -> tuple[str, ...]:
    if ids and all_:
        raise click.UsageError("name workers or give --all, not both")
    if ids:
        return ids
    known = tuple(worker.id for worker in app.client.workers())
    if not all_:
        there = f"there are {', '.join(known)}" if known else "but no worker was ever here"
        raise click.UsageError(f"say which workers: ID…, or --all; {there}")
    if not known:
        app.out.note("no worker was ever here")
    return known


def _drained(id: str, worker: Worker) -> str:
    if worker.task_id and worker.state not in _OUT:
        return f"worker {id} takes no task after task {worker.task_id}"
    return f"worker {id} takes no task until it is resumed"


def _until_out(app: App, ids: list[str]) -> list[Worker]:
    """The workers when each has no task any more, or was resumed meanwhile."""
    said = ""
    while True:
        found = [worker for worker in app.client.workers() if worker.id in ids]
        awaited = [worker for worker in found if worker.drain and worker.state not in _OUT]
        if not awaited:
            return found
        waits = "; ".join(_doing(worker) for worker in awaited)
        if waits != said:
            app.out.note(f"waiting: {waits}")
            said = waits
        time.sleep(_INTERVAL)


def _doing(worker: Worker) -> str:
    task = f" with task {worker.task_id}" if worker.task_id else ""
    note = f" ({worker.note})" if worker.note else ""
    return f"{worker.id} is {worker.state}{task}{note}"


def _resumed(app: App, worker: Worker) -> dict[str, str | None]:
    detail = f"worker {worker.id} was resumed by somebody, and is {worker.state}"
    app.out.note(f"mofsim: {detail}")
    return {"type": "Resumed", "detail": detail, "field": "id"}
