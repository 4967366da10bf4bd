"""Keys, and who changed what with them."""

from datetime import datetime

from mofsim.client.request import API, Request, get
from mofsim.client.requests.answers import _list_of
from mofsim.schemas.envelope import Page
from mofsim.schemas.keys import AuditLine, CreatedKey, Key
from mofsim.vocabulary import Scope


def api_keys() -> Request[list[Key]]:
    """All keys, newest first; their secrets are kept nowhere."""
    return get("/keys", _list_of(Key))


def create_key(name: str, scope: Scope | str = Scope.READ, expires_at: datetime | None = None) -> Request[CreatedKey]:
    """A new key. Its `token` is told this once."""
    body = {"name": name, "scope": str(scope), "expires_at": expires_at.isoformat() if expires_at else None}
    return Request("POST", f"{API}/keys", CreatedKey.model_validate, json=body)


def revoke_key(id: int) -> Request[Key]:
    return Request("DELETE", f"{API}/keys/{id}", Key.model_validate, tries=2)


def audit(
    key: int | None = None,
    since: datetime | None = None,
    limit: int = 100,
    cursor: str | None = None,
    subject: str | None = None,
) -> Request[Page[AuditLine]]:
    """One page of who changed what, newest first; only what `key` did, only what was about `subject` ("tasks/7")."""
    query = {"key": key, "since": since.isoformat() if since else None, "limit": limit, "cursor": cursor}
    return get("/system/audit", Page[AuditLine].model_validate, query | {"subject": subject})
