"""`mofsim watch`: follow a task until it ends."""

import click

from mofsim.cli.app import FAILED, OK, App, command, task_id
from mofsim.cli.progress import Waiting, shown
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import TaskStatus

every = click.option(
    "--every",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Time between two lines when stdout is no terminal.",
)


@command()
@task_id
@every
@click.pass_obj
def watch(app: App, id: int, every: float) -> int:
    """Follow a task until it ends. Ctrl-C stops watching, not the task.

    Exit status 0 when it completed, 1 when it ended otherwise. With --json: the task, when it has ended.
    """
    task = until_end(app, id, every)
    if app.json:
        app.out.document(task)
    else:
        say_end(app, task)
    return OK if task.status is TaskStatus.COMPLETED else FAILED


def until_end(app: App, id: int, every_seconds: float) -> Task:
    """Show the task's progress until it has ended. Ctrl-C says that it goes on, and ends the command."""
    try:
        with shown(app.out, every_seconds) as progress:
            waiting = Waiting(id, lambda id: app.client.explain(id).sentence, progress)
            waiting.start()
            try:
                return app.client.wait(id, waiting.changed, on_lost=progress.lost)
            finally:
                waiting.end()
    except KeyboardInterrupt:
        app.out.note(f"task {id} goes on; `mofsim watch {id}` looks again, `mofsim cancel {id}` ends it")
        raise


def say_end(app: App, task: Task) -> None:
    if task.error:
        app.out.note(f"task {task.id} {task.status}: {task.error.message}")
    elif task.status is TaskStatus.COMPLETED:
        app.out.note(f"task {task.id} completed; `mofsim result {task.id}` shows what it found")
