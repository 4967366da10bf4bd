"""`mofsim batch`: many tasks as one."""

import time
from pathlib import Path
from typing import Any

import click

from mofsim.cli import text
from mofsim.cli.app import FAILED, OK, App, CommandGroup
from mofsim.cli.commands.submit import read_parameters
from mofsim.cli.commands.watch import every
from mofsim.cli.output import Column
from mofsim.cli.resolve import structure_for
from mofsim.client import ServerUnreachable, Unavailable
from mofsim.schemas.batches import Batch, BatchChanged, BatchRow
from mofsim.schemas.simulations import PARAMETERS
from mofsim.vocabulary import FINAL, SIMULATIONS, Preset, Priority, TaskStatus, TaskType

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
_ROW_COLUMNS = [
    Column("TASK", right=True),
    Column("STATUS"),
    Column("TYPE"),
    Column("STRUCTURE"),
    Column("ATOMS", right=True),
    Column("MODEL"),
    Column("PRESET"),
    Column("D3"),
    Column("DTYPE"),
    Column("CONVERGED"),
    Column("RESULT"),
]
#: what a line of a terminal has room for of each task type
_MAIN = {
    "single-point": ("energy_per_atom_eV",),
    "optimization": ("final_energy_eV", "volume_change_percent"),
    "stability": ("stable", "volume_drift_percent"),
    "bulk-modulus": ("bulk_modulus_GPa",),
    "heat-capacity": ("heat_capacity_J_per_gK",),
    "interaction-energy": ("interaction_energy_eV",),
}

batch_id = click.argument("id", type=click.IntRange(min=1), metavar="ID")


@click.group(cls=CommandGroup)
def batch() -> None:
    """Submit, follow and evaluate many tasks as one."""


