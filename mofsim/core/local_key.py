"""The key of the account that runs the server: a file in the data folder that nobody else can read.

Commands and the console on this machine find it by themselves (mofsim.client.local).
"""

import os
import secrets
import stat
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from mofsim.core import keys
from mofsim.core.keys import WrongKey
from mofsim.db.engine import Database
from mofsim.settings.places import local_key_file
from mofsim.vocabulary import Scope

log = structlog.get_logger("mofsim.keys")


def ensure(database: Database, root: Path) -> None:
    """Make it where there is none, and anew where it fits no row or where others could have read it.

    Several processes may do so at once. Raises OSError.
    """
    path = local_key_file(root)
    with database.read() as session:
        if _is_good(session, path):
            return
    with database.write() as session:
        # Another process may have made it while we waited for our turn.
        if _is_good(session, path):
            return
        keys.revoke_named(session, keys.LOCAL)
        _, token = keys.add(session, keys.LOCAL, Scope.ADMIN)
        _write(path, token)
    log.info("a key for this account was made", path=str(path))


def _is_good(session: Session, path: Path) -> bool:
    try:
        mode, token = path.stat().st_mode, path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    if stat.S_IMODE(mode) & 0o077:
        log.warning("others could read the key of this account; it is revoked", path=str(path))
        return False
    try:
        return keys.holder(session, token).scope is Scope.ADMIN
    except WrongKey:
        return False


def _write(path: Path, token: str) -> None:
    """As a whole or not at all, and at no moment for others to read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(f"{token}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
