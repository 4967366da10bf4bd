"""`mofsim serve`, `worker`, `tui`, `db`: start one part of mofsim in this process."""

import re

import click

from mofsim.cli.app import FAILED, OK, App, CommandGroup, command


def _check_gpus(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"all|\d+(,\d+)*", value):
        raise click.BadParameter(f"{value!r} does not name GPUs; write all, or indices like 0,1", ctx, parameter)
    return value


port = click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
cpu_slots = click.option("--cpu-slots", type=click.IntRange(min=0), metavar="N", help="Tasks at a time on the CPU.")
gpus = click.option("--gpus", callback=_check_gpus, metavar="all|0,1", help="GPUs to use.")


@command()
@click.option("--host", help="Address to listen on.")
@port
@click.pass_obj
def serve(app: App, host: str | None, port: int | None) -> int:
    """Run the server alone, in the foreground. Ctrl-C stops it."""
    settings = app.settings_for_processes({"server.host": host, "server.port": port})
    from mofsim.server.run import run

    return run(settings) or OK


@command()
@gpus
@cpu_slots
@click.pass_obj
def worker(app: App, gpus: str | None, cpu_slots: int | None) -> int:
    """Run this machine's worker, in the foreground. Ctrl-C stops it; its tasks are queued again."""
    settings = app.settings_for_processes({"worker.gpus": gpus, "worker.cpu_slots": cpu_slots})
    from mofsim.logs import configure
    from mofsim.worker.supervisor import run

    configure(settings)
    try:
        return run(settings)
    except ValueError as error:
        app.out.note(f"mofsim: {error}")
        return FAILED


@command()
@click.pass_obj
def tui(app: App) -> None:
    """Open the console. q leaves it; tasks go on."""
    url = app.server_url
    from mofsim.tui.app import run

    run(url)


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