def _comma_list(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[str]:
    parts = [part.strip() for text in given for part in text.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def _types(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[TaskType]:
    names = _comma_list(ctx, option, given)
    for name in names:
        if name not in SIMULATIONS:
            raise click.BadParameter(f"{name!r} is no task type; there are {', '.join(SIMULATIONS)}", ctx, option)
    return [TaskType(name) for name in names]


@batch.command()
@click.option("--models", multiple=True, callback=_comma_list, metavar="A,B", help="Without it the default model.")
@click.option(
    "--structures",
    multiple=True,
    required=True,
    callback=_comma_list,
    metavar="NAME|FILE|ID|@SET,…",
    help="Built-in or uploaded structures, files to upload, or named sets.",
)
@click.option("--types", multiple=True, required=True, callback=_types, metavar="TYPE,…", help="Task types.")
@click.option("--preset", type=click.Choice([str(preset) for preset in Preset]), help="Set of parameters.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    callback=read_parameters,
    metavar="[TYPE.]NAME=VALUE",
    help="E.g. fmax=0.05 for every type that has it, or optimization.fmax=0.05.",
)
@click.option("--name", default="", help="What the batch is called.")
@click.option("--priority", type=click.Choice([p.name for p in Priority], case_sensitive=False))
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Of each task.")
@click.option("--reuse", is_flag=True, help="Take finished results of the same computations, where there are any.")
@click.option("--key", "idempotency_key", help="Idempotency key: the same one again gives the same batch.")
@click.option("--dry-run", is_flag=True, help="Say what would be submitted; upload and submit nothing.")
@click.pass_obj
def submit(
    app: App,
    models: list[str],
    structures: list[str],
    types: list[TaskType],
    preset: str | None,
    parameters: dict[str, Any],
    name: str,
    priority: str | None,
    timeout: float | None,
    reuse: bool,
    idempotency_key: str | None,
    dry_run: bool,
) -> None:
    """Submit every task type for every structure with every model: all of them or, when one can not run, none.

    With --json: {id, name, task_ids}; with --dry-run {models, structures, task_types, n_tasks}.
    """
    task_types = [{"task_type": str(each), "parameters": own} for each, own in _for_each(types, parameters).items()]
    if dry_run:
        return _say_plan(app, models, structures, task_types)
    created = app.client.submit_product(
        [_structure(app, given) for given in structures],
        task_types,
        models=models,
        name=name,
        preset=preset,
        priority=priority,
        timeout_seconds=timeout,
        reuse=reuse,
        idempotency_key=idempotency_key,
    )
    if app.json:
        return app.out.document(created)
    app.out.line(f"batch {created.id} has {len(created.task_ids)} tasks; `mofsim batch watch {created.id}` follows it")


def _for_each(types: list[TaskType], given: dict[str, Any]) -> dict[TaskType, dict[str, Any]]:
    """The parameters of each type. A plain name goes to those that have it; raises click.BadParameter for none."""
    found: dict[TaskType, dict[str, Any]] = {each: {} for each in types}
    for name, value in given.items():
        of, dot, inner = name.partition(".")
        takers = [each for each in types if str(each) == of] if dot else [each for each in types if _has(each, name)]
        if not takers:
            raise click.BadParameter(f"none of {', '.join(types)} takes {name!r}", param_hint="--param")
        for each in takers:
            found[each][inner or name] = value
    return found


def _has(task_type: TaskType, name: str) -> bool:
    fields = PARAMETERS[task_type].model_fields
    aliases = [alias for field in fields.values() for alias in getattr(field.validation_alias, "choices", ())]
    return name in fields or name in aliases


def _structure(app: App, given: str) -> str | int:
    return given if given.startswith("@") else structure_for(app, given, reuse=True)


def _say_plan(app: App, models: list[str], structures: list[str], task_types: list[dict[str, Any]]) -> None:
    sets = {f"@{each.name}": len(each.structure_ids) for each in app.client.structure_sets()}
    if unknown := [given for given in structures if given.startswith("@") and given not in sets]:
        raise click.BadParameter(
            f"there is no set {unknown[0]}; there are {', '.join(sets) or 'none'}", param_hint="--structures"
        )
    n_structures = sum(sets.get(given, 1) for given in structures)
    models = models or [each.name for each in app.client.models() if each.is_default]
    n_tasks = len(models) * n_structures * len(task_types)
    if app.json:
        return app.out.document(
            {"models": models, "structures": structures, "task_types": task_types, "n_tasks": n_tasks}
        )
    shown = [f"{given} ({sets[given]})" if given in sets else given for given in structures]
    app.out.fields(
        {
            "models": ", ".join(models),
            "structures": ", ".join(shown),
            "types": ", ".join(each["task_type"] for each in task_types),
            "tasks": f"{len(models)} × {n_structures} × {len(task_types)} = {n_tasks}; what is named twice counts once",
        }
    )


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


@batch.command()
@batch_id
@click.option("--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="Save all columns as CSV.")
@click.pass_obj
def results(app: App, id: int, file: Path | None) -> None:
    """Show the results of a batch, a row for each task; --csv and --json have all columns.

    With --json: a list of rows.
    """
    if file:
        path = app.client.save_batch_results(id, file)
        return app.out.document({"file": str(path)}) if app.json else app.out.note(f"saved {path}")
    found = app.client.batch_results(id)
    if app.json:
        return app.out.document(found)
    app.out.table(_ROW_COLUMNS, [_result_row(each) for each in found], empty=f"batch {id} has no tasks")


def _result_row(found: BatchRow) -> list[str]:
    values = found.model_dump()
    known = [name for name in _MAIN.get(found.task_type, ()) if values.get(name) is not None]
    shown = [f"{name} = {_value(values[name])}" for name in known]
    return [
        str(found.task_id),
        found.status,
        found.task_type,
        found.structure,
        str(found.n_atoms),
        found.model,
        found.preset,
        _yes(found.d3),
        found.dtype or "",
        _yes(found.converged),
        found.error_type or ", ".join(shown),
    ]


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _value(value: Any) -> str:
    return _yes(value) if isinstance(value, bool) else f"{value:.6f}"
