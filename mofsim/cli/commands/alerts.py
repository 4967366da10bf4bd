"""`mofsim alerts`: what needs a person."""

import click

from mofsim.cli import text
from mofsim.cli.app import App, command
from mofsim.cli.output import Column
from mofsim.schemas.resources import Alert

_COLUMNS = [
    Column("LEVEL"),
    Column("ABOUT"),
    Column("RAISED", right=True),
    Column("OVER", right=True),
    Column("MESSAGE"),
]


@command()
@click.option("--all", "all_", is_flag=True, help="Those that are over too, the newest 100.")
@click.pass_obj
def alerts(app: App, all_: bool) -> None:
    """List what needs a person now, newest first.

    With --json: a list of alerts.
    """
    found = app.client.alert_history() if all_ else app.client.alerts()
    if app.json:
        return app.out.document(found)
    empty = "there was never an alert" if all_ else "nothing needs you; --all lists alerts that are over"
    app.out.table(_COLUMNS, [_row(alert) for alert in found], empty=empty)


def _row(alert: Alert) -> list[str]:
    return [
        alert.level,
        alert.subject,
        text.age(alert.created_at),
        text.age(alert.resolved_at) if alert.resolved else "",
        alert.message,
    ]
