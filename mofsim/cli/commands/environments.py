"""`mofsim models env`: Python environments for models whose packages do not go together with others."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mofsim.cli.app import FAILED, OK, App, CommandGroup
from mofsim.cli.output import Column
from mofsim.core import environments
from mofsim.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from mofsim.worker.environments import Checked

name_argument = click.argument("name")

_CHECKED = [Column("MODEL"), Column("LOADED IN", right=True), Column("ENERGY", right=True), Column("FMAX", right=True)]


@click.group("env", cls=CommandGroup)
def env() -> None:
    """Make, list, check and remove Python environments of models, on this machine.

    NAME is a framework (chgnet, mace, orb, mattersim, fairchem, sevenn), or a model that is to have one for itself.
    A model without `python` in its settings uses the one of its name, else of its framework.
    """


@env.command()
@name_argument
@click.option("--share", is_flag=True, help="Use torch and other packages of mofsim's own environment where they fit.")
@click.pass_obj
def create(app: App, name: str, share: bool) -> int:
    """Make an environment, and compute with its models in it; some minutes and 1.5 GB or more.

    With --share it is smaller and sooner ready, but must be made anew when mofsim's own environment is updated.

    With --json: {name, python, checked: [{model, load_seconds, energy_eV, fmax_eV_per_A, versions}]}.
    """
    from mofsim.worker.environments import EnvironmentFailed, create

    framework, models = _meant(app.settings, name)
    if (recipe := environments.RECIPES.get(framework)) and not recipe.is_tested:
        app.out.note(
            f"note: mofsim was never tested with {' '.join(recipe.requirements)}; its calls are from its source"
        )
    try:
        checked = create(app.settings.storage.root, name, framework, models, share=share)
    except EnvironmentFailed as error:
        return _failed(app, str(error))
    if not checked:
        app.out.note(f"no model in the settings uses {framework}, so nothing was computed in it")
    return _say_checked(app, name, checked)


@env.command()
@name_argument
@click.pass_obj
def check(app: App, name: str) -> int:
    """Compute with the models of an environment in it.

    With --json: {name, python, checked: [{model, load_seconds, energy_eV, fmax_eV_per_A, versions}]}.
    """
    from mofsim.worker.environments import EnvironmentFailed, check

    root = app.settings.storage.root
    if name not in environments.names(root):
        return _failed(app, f"there is no environment {name!r}; `mofsim models env list` shows those there are")
    _, models = _meant(app.settings, name)
    folder = environments.folder_of(root, name)
    try:
        return _say_checked(app, name, [check(folder, model, settings) for model, settings in models.items()])
    except EnvironmentFailed as error:
        return _failed(app, str(error))


@env.command("list")
@click.pass_obj
def list_(app: App) -> None:
    """List the environments of this machine's data folder.

    With --json: a list of {name, python, models, versions}.
    """
    found = [_describe(app.settings, name) for name in environments.names(app.settings.storage.root)]
    if app.json:
        return app.out.document(found)
    columns = [Column("NAME"), Column("MODELS"), Column("TORCH"), Column("PYTHON")]
    rows = [
        [each["name"], ", ".join(each["models"]), each["versions"].get("torch", ""), each["python"]] for each in found
    ]
    app.out.table(columns, rows, empty="there are no environments; `mofsim models env create NAME` makes one")


@env.command()
@name_argument
@click.option("--force", is_flag=True, help="Remove it although tasks or workers need it; those tasks will fail.")
@click.pass_obj
def rm(app: App, name: str, force: bool) -> int:
    """Remove an environment, unless a worker has a model of it loaded or a task that has not ended needs it.

    With --json: {name}.
    """
    from mofsim.worker.environments import EnvironmentFailed, remove

    root = app.settings.storage.root
    if not force and name in environments.names(root) and (users := _users(app.settings, name)):
        return _failed(app, f"environment {name} is needed: {'; '.join(users)}. --force removes it all the same")
    try:
        remove(root, name)
    except EnvironmentFailed as error:
        return _failed(app, str(error))
    if app.json:
        app.out.document({"name": name})
    else:
        app.out.note(f"environment {name} was removed")
    return OK


def _users(settings: Settings, name: str) -> list[str]:
    """Who needs it, as the database tells; no server is asked, as for all that is done with environments."""
    from sqlalchemy.exc import SQLAlchemyError

    from mofsim.core.environment_users import users
    from mofsim.db.engine import Database

    database = Database(settings.database_url, settings.database.busy_timeout_seconds)
    if database.url.get_backend_name() == "sqlite" and not Path(database.url.database or "").exists():
        # Nothing ever ran here.
        return []
    try:
        with database.read() as session:
            return users(session, settings.storage.root, name)
    except SQLAlchemyError as error:
        return [f"the database, which knows who needs it, can not be read ({type(error).__name__})"]
    finally:
        database.close()


def _meant(settings: Settings, name: str) -> tuple[str, dict[str, ModelSettings]]:
    """The framework of an environment of that name, and the models of the settings that would use it."""
    if name in settings.models:
        return settings.models[name].framework, {
            model: table
            for model, table in settings.models.items()
            if not table.python and (model == name or table.framework == name)
        }
    models = {model: table for model, table in settings.models.items() if table.framework == name and not table.python}
    if name not in environments.RECIPES:
        raise click.UsageError(f"{name} is no model, and no framework; there are: {', '.join(environments.RECIPES)}")
    return name, models


def _describe(settings: Settings, name: str) -> dict[str, Any]:
    root = settings.storage.root
    folder = environments.folder_of(root, name)
    users = [
        model
        for model, table in settings.models.items()
        if not table.python and environments.name_for(root, model, table.framework) == name
    ]
    versions = environments.versions(folder)
    return {"name": name, "python": str(environments.interpreter(folder)), "models": users, "versions": versions}


def _say_checked(app: App, name: str, checked: "list[Checked]") -> int:
    python = str(environments.interpreter(environments.folder_of(app.settings.storage.root, name)))
    if app.json:
        app.out.document({"name": name, "python": python, "checked": [asdict(each) for each in checked]})
        return OK
    rows = [
        [each.model, f"{each.load_seconds:.1f} s", f"{each.energy_eV:.6f} eV", f"{each.fmax_eV_per_A:.4f} eV/Å"]
        for each in checked
    ]
    if rows:
        app.out.table(_CHECKED, rows)
    app.out.note(f"environment {name}: {python}")
    return OK


def _failed(app: App, detail: str) -> int:
    if app.json:
        app.out.document({"error": {"type": "EnvironmentFailed", "detail": detail, "field": "name"}})
    app.out.note(f"mofsim: {detail}")
    return FAILED
