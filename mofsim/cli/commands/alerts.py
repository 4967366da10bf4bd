"""`mofsim alerts`: what needs a person, and what people do about it."""

import getpass
from typing import Any

import click

from mofsim.cli import text
from mofsim.cli.app import OK, App, CommandGroup, task_id, task_ids
from mofsim.cli.commands.alert_rules import rules
from mofsim.cli.commands.steer import each
from mofsim.cli.durations import silent_for
from mofsim.cli.output import Column
from mofsim.schemas.alerts import AlertNotification
from mofsim.schemas.resources import Alert

_COLUMNS = [
    Column("ID", right=True),
    Column("LEVEL"),
    Column("ABOUT"),
    Column("RAISED", right=True),
    Column("OVER", right=True),
    Column("STATE"),
    Column("MESSAGE"),
]
_TOLD_COLUMNS = [
    Column("CHANNEL"),
    Column("EVENT"),
    Column("STATE"),
    Column("TRIES", right=True),
    Column("LAST TRY", right=True),
    Column("ERROR"),
]


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.option("--all", "all_", is_flag=True, help="Those that are over too, the newest 100.")
@click.pass_context
def alerts(ctx: click.Context, all_: bool) -> int:
    """List what needs a person now, newest first; acknowledge, silence and resolve it.

    With --json: a list of alerts.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, all_)
    elif all_:
        raise click.UsageError(f"--all is for the list of alerts, not for {ctx.invoked_subcommand}")
    return OK


alerts.add_command(rules)


def _list(app: App, all_: bool) -> None:
    found = app.client.alert_history() if all_ else app.client.alerts()
    if app.json:
        return app.out.document(found)
    empty = "there was never an alert" if all_ else "nothing needs you; --all lists alerts that are over"
    app.out.table(_COLUMNS, [_row(alert) for alert in found], empty=empty)


def _row(alert: Alert) -> list[str]:
    return [
        str(alert.id),
        alert.level,
        alert.subject,
        text.age(alert.created_at),
        text.age(alert.resolved_at) if alert.resolved else "",
        _state(alert),
        alert.message,
    ]


def _state(alert: Alert) -> str:
    if alert.resolved:
        return f"resolved by {alert.resolved_by}" if alert.resolved_by else "over"
    said = []
    if alert.acknowledged_at:
        said.append(f"acknowledged by {alert.acknowledged_by}" if alert.acknowledged_by else "acknowledged")
    if alert.silenced_until and (text.between(alert.silenced_until, None) or 0) < 0:
        said.append(f"silent until {text.clock(alert.silenced_until)}")
    return ", ".join(said) or "new"


@alerts.command()
@task_ids
@click.pass_obj
def ack(app: App, ids: tuple[int, ...]) -> int:
    """Acknowledge alerts: somebody looks after them, and their level rises no more.

    With --json: {items: the alerts, errors: [{id, error}]}.
    """
    return each(
        app, ids, lambda id: app.client.acknowledge_alert(id, _me()), lambda id, _: f"alert {id} is acknowledged"
    )


@alerts.command()
@task_ids
@click.pass_obj
def resolve(app: App, ids: tuple[int, ...]) -> int:
    """Say that alerts are over. Each comes back only after its cause was gone once.

    With --json: {items: the alerts, errors: [{id, error}]}.
    """
    return each(app, ids, lambda id: app.client.resolve_alert(id, _me()), lambda id, _: f"alert {id} is over")


@alerts.command()
@task_ids
@silent_for
@click.pass_obj
def silence(app: App, ids: tuple[int, ...], seconds: float) -> int:
    """Tell no channel of alerts for a time; they are still listed.

    With --json: {items: the alerts, errors: [{id, error}]}.
    """
    return each(app, ids, lambda id: app.client.silence_alert(id, seconds), _silenced)


def _silenced(id: int, alert: Alert) -> str:
    if alert.silenced_until is None:
        return f"alert {id} is silent no more"
    return f"alert {id} is silent until {text.clock(alert.silenced_until)}"


@alerts.command()
@task_id
@click.pass_obj
def show(app: App, id: int) -> None:
    """Show an alert, and which channels were told of it.

    With --json: {alert, notifications}.
    """
    alert, told = app.client.alert(id), app.client.alert_notifications(id)
    if app.json:
        return app.out.document({"alert": alert, "notifications": told})
    app.out.fields(
        {
            "alert": f"{alert.id}, {alert.alert_type.replace('_', ' ')}",
            "level": alert.level + (f", risen {text.age(alert.escalated_at)}" if alert.escalated_at else ""),
            "about": alert.subject,
            "message": alert.message,
            "raised": text.clock(alert.created_at),
            "over": text.clock(alert.resolved_at) if alert.resolved else "",
            "state": _state(alert),
            **{name: _value(value) for name, value in alert.details.items()},
        }
    )
    if told:
        app.out.line()
        app.out.table(_TOLD_COLUMNS, [_told(row) for row in told])


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(row: AlertNotification) -> list[str]:
    return [
        row.channel or "",
        row.event,
        row.state,
        str(row.attempts),
        text.age(row.last_attempt_at),
        row.last_error or "",
    ]


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # An account without a name, as in some containers.
        return ""
