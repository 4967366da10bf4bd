"""`mofsim models`: the potentials that the server offers."""

import click

from mofsim.cli.app import App, CommandGroup
from mofsim.cli.commands.environments import env
from mofsim.cli.output import Column
from mofsim.schemas.resources import MemoryNeed, Model, Worker

_COLUMNS = [
    Column("NAME"),
    Column("FRAMEWORK"),
    Column("D3"),
    Column("LOADED ON"),
    Column("LICENCE"),
    Column("DESCRIPTION"),
]


@click.group(cls=CommandGroup)
def models() -> None:
    """List and show models, load and unload them, and make their Python environments."""


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
        model.description,
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
        }
    )


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
