"""`mofsim models`: the potentials that the server offers."""

import json
from pathlib import Path
from typing import Any

import click

from mofsim.cli import text
from mofsim.cli.app import FAILED, OK, App, CommandGroup
from mofsim.cli.commands.environments import env
from mofsim.cli.commands.watch import every, until_end
from mofsim.cli.output import Column
from mofsim.schemas.resources import Check, MemoryNeed, Model, ModelDetail, Worker

_COLUMNS = [
    Column("NAME"),
    Column("FRAMEWORK"),
    Column("D3"),
    Column("LOADED ON"),
    Column("LICENCE"),
    Column("DESCRIPTION"),
]


_CHECKS = [
    Column("CHECK"),
    Column("MEASURED", right=True),
    Column("LIMIT", right=True),
    Column("UNIT"),
    Column("PASSED"),
]


@click.group(cls=CommandGroup)
def models() -> None:
    """List and show models, load and unload them, add your own, and make their Python environments."""


models.add_command(env)


@models.command("list")
@click.pass_obj
def list_(app: App) -> None:
    """List models; a * marks the default.

    With --json: a list of models.
    """
    found = app.client.models()
    if app.json:
        return app.out.document(found)
    app.out.table(_COLUMNS, [_row(model) for model in found], empty="there are no models")


def _row(model: Model) -> list[str]:
    return [
        model.name + ("*" if model.is_default else ""),
        model.framework,
        "yes" if model.d3 else "no",
        ", ".join(model.loaded_on),
        model.licence,
        model.description if model.is_validated else " ".join(["(not validated)", model.description]).strip(),
    ]


@models.command()
@click.argument("name")
@click.pass_obj
def show(app: App, name: str) -> None:
    """Show a model.

    With --json: the model.
    """
    found = app.client.model(name)
    if app.json:
        return app.out.document(found)
    app.out.fields(
        {
            "model": found.name + (" (the default)" if found.is_default else ""),
            "description": found.description,
            "framework": found.framework,
            "precision": found.dtype,
            "D3": "added" if found.d3 else "not added",
            "licence": found.licence,
            "weights": found.checkpoint,
            "sha256": found.weights_sha256 or "",
            "environment": found.environment or "",
            "python": found.python or "that of the worker",
            "versions": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
            "loaded on": ", ".join(found.loaded_on),
            "loaded in": f"{found.load_seconds:.1f} s" if found.load_seconds else "",
            "memory": "; ".join(_memory(need) for need in found.memory),
            "elements": " ".join(found.elements),
            **_of_upload(found),
        }
    )
    if found.validation and found.validation.checks:
        checks = found.validation.checks
        app.out.line()
        app.out.table(_CHECKS, [_check_row(name, check) for name, check in checks.items()], empty="")


def _of_upload(model: ModelDetail) -> dict[str, str]:
    """Nothing for a model of the settings."""
    if not model.is_custom:
        return {}
    said = "not validated yet"
    if model.validation:
        said = "passed" if model.validation.passed else f"failed: {model.validation.error or 'see the checks'}"
    if model.validation_task is not None:
        said = f"task {model.validation_task} validates it"
    return {"uploaded": text.clock(model.created_at), "validation": said}


def _check_row(name: str, check: Check) -> list[str]:
    measured = "–" if check.measured is None else f"{check.measured:.2g}"
    limit = f"{'≥ ' if check.at_least else ''}{check.limit:g}"
    return [name.replace("_", " "), measured, limit, check.unit, "yes" if check.passed else "NO"]


def _memory(need: MemoryNeed) -> str:
    if need.peak_MB is None:
        return f"{need.n_atoms} atoms: more than {need.too_little_MB or 0:.0f} MB ({need.device})"
    return f"{need.n_atoms} atoms: {need.peak_MB:.0f} MB ({need.device})"


_worker = click.option("--worker", metavar="ID", help="On this worker only, not on all that are online.")


