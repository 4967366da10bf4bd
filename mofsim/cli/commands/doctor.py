"""`mofsim doctor`: what is set, what is there, and what to do about what is not."""

from collections.abc import Iterator

import click

from mofsim.cli import checks
from mofsim.cli.app import FAILED, OK, App, command
from mofsim.cli.checks import Check, Verdict
from mofsim.cli.output import Column
from mofsim.client import ClientError
from mofsim.settings import Settings


@command()
@click.option("--deploy", is_flag=True, help="Check an installation that runs: server, engines, workers, backups …")
@click.pass_obj
def doctor(app: App, deploy: bool) -> int:
    """Check that this machine has what mofsim needs; exit status 1 when something is missing.

    With --deploy: check that the installation of these settings runs as it should; exit status 1 when a check failed.
    Run that on the machine and as the account of the server.
    With --json: {ok, checks: [{name, verdict, found, advice}], settings: [{key, value, source}]}.
    """
    return _deployment(app) if deploy else _machine(app)


def _deployment(app: App) -> int:
    from mofsim.cli import deployment

    found = deployment.checks(app)
    failed = [check for check in found if check.verdict is Verdict.FAIL]
    if app.json:
        app.out.document(_document(app.settings, found, ok=not failed))
    else:
        warned = sum(check.verdict is Verdict.WARN for check in found)
        _say_checks(app, found)
        names = ", ".join(dict.fromkeys(check.name for check in failed))
        app.out.line(f"failed: {names}" if failed else f"nothing failed{f', {warned} to look at' if warned else ''}")
    return FAILED if failed else OK


def _machine(app: App) -> int:
    settings = app.settings
    found = [
        *checks.machine(),
        *checks.storage(settings),
        *checks.packages(),
        *checks.models(settings),
        *checks.model_environments(settings),
        *_server(app),
    ]
    missing = [check for check in found if check.verdict is Verdict.MISSING]
    if app.json:
        app.out.document(_document(settings, found, ok=not missing))
    else:
        _say(app, settings, found, missing)
    return FAILED if missing else OK


def _server(app: App) -> Iterator[Check]:
    """A server that does not run is no lack: it may never have been started."""
    try:
        health = app.client.health()
    except ClientError as error:
        yield Check("server", Verdict.NOTE, str(error))
        return
    yield Check("server", Verdict.OK, f"mofsim {health.version} at {app.server_url}, database {health.database}")
    if health.workers_online:
        yield Check("workers", Verdict.OK, f"{health.workers_online} online, {health.workers_busy} busy")
    else:
        yield Check("workers", Verdict.NOTE, "none online: tasks wait", "start one with `mofsim worker`")


def _document(settings: Settings, found: list[Check], ok: bool) -> dict[str, object]:
    return {
        "ok": ok,
        "checks": [
            {"name": check.name, "verdict": check.verdict, "found": check.found, "advice": check.advice}
            for check in found
        ],
        "settings": [{"key": line.key, "value": line.value, "source": line.source} for line in settings.describe()],
        "settings_file": str(settings.file) if settings.file else None,
        "profile": settings.profile,
    }


def _say(app: App, settings: Settings, found: list[Check], missing: list[Check]) -> None:
    columns = [Column("SETTING"), Column("VALUE"), Column("FROM")]
    app.out.table(columns, [[line.key, _short(line.value), line.source] for line in settings.describe()])
    app.out.line()
    _say_checks(app, found)
    app.out.line(f"missing: {', '.join(check.name for check in missing)}" if missing else "nothing is missing")


def _say_checks(app: App, found: list[Check]) -> None:
    rows = [[check.verdict, check.name, check.found] for check in found]
    app.out.table([Column("CHECK"), Column("OF"), Column("FOUND")], rows)
    advice = [f"{check.name}: {check.advice}" for check in found if check.advice]
    if advice:
        app.out.line()
        app.out.line("What to do:")
        for line in advice:
            app.out.line(f"  {line}")
    app.out.line()


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:57]}…"
