"""`mofsim cancel`, `retry`, `undo`, `hold`, `release`, `detach`, `priority`, `rm`: change what happens to tasks."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mofsim.cli.app import FAILED, OK, App, command, task_id, task_ids
from mofsim.cli.errors import describe, error_document
from mofsim.client import ApiError
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import Priority, TaskStatus

#: A task is named by a number, a worker by a word.
I = TypeVar("I", int, str)  # noqa: E741
Errors = list[dict[str, Any]]


def each(app: App, ids: tuple[I, ...], do: Callable[[I], Any], say: Callable[[I, Any], str]) -> int:
    """Do it to each; one that is refused is told and does not stop the others. The exit status."""
    return say_done(app, *try_each(app, ids, do, say))


def try_each(
    app: App, ids: tuple[I, ...], do: Callable[[I], Any], say: Callable[[I, Any], str]
) -> tuple[list[Any], Errors]:
    """What came of those that could be done, and the errors of the others."""
    done: list[Any] = []
    errors: Errors = []
    for id in dict.fromkeys(ids):
        try:
            answer = do(id)
        except ApiError as error:
            app.out.note(f"mofsim: {describe(error)}")
            errors.append({"id": id, "error": error_document(error)})
            continue
        done.append(answer or {"id": id})
        if not app.json:
            app.out.line(say(id, answer))
    return done, errors


def say_done(app: App, done: list[Any], errors: Errors) -> int:
    """The document about all of them, and the exit status."""
    if app.json:
        app.out.document({"items": done, "errors": errors})
    return FAILED if errors else OK


@command()
@task_ids
@click.pass_obj
def cancel(app: App, ids: tuple[int, ...]) -> int:
    """Cancel tasks. A waiting one ends at once, a running one between two steps.

    With --json: {items: the tasks, errors: [{id, error}]}.
    """
    return each(app, ids, app.client.cancel, _cancelled)


def _cancelled(id: int, task: Task) -> str:
    if task.status is TaskStatus.CANCELLED:
        return f"task {id} is cancelled"
    return f"task {id} is asked to stop; it ends after its current step"


def _now(id: int, task: Task) -> str:
    return f"task {id} is {task.status}"


@command()
@task_ids
@click.option("--clean", is_flag=True, help="Start from the beginning, whatever checkpoint there is.")
@click.pass_obj
def retry(app: App, ids: tuple[int, ...], clean: bool) -> int:
    """Queue tasks again that ended without a result; they go on from their checkpoint.

    With --json: {items: the tasks, errors: [{id, error}]}.
    """
    return each(app, ids, lambda id: app.client.retry(id, clean=clean), _now)


@command()
@task_ids
@click.pass_obj
def undo(app: App, ids: tuple[int, ...]) -> int:
    """Take a cancel back, within 10 seconds of it.

    With --json: {items: the tasks, errors: [{id, error}]}.
    """
    return each(app, ids, app.client.undo_cancel, _now)


@command()
@task_ids
@click.pass_obj
def hold(app: App, ids: tuple[int, ...]) -> int:
    """Keep tasks from running until they are released; one that runs goes on later where it was.

    With --json: {items: the tasks, errors: [{id, error}]}.
    """
    return each(app, ids, app.client.hold, lambda id, task: f"task {id} is held ({task.status})")


@command()
@task_ids
@click.pass_obj
def release(app: App, ids: tuple[int, ...]) -> int:
    """Let held tasks run again.

    With --json: {items: the tasks, errors: [{id, error}]}.
    """
    return each(app, ids, app.client.release, _now)


@command()
@task_ids
@click.pass_obj
def detach(app: App, ids: tuple[int, ...]) -> int:
    """Let tasks that wait for another one's structure start with the one that was to be optimized.

    With --json: {items: the tasks, errors: [{id, error}]}.
    """
    return each(app, ids, app.client.detach, _now)


@command()
@task_ids
@click.pass_obj
def rm(app: App, ids: tuple[int, ...]) -> int:
    """Delete tasks that have ended, with their results and files.

    With --json: {items: [{id}], errors: [{id, error}]}.
    """
    return each(app, ids, app.client.delete, lambda id, _: f"task {id} is deleted")


@command()
@task_id
@click.argument("priority", type=click.Choice([p.name for p in Priority], case_sensitive=False))
@click.pass_obj
def priority(app: App, id: int, priority: str) -> None:
    """Change the priority of a waiting task.

    With --json: the task.
    """
    task = app.client.set_priority(id, priority)
    if app.json:
        return app.out.document(task)
    app.out.line(f"task {id} has priority {task.priority.name}")
