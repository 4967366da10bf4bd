"""`mofsim db`: upgrade, back up and restore the data folder. None of it needs a server."""

import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mofsim.cli import text
from mofsim.cli.app import App, CommandGroup

if TYPE_CHECKING:
    from mofsim.db.manifest import Manifest


@click.group(cls=CommandGroup)
def db() -> None:
    """Look after the database."""


@db.command()
@click.pass_obj
def upgrade(app: App) -> None:
    """Make the database, or bring it to the schema of this version.

    With --json: {changed}.
    """
    settings = app.settings
    from mofsim.db.engine import Database
    from mofsim.db.migrate import upgrade as apply

    database = Database(settings.database_url, settings.database.busy_timeout_seconds)
    try:
        changed = apply(database)
    finally:
        database.close()
    if app.json:
        return app.out.document({"changed": changed})
    app.out.line("the database has this version's schema" + (" now" if changed else " already"))


@db.command()
@click.argument("destination", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--links", is_flag=True, help="Share the files instead of copying them; for a folder on the same disk.")
@click.pass_obj
def backup(app: App, destination: Path, links: bool) -> None:
    """Write database, structures and results to a new FILE.tar, or to a new folder, and read it back.

    Server and workers may go on meanwhile. With --json: {destination, manifest, left_out}.
    """
    settings = app.settings
    from mofsim.db.backup import backup as write

    try:
        report = write(settings, destination, links=links)
    except sqlite3.Error as error:
        raise click.ClickException(f"the database can not be copied ({error}); nothing was written") from error
    if app.json:
        document = {"destination": str(destination), "manifest": asdict(report.manifest), "left_out": report.left_out}
        return app.out.document(document)
    app.out.line(f"{destination} holds {_contents(report.manifest)}; it was read back")
    for line in report.left_out:
        app.out.note(f"not in it: {line}")


@db.command()
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Also where there is data, which is moved aside and kept.")
@click.pass_obj
def restore(app: App, source: Path, force: bool) -> None:
    """Make the data folder what it was when the backup FILE was taken. Stop server and workers first.

    With --json: {manifest, upgraded, moved_aside}.
    """
    settings = app.settings
    from mofsim.db.restore import restore as put_back

    report = put_back(settings, source, force=force)
    aside = report.moved_aside
    if app.json:
        document = {"manifest": asdict(report.manifest), "upgraded": report.upgraded}
        return app.out.document(document | {"moved_aside": str(aside) if aside else None})
    app.out.line(
        f"{settings.storage.root} holds {_contents(report.manifest)} again, as of {report.manifest.created_at}"
    )
    if report.upgraded:
        app.out.note("the backup was of an older mofsim; its database has this version's schema now")
    if aside:
        app.out.note(f"what was there before is in {aside}")


@db.command()
@click.argument("url")
@click.pass_obj
def copy(app: App, url: str) -> None:
    """Copy all rows to the empty database at URL, e.g. postgresql://user:password@host/name.

    Stop server and workers first. Files stay where they are; afterwards set database.url to the new one.
    With --json: {rows}.
    """
    settings = app.settings
    from sqlalchemy.exc import SQLAlchemyError

    from mofsim.db.copy import copy as write

    try:
        rows = write(settings, url)
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database can not be copied ({error}); nothing was written") from error
    if app.json:
        return app.out.document({"rows": rows})
    app.out.line(f"copied {sum(rows.values())} rows, {rows['tasks']} of them tasks; set database.url to the new one")


def _contents(manifest: "Manifest") -> str:
    n_tasks, n_files = manifest.counts["tasks"], manifest.n_files
    files = f"{n_files} file{'s' * (n_files != 1)} ({text.size(manifest.total_bytes)})"
    return f"{n_tasks} task{'s' * (n_tasks != 1)} and {files}"
