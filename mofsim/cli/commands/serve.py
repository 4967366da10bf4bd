"""`mofsim serve`, `tui`: start one part of mofsim in this process."""

import re

import click

from mofsim.cli.app import OK, App, command


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
@click.option("--demo", is_flag=True, help="A simulated world to look around in: no server, nothing computed.")
@click.pass_obj
def tui(app: App, demo: bool) -> None:
    """Open the console. q leaves it; tasks go on."""
    from mofsim.tui.app import run
    from mofsim.tui.starting import PROGRAM

    options = ["--settings", str(app.settings_path.absolute())] if app.settings_path else []
    program = [*PROGRAM, *options]
    if demo:
        return run(demo=True, program=program)
    # Neither settings nor client are loaded before the first frame is on the screen.
    run(
        app.server,
        find=lambda: app.server_url,
        api_key=app.key,
        ca_file=app.ca_file,
        settings=lambda: app.settings_of_client,
        program=program,
    )