@models.command()
@click.argument("name")
@_worker
@click.pass_obj
def load(app: App, name: str, worker: str | None) -> None:
    """Load a model ahead of its tasks; workers do it between two tasks.

    With --json: the workers that were asked, a list.
    """
    _say_asked(app, f"load {name}", app.client.load_model(name, worker))


@models.command()
@click.argument("name")
@_worker
@click.pass_obj
def unload(app: App, name: str, worker: str | None) -> None:
    """Give back the memory of a model; workers do it between two tasks.

    With --json: the workers that were asked, a list.
    """
    _say_asked(app, f"unload {name}", app.client.unload_model(name, worker))


def _say_asked(app: App, what: str, asked: list[Worker]) -> None:
    if app.json:
        return app.out.document(asked)
    for worker in asked:
        app.out.line(f"worker {worker.id} is to {what}")
    app.out.note("`mofsim workers` shows what is loaded, and what could not be")


def _read_options(ctx: click.Context, option: click.Parameter, given: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(given) if given else None
    except ValueError:
        found = given
    if found is not None and not isinstance(found, dict):
        raise click.BadParameter('write a JSON object, like {"head": "omat_pbe"}', ctx, option)
    return found


_wait = click.option("--wait", is_flag=True, help="Follow the validation until it ends.")


@models.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="What tasks call it.")
@click.option("--framework", required=True, help="What loads it: sevenn, mace, chgnet …")
@click.option("--d3", is_flag=True, help="Add D3(BJ) dispersion; only if it was trained without.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Precision; without it float32.")
@click.option("--element", "elements", multiple=True, metavar="X", help="It was trained on; may be given again.")
@click.option("--options", callback=_read_options, metavar="JSON", help="Passed to the framework as they are.")
@click.option("--licence", default="", help="Licence of the weights.")
@click.option("--description", default="", help="A line for people.")
@click.option("--no-validate", is_flag=True, help="Only upload it; `mofsim models validate` can be used later.")
@_wait
@every
@click.pass_obj
def add(
    app: App,
    file: Path,
    name: str,
    framework: str,
    d3: bool,
    dtype: str | None,
    elements: tuple[str, ...],
    options: dict[str, Any] | None,
    licence: str,
    description: str,
    no_validate: bool,
    wait: bool,
    every: float,
) -> int:
    """Upload a file with the weights of a model, and have it validated.

    Tasks can use it when its energies, forces and stress were found to belong together. A file of torch can run code
    where it is loaded: add none that you do not trust.

    With --json: the model. With --wait the exit status is 1 when it did not pass.
    """
    if no_validate and wait:
        raise click.UsageError("--wait waits for the validation, which --no-validate leaves out")
    model = app.client.add_model(
        file,
        name,
        framework,
        d3=d3,
        dtype=dtype,
        elements=elements,
        options=options,
        licence=licence,
        description=description,
        validate=not no_validate,
    )
    return _told(app, name, model.validation_task if wait else None, every)


@models.command()
@click.argument("name")
@_wait
@every
@click.pass_obj
def validate(app: App, name: str, wait: bool, every: float) -> int:
    """Have an uploaded model validated; until it has passed, nobody can use it.

    With --json: the model. With --wait the exit status is 1 when it did not pass.
    """
    task = app.client.validate_model(name)
    return _told(app, name, task.id if wait else None, every)


def _told(app: App, name: str, awaited: int | None, every_seconds: float) -> int:
    """Say how the model stands, after the task of its validation where that is `awaited`."""
    if awaited is not None:
        until_end(app, awaited, every_seconds)
    model = app.client.model(name)
    if app.json:
        app.out.document(model)
    else:
        app.out.line(f"model {name}: {_of_upload(model)['validation']}")
        app.out.note(f"`mofsim models show {name}` shows what is known of it")
    return FAILED if awaited is not None and not model.is_validated else OK


@models.command()
@click.argument("name")
@click.pass_obj
def rm(app: App, name: str) -> None:
    """Delete an uploaded model that no waiting or running task uses.

    With --json: {name}.
    """
    app.client.delete_model(name)
    if app.json:
        return app.out.document({"name": name})
    app.out.line(f"model {name} is deleted")
