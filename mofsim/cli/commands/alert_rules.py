"""`mofsim alerts rules`: what raises alerts."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mofsim.cli import text
from mofsim.cli.alerting import noted, silent_for
from mofsim.cli.app import App, CommandGroup
from mofsim.cli.output import Column
from mofsim.schemas.alerts import AlertKind, AlertRule
from mofsim.vocabulary import AlertLevel, RuleKind

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = [
    Column("NAME"),
    Column("ON"),
    Column("LEVEL"),
    Column("THRESHOLD", right=True),
    Column("FURTHER"),
    Column("RISES"),
    Column("CHANNELS"),
    Column("WATCHES"),
]
_KIND_COLUMNS = [Column("KIND"), Column("THRESHOLD", right=True), Column("FURTHER"), Column("WATCHES")]

#: names of the condition that have their own column or are too long for a list
_APART = ("threshold", "ignored_xids")
_LEVELS = click.Choice([str(level) for level in AlertLevel])


@click.group(cls=CommandGroup)
def rules() -> None:
    """List, change, add and remove the rules that raise alerts."""


@rules.command("list")
@click.pass_obj
def list_(app: App) -> None:
    """List the rules; a * marks your own.

    With --json: a list of rules.
    """
    found = app.client.alert_rules()
    if app.json:
        return app.out.document(found)
    app.out.table(_COLUMNS, [_row(rule) for rule in found], empty="there are no rules")


@rules.command()
@click.pass_obj
def kinds(app: App) -> None:
    """List what a rule can watch.

    With --json: a list of kinds.
    """
    found = app.client.alert_kinds()
    if app.json:
        return app.out.document(found)
    rows = [[kind.kind, _threshold(kind), _further(kind.condition), kind.says] for kind in found]
    app.out.table(_KIND_COLUMNS, rows)


def _row(rule: AlertRule) -> list[str]:
    return [
        rule.name + ("" if rule.is_builtin else "*"),
        _on(rule),
        rule.level,
        _threshold(rule),
        _further(rule.condition),
        f"to {rule.escalate_to} after {text.duration(rule.escalate_after_seconds)}" if rule.escalate_to else "",
        "all" if rule.channels is None else ", ".join(rule.channels) or "none",
        rule.says,
    ]


def _on(rule: AlertRule) -> str:
    if not rule.enabled:
        return "no"
    silent = rule.silenced_until and (text.between(rule.silenced_until, None) or 0) < 0
    return f"silent until {text.clock(rule.silenced_until)}" if silent else "yes"


def _threshold(rule: AlertRule | AlertKind) -> str:
    value = rule.condition.get("threshold")
    return "" if value is None else f"{value:g} {rule.unit}".strip()


def _further(condition: dict[str, Any]) -> str:
    rest = {name: value for name, value in condition.items() if name not in _APART and value}
    words = {"for_seconds": "for {} s", "window_seconds": "within {} s", "steps": "{} steps"}
    return ", ".join(words.get(name, name + " {}").format(f"{value:g}") for name, value in rest.items())


def _settings(function: F) -> F:
    """The options of a rule that `set` and `add` share."""
    options = [
        click.option("--threshold", type=float, help="In the unit that the list shows."),
        click.option("--for", "for_seconds", type=float, metavar="SECONDS", help="It must hold for so long."),
        click.option("--steps", type=int, help="Of the simulation."),
        click.option("--window", "window_seconds", type=float, metavar="SECONDS", help="An event counts for so long."),
        click.option("--ignore-xid", "ignored_xids", type=int, multiple=True, help="No error; may be given again."),
        click.option("--level", type=_LEVELS),
        click.option("--escalate-to", type=_LEVELS, help="The level it rises to if nobody acknowledges it."),
        click.option("--escalate-after", type=float, metavar="SECONDS", help="When it rises."),
        click.option("--cooldown", type=float, metavar="SECONDS", help="One that comes back is not told again before."),
        click.option("--channel", "channels", multiple=True, help="Tell this channel only; may be given again."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _values(
    *,
    threshold: float | None,
    for_seconds: float | None,
    steps: int | None,
    window_seconds: float | None,
    ignored_xids: tuple[int, ...],
    level: str | None,
    escalate_to: str | None,
    escalate_after: float | None,
    cooldown: float | None,
    channels: tuple[str, ...],
) -> dict[str, Any]:
    """What was given, as the request has it."""
    condition = {
        "threshold": threshold,
        "for_seconds": for_seconds,
        "steps": steps,
        "window_seconds": window_seconds,
        "ignored_xids": list(ignored_xids) or None,
    }
    values = {
        "condition": {name: value for name, value in condition.items() if value is not None} or None,
        "level": level,
        "escalate_to": escalate_to,
        "escalate_after_seconds": escalate_after,
        "cooldown_seconds": cooldown,
        "channels": list(channels) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


@rules.command("set")
@click.argument("name")
@_settings
@click.option("--no-escalation", is_flag=True, help="Its level never rises.")
@click.option("--all-channels", is_flag=True, help="Tell all channels again.")
@click.pass_obj
def set_(app: App, /, name: str, no_escalation: bool, all_channels: bool, **given: Any) -> None:
    """Change a rule; what is not given stays as it is.

    With --json: the rule.
    """
    values = _values(**given)
    if no_escalation:
        values |= {"escalate_to": None, "escalate_after_seconds": None}
    if all_channels:
        values["channels"] = None
    if not values:
        raise click.UsageError("say what to change, like --threshold 80; --help lists what there is")
    _told(app, app.client.change_alert_rule(_id(app, name), **values), "changed")


@rules.command()
@click.argument("name")
@click.pass_obj
def on(app: App, name: str) -> None:
    """Switch a rule on.

    With --json: the rule.
    """
    _told(app, app.client.change_alert_rule(_id(app, name), enabled=True), "on")


@rules.command()
@click.argument("name")
@click.pass_obj
def off(app: App, name: str) -> None:
    """Switch a rule off; its alerts end.

    With --json: the rule.
    """
    _told(app, app.client.change_alert_rule(_id(app, name), enabled=False), "off")


@rules.command()
@click.argument("name")
@click.argument("kind", type=click.Choice([str(kind) for kind in RuleKind]))
@_settings
@click.pass_obj
def add(app: App, /, name: str, kind: str, **given: Any) -> None:
    """Add a rule of your own; what is not given is as in the built-in rule of that kind.

    With --json: the rule.
    """
    _told(app, app.client.create_alert_rule(name, kind, **_values(**given)), "added")


@rules.command()
@click.argument("name")
@click.pass_obj
def reset(app: App, name: str) -> None:
    """Make a built-in rule what it was when it came.

    With --json: the rule.
    """
    _told(app, app.client.reset_alert_rule(_id(app, name)), "as it came")


@rules.command()
@click.argument("name")
@silent_for
@noted
@click.pass_obj
def silence(app: App, name: str, seconds: float, note: str) -> None:
    """Tell no channel of what a rule raises for a time; its alerts are still listed.

    With --json: the rule.
    """
    rule = app.client.silence_alert_rule(_id(app, name), seconds, note)
    _told(app, rule, "silent" if seconds else "silent no more")


@rules.command()
@click.argument("name")
@click.pass_obj
def rm(app: App, name: str) -> None:
    """Delete a rule of your own; its alerts end.

    With --json: {name}.
    """
    app.client.delete_alert_rule(_id(app, name))
    if app.json:
        return app.out.document({"name": name})
    app.out.line(f"rule {name} is deleted")


def _id(app: App, name: str) -> int:
    """Of a rule by its name; an id is taken too."""
    found = app.client.alert_rules()
    for rule in found:
        if name in (rule.name, str(rule.id)):
            return rule.id
    raise click.BadParameter(f"there is no rule {name!r}; there are {', '.join(rule.name for rule in found)}")


def _told(app: App, rule: AlertRule, what: str) -> None:
    if app.json:
        return app.out.document(rule)
    app.out.line(f"rule {rule.name} is {what}")
