"""`mofsim batch submit`: every task type for every structure with every model."""

from typing import Any

import click

from mofsim.cli.app import App, command
from mofsim.cli.commands.submit import read_parameters
from mofsim.cli.resolve import structure_for
from mofsim.schemas.simulations import PARAMETERS
from mofsim.vocabulary import SIMULATIONS, Preset, Priority, TaskType


def comma_list(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[str]:
    parts = [part.strip() for text in given for part in text.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def _types(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[TaskType]:
    names = comma_list(ctx, option, given)
    for name in names:
        if name not in SIMULATIONS:
            raise click.BadParameter(f"{name!r} is no task type; there are {', '.join(SIMULATIONS)}", ctx, option)
    return [TaskType(name) for name in names]


@command()
@click.option("--models", multiple=True, callback=comma_list, metavar="A,B", help="Without it the default model.")
@click.option(
    "--structures",
    multiple=True,
    required=True,
    callback=comma_list,
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
    task_types = [{"task_type": str(each), "parameters": own} for each, own in for_each(types, parameters).items()]
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


def for_each(types: list[TaskType], given: dict[str, Any]) -> dict[TaskType, dict[str, Any]]:
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
