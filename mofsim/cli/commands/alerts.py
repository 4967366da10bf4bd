"""`mofsim alerts`: what needs a person, and what people do about it."""

import time
from collections.abc import Iterator
from typing import Any

import click

from mofsim.cli import text
from mofsim.cli.alerting import noted, silent_for
from mofsim.cli.app import FAILED, OK, App, CommandGroup, task_id, task_ids
from mofsim.cli.commands.alert_rules import rules
from mofsim.cli.commands.steer import each
from mofsim.cli.output import Column
from mofsim.schemas.alerts import AlertNotification
from mofsim.schemas.resources import Alert
from mofsim.vocabulary import DeliveryState

#: between two questions whether a channel was told
POLL_SECONDS = 0.2

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
        whose = f" by {alert.silenced_by}" if alert.silenced_by else ""
        said.append(f"silent until {text.clock(alert.silenced_until)}{whose}")
    return ", ".join(said) or "new"


@alerts.command()
@task_ids
@noted
@click.pass_obj
def ack(app: App, ids: tuple[int, ...], note: str) -> int:
    """Acknowledge alerts: you look after them, and their level rises no more.

    Others see the name of your key, and the note.

    With --json: {items: the alerts, errors: [{id, error}]}.
    """
    return each(
        app, ids, lambda id: app.client.acknowledge_alert(id, note), lambda id, _: f"alert {id} is acknowledged"
    )


@alerts.command()
@task_ids
@noted
@click.pass_obj
def resolve(app: App, ids: tuple[int, ...], note: str) -> int:
    """Say that alerts are over. Each comes back only after its cause was gone once.

    With --json: {items: the alerts, errors: [{id, error}]}.
    """
    return each(app, ids, lambda id: app.client.resolve_alert(id, note), lambda id, _: f"alert {id} is over")


@alerts.command()
@task_ids
@silent_for
@noted
@click.pass_obj
def silence(app: App, ids: tuple[int, ...], seconds: float, note: str) -> int:
    """Tell no channel of alerts for a time; they are still listed.

    With --json: {items: the alerts, errors: [{id, error}]}.
    """
    return each(app, ids, lambda id: app.client.silence_alert(id, seconds, note), _silenced)


def _silenced(id: int, alert: Alert) -> str:
    if alert.silenced_until is None:
        return f"alert {id} is silent no more"
    return f"alert {id} is silent until {text.clock(alert.silenced_until)}"


@alerts.command()
@click.argument("channel")
@click.option("--within", "seconds", default=60.0, show_default=True, metavar="SECONDS", help="Wait so long at most.")
@click.pass_obj
def test(app: App, channel: str, seconds: float) -> int:
    """Send a test message to a channel of the settings, and tell how that went.

    It goes the way of all alerts: by the worker that does the chores. Exit status 1 if the channel was not told.

    With --json: the notification.
    """
    told = app.client.test_alert_channel(channel)
    end = time.monotonic() + seconds
    while told.state is DeliveryState.PENDING and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        told = next(row for row in app.client.alert_notifications(told.alert_id) if row.id == told.id)
    if app.json:
        app.out.document(told)
    else:
        app.out.line(_outcome(told))
    return OK if told.state is DeliveryState.DELIVERED else FAILED


def _outcome(told: AlertNotification) -> str:
    if told.state is DeliveryState.DELIVERED:
        answered = f" (it answered {told.response_status})" if told.response_status else ""
        return f"the channel {told.channel} was told{answered}"
    if told.state is DeliveryState.GIVEN_UP:
        return f"the channel {told.channel} was not told: {told.last_error}"
    if told.attempts:
        return f"{told.channel} did not answer yet; `mofsim alerts show {told.alert_id}` tells how it ends"
    return "nobody sent it yet; channels are told by the chores of a worker, and none seems to run (`mofsim workers`)"


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
            "notes": "; ".join(_notes(alert)),
            **{name: _value(value) for name, value in alert.details.items()},
        }
    )
    if told:
        app.out.line()
        app.out.table(_TOLD_COLUMNS, [_told(row) for row in told])


def _notes(alert: Alert) -> Iterator[str]:
    """What people said of it, each with the name of the key."""
    for by, note in (
        (alert.acknowledged_by, alert.acknowledged_note),
        (alert.silenced_by, alert.silenced_note),
        (alert.resolved_by, alert.resolved_note),
    ):
        if note:
            yield f"{by}: {note}" if by else note


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
