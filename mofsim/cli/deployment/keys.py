"""Keys: that of this account for nobody else to read, and somebody who may do everything."""

import os
import stat
from collections.abc import Iterator
from datetime import timedelta

from mofsim.cli.checks import Check, Verdict
from mofsim.core import keys
from mofsim.core.keys import WrongKey
from mofsim.db.engine import Database
from mofsim.db.tables import ApiKey, utcnow
from mofsim.settings import Settings
from mofsim.settings.places import local_key_file
from mofsim.vocabulary import Scope

#: A key that ends within this time should have its successor.
SOON = timedelta(days=14)


def local(settings: Settings, rows: Database | None) -> Iterator[Check]:
    if settings.worker.server:
        # A box that sends its files to a server elsewhere has no server's key.
        return
    path = local_key_file(settings.storage.root)
    anew = "restart the server, which revokes it and makes another"
    try:
        mode, owner = stat.S_IMODE(path.stat().st_mode), path.stat().st_uid
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        yield Check("local key", Verdict.FAIL, f"{path} is not there", "restart the server, which makes it")
        return
    except PermissionError:
        advice = "run this as the account of the server, e.g. sudo -u mofsim"
        yield Check("local key", Verdict.FAIL, f"{path} is not for this account to read", advice)
        return
    except UnicodeDecodeError:
        yield Check("local key", Verdict.FAIL, f"{path} holds no key", anew)
        return
    if mode & 0o077:
        yield Check("local key", Verdict.FAIL, f"{path} has mode {mode:03o}: others may have read it", anew)
    elif rows and (wrong := _wrong(rows, token)):
        yield Check("local key", Verdict.FAIL, f"{path} {wrong}", anew)
    elif owner not in (os.geteuid(), settings.storage.root.stat().st_uid):
        advice = f"chown it to the account of the server, which owns {settings.storage.root}"
        yield Check("local key", Verdict.WARN, f"{path} belongs to another account (uid {owner})", advice)
    else:
        yield Check("local key", Verdict.OK, f"{path}, mode {mode:03o}")


def _wrong(rows: Database, token: str) -> str:
    with rows.read() as session:
        try:
            scope = keys.holder(session, token).scope
        except WrongKey as error:
            return f"holds a key that is {error.reason}"
    return "" if scope is Scope.ADMIN else f"holds a key of scope {scope}"


def admins(settings: Settings, rows: Database | None) -> Iterator[Check]:
    if not settings.security.require_keys:
        advice = "security.require_keys = true"
        yield Check("admin keys", Verdict.WARN, "no key is asked for: all accounts of this machine may do all", advice)
        return
    if rows is None:
        return
    with rows.read() as session:
        found = [key for key in keys.listing(session) if keys.is_valid(key) and keys.scope_of(key) is Scope.ADMIN]
    if not found:
        advice = "restart the server, which makes one, or `mofsim keys create NAME --scope admin` on its machine"
        yield Check("admin keys", Verdict.FAIL, "there is no valid one", advice)
    elif ending := [key for key in found if _ends_soon(key)]:
        names = ", ".join(f"{key.name!r} on {key.expires_at:%Y-%m-%d}" for key in ending)
        yield Check("admin keys", Verdict.WARN, f"{len(found)}; soon over: {names}", "make new ones in time")
    else:
        yield Check("admin keys", Verdict.OK, f"{len(found)}: {', '.join(repr(key.name) for key in found[:4])}")


def _ends_soon(key: ApiKey) -> bool:
    return key.expires_at is not None and key.expires_at < utcnow() + SOON
