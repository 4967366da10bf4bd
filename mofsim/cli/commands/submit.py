"""`mofsim submit`: one task from the command line."""

import json
from datetime import datetime
from typing import Any, BinaryIO

import click

from mofsim.cli.app import FAILED, OK, App, command
from mofsim.cli.commands.results import result_or_none, say_result
from mofsim.cli.commands.tasks import one_of
from mofsim.cli.commands.watch import every, say_end, until_end
from mofsim.cli.expecting import of_submitted, say_dry_run
from mofsim.cli.resolve import structure_for
from mofsim.schemas.submission import TaskStructure
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import SIMULATIONS, Preset, Priority, TaskStatus, WebhookEvent


def read_parameters(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    return dict(_read_parameter(ctx, option, text) for text in given)


def _read_parameter(ctx: click.Context, option: click.Parameter, text: str) -> tuple[str, Any]:
    """The value as in JSON, else text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f"{text!r} is not NAME=VALUE; write e.g. fmax=0.05", ctx, option)
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value.strip()


def _read_time(ctx: click.Context, option: click.Parameter, given: str | None) -> datetime | None:
    """ISO 8601; without a zone in local time."""
    try:
        return datetime.fromisoformat(given).astimezone() if given else None
    except ValueError:
        raise click.BadParameter(f"{given!r} is no time; write e.g. 2026-11-30T22:00", ctx, option) from None


def _read_secret(ctx: click.Context, option: click.Parameter, file: BinaryIO | None) -> str | None:
    """Without the line end that editors put behind it."""
    if file is None:
        return None
    try:
        secret = file.read().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.BadParameter("the file must hold a secret as text (UTF-8)", ctx, option) from None
    if not secret:
        raise click.BadParameter("the file is empty; put the secret into it", ctx, option)
    return secret


@command()
@click.argument("task_type", metavar="TYPE", type=one_of(SIMULATIONS))
@click.option(
    "--structure",
    metavar="NAME|FILE|ID",
    help="A built-in or uploaded structure, or a file to upload.",
)
@click.option("--after", type=int, metavar="TASK", help="Wait for this task and take its optimized structure.")
@click.option("--model", help="Model; without it the server's default.")
@click.option("--preset", type=click.Choice([str(preset) for preset in Preset]), help="Set of parameters.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    callback=read_parameters,
    metavar="NAME=VALUE",
    help="E.g. fmax=0.05; may be given again.",
)
@click.option("--priority", type=click.Choice([p.name for p in Priority], case_sensitive=False))
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Time limit.")
@click.option("--not-before", callback=_read_time, metavar="TIME", help="Wait until then, local time.")
@click.option("--max-attempts", type=click.IntRange(1, 20), help="Tries when a worker is lost.")
@click.option("--reuse", is_flag=True, help="Take a finished result of the same computation, where there is one.")
@click.option("--key", "idempotency_key", help="Idempotency key: the same one again gives the same task.")
@click.option("--callback", metavar="URL", help="Tell this URL what becomes of the task.")
@click.option(
    "--callback-event",
    "callback_events",
    multiple=True,
    type=click.Choice([str(event) for event in WebhookEvent]),
    help="Tell only of these; may be given again.",
)
@click.option(
    "--callback-secret-file",
    "callback_secret",
    type=click.File("rb"),
    callback=_read_secret,
    metavar="FILE",
    help="Sign what is told with the secret in this file (-: stdin).",
)
@click.option("--wait", is_flag=True, help="Follow it until it ends, then show its result.")
@click.option("--dry-run", is_flag=True, help="Only check it and say what it would need; queue nothing.")
@every
@click.pass_obj
def submit(
    app: App,
    task_type: str,
    structure: str | None,
    after: int | None,
    model: str | None,
    preset: str | None,
    parameters: dict[str, Any],
    priority: str | None,
    timeout: float | None,
    not_before: datetime | None,
    max_attempts: int | None,
    reuse: bool,
    idempotency_key: str | None,
    callback: str | None,
    callback_events: tuple[str, ...],
    callback_secret: str | None,
    wait: bool,
    dry_run: bool,
    every: float,
) -> int:
    """Submit a task of a TYPE: single-point, optimization, stability, bulk-modulus, heat-capacity, interaction-energy.

    With --json: the task; with --wait {task, result}, where result is null when there is none; with --dry-run
    {n_atoms, memory, seconds, fits, …}. A structure from a file is uploaded with --dry-run too.
    """
    if dry_run and (wait or idempotency_key):
        raise click.UsageError("--dry-run queues nothing; leave --wait and --key")
    asked: dict[str, Any] = {
        "task_type": task_type,
        "structure": _structure(app, structure, after, reuse=dry_run),
        "model": model,
        "preset": preset,
        "parameters": parameters,
        "priority": priority,
        "timeout_seconds": timeout,
        "not_before": not_before,
        "max_attempts": max_attempts,
        "reuse": reuse,
        "callback": _receiver(callback, callback_events, callback_secret),
    }
    if dry_run:
        estimate = app.client.estimate(**asked)
        if app.json:
            app.out.document(estimate)
        else:
            say_dry_run(app, estimate)
        return OK
    task = app.client.submit(**asked, idempotency_key=idempotency_key)
    if wait:
        return _follow(app, task, every)
    if app.json:
        app.out.document(task)
    else:
        app.out.line(_told(app, task, asked))
    return OK


def _told(app: App, task: Task, asked: dict[str, Any]) -> str:
    if task.reused_from is not None:
        return f"task {task.id} has the result of task {task.reused_from}; `mofsim result {task.id}` shows it"
    estimate = of_submitted(app, asked)
    expected = f"{estimate.sentence}; " if estimate else ""
    return f"task {task.id} is {task.status}; {expected}`mofsim watch {task.id}` follows it"


def _structure(app: App, structure: str | None, after: int | None, *, reuse: bool) -> str | int | TaskStructure:
    if (structure is None) == (after is None):
        raise click.UsageError("say what to compute: --structure NAME|FILE|ID, or --after TASK")
    if after is not None:
        return TaskStructure(source="task", id=after)
    assert structure is not None
    return structure_for(app, structure, reuse=reuse)


def _receiver(url: str | None, events: tuple[str, ...], secret: str | None) -> dict[str, Any] | None:
    if url is None:
        if events or secret:
            raise click.UsageError(
                "--callback-event and --callback-secret-file say how to tell; say whom: --callback URL"
            )
        return None
    return {"url": url, "events": list(events) or None, "secret": secret}


def _follow(app: App, task: Task, every_seconds: float) -> int:
    ended = until_end(app, task.id, every_seconds)
    result = result_or_none(app, ended.id)
    if app.json:
        app.out.document({"task": ended, "result": result})
    else:
        say_end(app, ended)
        if result:
            app.out.line()
            say_result(app.out, result)
    return OK if ended.status is TaskStatus.COMPLETED else FAILED
