"""`mofsim batch`: many tasks as one."""

import time

import click

from mofsim.cli import text
from mofsim.cli.app import FAILED, OK, App, CommandGroup
from mofsim.cli.commands.batch_results import batch_id, results
from mofsim.cli.commands.batch_submit import submit
from mofsim.cli.commands.watch import every
from mofsim.cli.output import Column
from mofsim.client import ServerUnreachable, Unavailable
from mofsim.schemas.batches import Batch, BatchChanged
from mofsim.vocabulary import FINAL, TaskStatus

#: Time between two looks at a batch that is watched, in seconds.
_LOOK = 1.0

_COLUMNS = [
    Column("ID", right=True),
    Column("NAME"),
    Column("TASKS", right=True),
    Column("DONE", right=True),
    Column("FAILED", right=True),
    Column("ETA", right=True),
    Column("CREATED", right=True),
]


@click.group(cls=CommandGroup)
def batch() -> None:
    """Submit, follow and evaluate many tasks as one."""


batch.add_command(submit)
batch.add_command(results)


@batch.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@click.option("--cursor", help="Go on where a page ended (next_cursor).")
@click.pass_obj
def list_(app: App, limit: int, cursor: str | None) -> None:
    """List batches, newest first.

    With --json: {items, next_cursor, total}.
    """
    page = app.client.batches(limit, cursor)
    if app.json:
        return app.out.document(page)
    app.out.table(_COLUMNS, [_row(each) for each in page.items], empty="there are no batches")
    if page.next_cursor:
        app.out.note(f"{len(page.items)} of {page.total} batches; for more: --limit N, or --cursor {page.next_cursor}")


def _row(found: Batch) -> list[str]:
    failed = found.counts[TaskStatus.FAILED] + found.counts[TaskStatus.TIMEOUT]
    return [
        str(found.id),
        found.name,
        str(found.n_tasks),
        text.number(found.percent, 1, "%"),
        str(failed),
        text.duration(found.eta_seconds) if found.eta_seconds is not None else "",
        text.age(found.created_at),
    ]


@batch.command()
@batch_id
@click.pass_obj
def show(app: App, id: int) -> None:
    """Show how far a batch is.

    With --json: the batch.
    """
    found = app.client.batch(id)
    if app.json:
        return app.out.document(found)
    lines = {
        "batch": str(found.id),
        "name": found.name,
        "tasks": str(found.n_tasks),
        "status": _counts(found),
        "done": text.number(found.percent, 1, "%"),
        "created": text.clock(found.created_at),
        "started": text.clock(found.started_at) if found.started_at else "",
        "ended": text.clock(found.completed_at) if found.completed_at else "",
        "eta": f"{text.duration(found.eta_seconds)}, at the pace until now" if found.eta_seconds is not None else "",
    }
    app.out.fields({name: value for name, value in lines.items() if value})


def _counts(found: Batch) -> str:
    return ", ".join(f"{n} {status}" for status, n in found.counts.items() if n) or "no tasks"


@batch.command()
@batch_id
@every
@click.pass_obj
def watch(app: App, id: int, every: float) -> int:
    """Follow a batch until all of its tasks have ended. Ctrl-C stops watching, not the batch.

    Exit status 0 when all completed, 1 otherwise. With --json: the batch, when it has ended.
    """
    found = app.client.batch(id)
    due, said = 0.0, ""
    while not _has_ended(found):
        now, line = time.monotonic(), _line(found)
        if now >= due and line != said:
            click.echo(line, err=app.json)
            due, said = now + every, line
        time.sleep(_LOOK)
        found = _looked_again(app, found)
    if app.json:
        app.out.document(found)
    else:
        app.out.line(_line(found))
        app.out.note(f"`mofsim batch results {id}` shows what it found")
    return OK if found.counts[TaskStatus.COMPLETED] == sum(found.counts.values()) else FAILED


def _looked_again(app: App, before: Batch) -> Batch:
    """The batch as it is now, or as it was while the server can not be reached: it may be started again."""
    try:
        return app.client.batch(before.id)
    except (ServerUnreachable, Unavailable) as error:
        app.out.note(f"mofsim: {error}; trying again")
        return before


def _has_ended(found: Batch) -> bool:
    return not any(n for status, n in found.counts.items() if status not in FINAL)


def _line(found: Batch) -> str:
    eta = f"  about {text.duration(found.eta_seconds)} left" if found.eta_seconds is not None else ""
    return f"batch {found.id}  {text.number(found.percent, 1, '%')}  {_counts(found)}{eta}"


@batch.command()
@batch_id
@click.pass_obj
def cancel(app: App, id: int) -> None:
    """Cancel all tasks of a batch that have not ended.

    With --json: {batch, task_ids}.
    """
    _say_changed(app, app.client.cancel_batch(id), "are cancelled, or end after their current step")


@batch.command()
@batch_id
@click.option("--cancelled", is_flag=True, help="Those that were cancelled too.")
@click.option("--clean", is_flag=True, help="Start from the beginning, whatever checkpoint there is.")
@click.pass_obj
def retry(app: App, id: int, cancelled: bool, clean: bool) -> None:
    """Queue the tasks of a batch again that failed or ran into their time limit.

    With --json: {batch, task_ids}.
    """
    _say_changed(app, app.client.retry_batch(id, cancelled=cancelled, clean=clean), "wait again")


def _say_changed(app: App, changed: BatchChanged, what: str) -> None:
    if app.json:
        return app.out.document(changed)
    app.out.line(f"{len(changed.task_ids)} tasks of batch {changed.batch.id} {what}: {_counts(changed.batch)}")
