"""`mofsim tasks`, `show`, `why`: which tasks there are and how they stand."""

from collections.abc import Iterable
from datetime import datetime

import click

from mofsim.cli import text
from mofsim.cli.app import App, command, task_id
from mofsim.cli.output import Column, Output
from mofsim.schemas.tasks import Attempt, Task
from mofsim.vocabulary import TaskStatus, TaskType

_COLUMNS = [
    Column("ID", right=True),
    Column("STATUS"),
    Column("TYPE"),
    Column("STRUCTURE"),
    Column("MODEL"),
    Column("PRIORITY"),
    Column("STEP", right=True),
    Column("LEFT", right=True),
    Column("ENERGY eV", right=True),
    Column("FMAX eV/Å", right=True),
    Column("CREATED", right=True),
]


def one_of(words: Iterable[str]) -> "click.Choice[str]":
    return click.Choice([str(word) for word in words], case_sensitive=False)


@command()
@click.option("--status", multiple=True, type=one_of(TaskStatus), help="Only these; may be given again.")
@click.option("--type", "task_type", multiple=True, type=one_of(TaskType), help="Only these task types.")
@click.option("--model", multiple=True, help="Only those of these models.")
@click.option("--structure", help="Only those of this structure (name or id).")
@click.option("--batch", type=int, help="Only those of this batch.")
@click.option("--text", help="Only those in which these words occur.")
@click.option("--since", type=click.DateTime(), help="Only those created since then, local time.")
@click.option("--sort", default="-id", show_default=True, help="id, priority, status, model, task_type; - reverses.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
@click.option("--cursor", help="Go on where a page ended (next_cursor).")
@click.pass_obj
def tasks(
    app: App,
    status: tuple[str, ...],
    task_type: tuple[str, ...],
    model: tuple[str, ...],
    structure: str | None,
    batch: int | None,
    text: str | None,
    since: datetime | None,
    sort: str,
    limit: int,
    cursor: str | None,
) -> None:
    """List tasks, newest first.

    With --json: {items, next_cursor, total}.
    """
    page = app.client.tasks(
        status,
        task_type,
        model,
        structure,
        batch,
        text,
        since.astimezone() if since else None,
        sort,
        limit,
        cursor,
    )
    if app.json:
        return app.out.document(page)
    table(app.out, page.items)
    if page.next_cursor:
        of = f" of {page.total}" if page.total is not None else ""
        app.out.note(f"{len(page.items)}{of} tasks; for more: --limit N, or --cursor {page.next_cursor}")


def table(out: Output, found: list[Task]) -> None:
    out.table(_COLUMNS, [_row(task) for task in found], empty="there are no such tasks")


def _step(task: Task) -> str:
    progress = task.progress
    is_running = task.status is TaskStatus.RUNNING
    return (progress.brief if is_running else "") or text.steps(progress.step, progress.total_steps)


def _left(task: Task) -> str:
    left = task.progress.remaining_seconds
    return f"~{text.duration(left)}" if left is not None and task.status is TaskStatus.RUNNING else text.UNKNOWN


def _doing(task: Task) -> str:
    if task.status is not TaskStatus.RUNNING:
        return ""
    left = task.progress.remaining_seconds
    return task.progress.words + (f", about {text.duration(left)} left" if left is not None else "")


def _row(task: Task) -> list[str]:
    progress = task.progress
    return [
        str(task.id),
        task.status,
        task.task_type,
        task.structure.name,
        task.model,
        task.priority.name,
        _step(task),
        _left(task),
        text.number(progress.energy_eV, 3),
        text.number(progress.fmax_eV_per_A, 4),
        text.age(task.created_at),
    ]


@command()
@task_id
@click.pass_obj
def show(app: App, id: int) -> None:
    """Show a task: what it computes, how far it is, where it runs.

    With --json: the task.
    """
    task = app.client.task(id)
    if app.json:
        return app.out.document(task)
    app.out.fields(fields(task))
    if task.attempt > 1:
        app.out.line()
        _attempts(app.out, app.client.attempts(id))


def fields(task: Task) -> dict[str, str]:
    """A task line by line; lines that say nothing are left out."""
    progress = task.progress
    lines = {
        "task": f"{task.id}",
        "status": task.status + (f" ({task.stop_requested} asked for)" if task.stop_requested else ""),
        "error": f"{task.error.type}: {task.error.message}" if task.error else "",
        "type": task.task_type,
        "structure": f"{task.structure.name} ({task.structure.formula}, {task.structure.n_atoms} atoms)",
        "model": task.model,
        "preset": task.preset,
        "parameters": ", ".join(f"{name} = {value}" for name, value in task.parameters.items()),
        "priority": task.priority.name,
        "step": text.steps(progress.step, progress.total_steps) if progress.step is not None else "",
        "doing": _doing(task),
        "energy": text.number(progress.energy_eV, 6, "eV") if progress.energy_eV is not None else "",
        "fmax": text.number(progress.fmax_eV_per_A, 6, "eV/Å") if progress.fmax_eV_per_A is not None else "",
        "attempt": f"{task.attempt} of {task.max_attempts}" if task.attempt else "",
        "worker": task.worker_id or "",
        "gpu": task.gpu_id or "",
        "created": text.clock(task.created_at),
        "not before": text.clock(task.not_before) if task.not_before else "",
        "started": text.clock(task.started_at) if task.started_at else "",
        "ended": text.clock(task.completed_at) if task.completed_at else "",
        "ran": text.duration(text.between(task.started_at, task.completed_at)) if task.started_at else "",
    }
    return {name: value for name, value in lines.items() if value}


def _attempts(out: Output, attempts: list[Attempt]) -> None:
    columns = [Column("ATTEMPT", right=True), Column("OUTCOME"), Column("WORKER"), Column("STEPS", right=True)]
    rows = [
        [str(each.attempt), each.outcome or "", each.worker_id, str(each.steps), each.reason or ""] for each in attempts
    ]
    out.table([*columns, Column("REASON")], rows)


@command()
@task_id
@click.pass_obj
def why(app: App, id: int) -> None:
    """Say why a task is where it is, and what would move it.

    With --json: {task_id, status, sentence, ahead}.
    """
    found = app.client.explain(id)
    if app.json:
        return app.out.document(found)
    app.out.line(f"task {id} is {found.status}. {found.sentence}")
