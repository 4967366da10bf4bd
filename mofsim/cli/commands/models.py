"""`mofsim models`: the potentials that the server offers."""

import click

from mofsim.cli.app import App, CommandGroup
from mofsim.cli.commands.environments import env
from mofsim.cli.output import Column
from mofsim.schemas.resources import Model

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
            "loaded on": ", ".join(found.loaded_on),
            "elements": " ".join(found.elements),
        }
    )
