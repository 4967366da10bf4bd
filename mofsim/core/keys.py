"""Keys: made, looked up, expired and revoked. Of a key's secret only the SHA-256 is kept.

A key is `mofsim_<id>_<secret>`. The id finds the row and is no secret; the secret has 256 random bits, so that its
plain hash can not be turned back.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core.errors import Conflict, Invalid, NotFound
from mofsim.db.tables import ApiKey, utcnow
from mofsim.vocabulary import Scope

#: The key of the account that runs the server; see mofsim.core.local_key.
LOCAL = "local"
#: The time of the last use is written at most this often: each write makes others wait.
USE_EVERY = timedelta(minutes=1)

_TOKEN = re.compile(r"mofsim_([1-9][0-9]{0,9})_([0-9a-f]{64})", re.ASCII)
#: Compared with where there is no such id, so that the answer takes as long.
_NOBODYS = "0" * 64


class WrongKey(Exception):
    """`reason` is for the log, and for who has the secret: unknown, revoked or expired."""

    def __init__(self, reason: str, key_id: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever sent a key that is valid."""

    key_id: int
    name: str
    scope: Scope
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= utcnow()


def create(session: Session, name: str, scope: Scope, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A new key, and its text, which can not be had again. Raises Conflict or Invalid."""
    if name == LOCAL:
        raise Invalid("is the name of the key that a server makes by itself; choose another", field="name")
    if expires_at is not None and expires_at <= utcnow():
        raise Invalid("is in the past; give a time to come, or none", field="expires_at")
    if any(is_valid(key) for key in _named(session, name)):
        raise Conflict(f"there is a key {name!r} already; revoke it, or choose another name", field="name")
    return add(session, name, scope, expires_at)


def add(session: Session, name: str, scope: Scope, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """As `create`, whatever the name."""
    secret = secrets.token_hex(32)
    key = ApiKey(name=name, key_hash=_hash(secret), scopes=[scope], created_at=utcnow(), expires_at=expires_at)
    session.add(key)
    session.flush()
    return key, f"mofsim_{key.id}_{secret}"


def holder(session: Session, token: str) -> Holder:
    """Who has this key; raises WrongKey."""
    found = _TOKEN.fullmatch(token)
    key_id, secret = (int(found[1]), found[2]) if found else (0, "")
    key = session.get(ApiKey, key_id)
    fits = hmac.compare_digest(_hash(secret), key.key_hash if key else _NOBODYS)
    if key is None or not fits:
        raise WrongKey("unknown", key.id if key else None)
    if key.revoked_at:
        raise WrongKey("revoked", key.id)
    if not is_valid(key):
        raise WrongKey("expired", key.id)
    return Holder(key.id, key.name, scope_of(key), key.expires_at, key.last_used_at)


def is_valid(key: ApiKey) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > utcnow())


def scope_of(key: ApiKey) -> Scope:
    """The largest of its scopes."""
    return max(map(Scope, key.scopes), key=list(Scope).index)


def listing(session: Session) -> list[ApiKey]:
    """Newest first, also those that are not valid any more."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.id.desc())))


def find(session: Session, key_id: int) -> ApiKey:
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound(f"there is no key {key_id}; `mofsim keys list` shows those there are", field="id")
    return key


def revoke(session: Session, key_id: int) -> ApiKey:
    """From now on it is a wrong one; again does no harm. Raises NotFound."""
    key = find(session, key_id)
    key.revoked_at = key.revoked_at or utcnow()
    return key


def revoke_named(session: Session, name: str) -> None:
    for key in _named(session, name):
        key.revoked_at = key.revoked_at or utcnow()


def used(session: Session, key_id: int) -> None:
    """It was used just now."""
    key = session.get(ApiKey, key_id)
    if key is not None:
        key.last_used_at = utcnow()


def _named(session: Session, name: str) -> list[ApiKey]:
    return list(session.scalars(select(ApiKey).where(ApiKey.name == name)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
