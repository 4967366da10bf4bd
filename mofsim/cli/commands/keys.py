"""`mofsim keys`, `audit`: who may use the server, and who changed what."""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import click

from mofsim.cli import text
from mofsim.cli.app import App, CommandGroup, command
from mofsim.cli.commands.steer import each
from mofsim.cli.commands.tasks import one_of
from mofsim.cli.keys_offline import KeysOffline
from mofsim.cli.output import Column
from mofsim.schemas.keys import AuditLine, CreatedKey, Key
from mofsim.vocabulary import Scope

_KEYS = [
    Column("ID", right=True),
    Column("NAME"),
    Column("SCOPE"),
    Column("STATE"),
    Column("CREATED", right=True),
    Column("EXPIRES"),
    Column("USED", right=True),
]
_AUDIT = [
    Column("TIME"),
    Column("KEY"),
    Column("FROM"),
    Column("DID"),
    Column("ABOUT"),
    Column("STATUS", right=True),
    Column("REQUEST"),
]
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

offline = click.option("--offline", is_flag=True, help="In the data folder of this machine; no server is asked.")


def _read_end(ctx: click.Context, option: click.Parameter, given: str | None) -> datetime | None:
    """A span from now, or a time; without a zone in local time."""
    if given is None:
        return None
    try:
        if found := re.fullmatch(r"([0-9]{1,6})([hdw])", given):
            return datetime.now().astimezone() + int(found[1]) * _UNITS[found[2]]
        return datetime.fromisoformat(given).astimezone()
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{given!r} is no time; write e.g. 90d, 12h or 2027-01-31", ctx, option) from None


@click.group(cls=CommandGroup)
def keys() -> None:
    """Make, list and revoke keys: who may use the server, and for what.

    A key with the scope read sees everything, one with submit also submits and steers tasks, one with admin may do all.
    One with worker is for a box that sends its files (worker.server), and for nothing else.
    """


@keys.command()
@click.argument("name")
@click.option("--scope", type=one_of(Scope), default=str(Scope.READ), show_default=True, help="What it allows.")
@click.option("--expires", callback=_read_end, metavar="90d|TIME", help="Until when it is valid; without: for good.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="Write it to this new file instead of stdout.")
@offline
@click.pass_obj
def create(app: App, name: str, scope: str, expires: datetime | None, file: Path | None, offline: bool) -> None:
    """Make a key, and print it. It is shown this once.

    With --json: the key, with `token`; with --file that is null.
    """
    # Before the key is made: one that can not be written would be lost.
    target = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600) if file else None
    try:
        made = (KeysOffline(app.settings) if offline else app.client).create_key(name, scope, expires)
    except BaseException:
        if target is not None and file:
            os.close(target)
            file.unlink()
        raise
    if target is not None:
        with os.fdopen(target, "w", encoding="ascii") as opened:
            opened.write(f"{made.token}\n")
    _say_created(app, made, file)


def _say_created(app: App, made: CreatedKey, file: Path | None) -> None:
    if app.json:
        return app.out.document(made.model_dump(mode="json") | ({"token": None} if file else {}))
    until = f" until {text.clock(made.expires_at)}" if made.expires_at else ""
    app.out.note(f"key {made.id} ({made.name}) may {_may(made.scope)}{until}; keep it well, it is shown this once")
    app.out.line(f"it is in {file}; --key-file {file} shows it" if file else made.token)


def _may(scope: Scope) -> str:
    may = {Scope.READ: "read", Scope.SUBMIT: "read and submit", Scope.WORKER: "send files", Scope.ADMIN: "do all"}
    return may[scope]


@keys.command("list")
@offline
@click.pass_obj
def list_(app: App, offline: bool) -> None:
    """List the keys, newest first.

    With --json: a list of keys.
    """
    found = (KeysOffline(app.settings) if offline else app.client).api_keys()
    if app.json:
        return app.out.document(found)
    app.out.table(_KEYS, [_key(key) for key in found], empty="there are no keys")


def _key(key: Key) -> list[str]:
    return [
        str(key.id),
        key.name,
        key.scope,
        "valid" if key.is_valid else "revoked" if key.revoked_at else "expired",
        text.age(key.created_at),
        text.clock(key.expires_at) if key.expires_at else "never",
        text.age(key.last_used_at),
    ]


@keys.command()
@click.argument("ids", type=click.IntRange(min=1), metavar="ID…", nargs=-1, required=True)
@offline
@click.pass_obj
def revoke(app: App, ids: tuple[int, ...], offline: bool) -> int:
    """Revoke keys: whoever has them can do nothing with them from now on.

    With --json: {items: the keys, errors: [{id, error}]}.
    """
    do = (KeysOffline(app.settings) if offline else app.client).revoke_key
    return each(app, ids, do, lambda id, key: f"key {id} ({key.name}) is revoked")


@command()
@click.option("--key", type=click.IntRange(min=1), metavar="ID", help="Only what this key did.")
@click.option("--since", type=click.DateTime(), help="Only since then, local time.")
@click.option("--about", metavar="SUBJECT", help="Only what was about this, e.g. tasks/7.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
@click.option("--cursor", help="Go on where a page ended (next_cursor).")
@click.pass_obj
def audit(app: App, key: int | None, since: datetime | None, about: str | None, limit: int, cursor: str | None) -> None:
    """List who changed what, or tried to, newest first.

    With --json: {items, next_cursor, total}.
    """
    page = app.client.audit(key, since.astimezone() if since else None, limit, cursor, about)
    if app.json:
        return app.out.document(page)
    app.out.table(_AUDIT, [_line(line) for line in page.items], empty="nothing was changed")
    if page.next_cursor:
        app.out.note(f"there are more: --limit N, or --cursor {page.next_cursor}")


def _line(line: AuditLine) -> list[str]:
    return [
        text.clock(line.time),
        line.key_name if line.key_id is None else f"{line.key_name} ({line.key_id})",
        line.address,
        f"{line.method} {line.route.removeprefix('/api/v1')}",
        line.subject,
        str(line.status),
        line.request_id,
    ]
