"""Where the tickets lie: can it be reached, and does it keep what it is given."""

import sqlite3
from collections.abc import Iterator

from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment.rows import first_line
from mofsim.queue import Tickets
from mofsim.settings import Settings
from mofsim.settings.model import as_toml


def look(settings: Settings) -> Iterator[Check]:
    match settings.queue.backend:
        case "sqlite":
            yield _file(settings)
        case "postgresql":
            yield _postgresql(settings)
        case "redis":
            yield from _redis(settings)


def _file(settings: Settings) -> Check:
    if not settings.queue_path.is_file():
        return Check("tickets", Verdict.FAIL, f"{settings.queue_path} is not there", "restart server and workers")
    try:
        return _fine(f"{settings.queue_path}", Tickets(settings).waiting())
    except sqlite3.Error as error:
        advice = "stop server and workers and remove it: tickets are issued again from the tasks"
        return Check("tickets", Verdict.FAIL, f"{settings.queue_path}: {error}", advice)


def _postgresql(settings: Settings) -> Check:
    from psycopg import Error

    try:
        return _fine(_shown(settings), Tickets(settings).waiting())
    except Error as error:
        return _unreachable(settings, error)


def _redis(settings: Settings) -> Iterator[Check]:
    from redis.exceptions import RedisError

    try:
        tickets = Tickets(settings)
        waiting, found = tickets.waiting(), tickets.huey.storage.conn.info()
    except RedisError as error:
        yield _unreachable(settings, error)
        return
    name = "Valkey" if "valkey_version" in found else "Redis"
    version = found.get("valkey_version") or found["redis_version"]
    yield _fine(f"{name} {version}, {_shown(settings)}", waiting)
    if found.get("aof_enabled"):
        yield Check("tickets kept", Verdict.OK, "appendonly yes: they survive a restart")
    else:
        lost = "appendonly no: after a restart of it tasks wait until the chores have issued their tickets again"
        yield Check("tickets kept", Verdict.WARN, lost, f"appendonly yes in the configuration of {name}")
    yield _eviction(name, found.get("maxmemory_policy", "unknown"), int(found.get("maxmemory", 0)))


def _eviction(name: str, policy: str, most: int) -> Check:
    advice = f"maxmemory-policy noeviction in the configuration of {name}"
    if policy == "noeviction":
        return Check("tickets evicted", Verdict.OK, "never (noeviction)")
    if most == 0:
        found = f"maxmemory-policy {policy}; no maxmemory is set, so nothing is yet"
        return Check("tickets evicted", Verdict.WARN, found, advice)
    found = f"maxmemory-policy {policy} with maxmemory {most / 1e6:.0f} MB: the queue goes when that is full"
    return Check("tickets evicted", Verdict.FAIL, found, advice)


def _fine(where: str, waiting: int) -> Check:
    return Check("tickets", Verdict.OK, f"{where}; {waiting} {'waits' if waiting == 1 else 'wait'}")


def _unreachable(settings: Settings, error: Exception) -> Check:
    advice = "start it, or correct queue.url (MOFSIM_QUEUE__URL)"
    return Check("tickets", Verdict.FAIL, f"{_shown(settings)}: {first_line(error)}", advice)


def _shown(settings: Settings) -> str:
    """Its address without what is secret."""
    own = settings.queue.url if settings.queue.url.get_secret_value() else settings.database.url
    return as_toml(own).strip('"')
