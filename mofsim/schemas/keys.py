"""Keys and the audit on the wire."""

from datetime import datetime

from pydantic import Field, field_validator

from mofsim.schemas.base import Request, Response, UtcTime
from mofsim.vocabulary import Scope


class NewKey(Request):
    name: str = Field(min_length=1, max_length=100, description="Who or what is to use it; no two valid keys share one")
    scope: Scope = Field(Scope.READ, description="read, submit, admin: each allows what those before it do; or worker")
    expires_at: UtcTime | None = Field(None, description="Null: it is valid until it is revoked")

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            raise ValueError("must be of printable characters, and not begin or end with a space")
        return name


class Key(Response):
    """A key, without its secret."""

    id: int
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute; null: never")
    is_valid: bool


class CreatedKey(Key):
    token: str = Field(description="The key itself, which is told this once")


class AuditLine(Response):
    """A request that was to change something, and the status of its answer."""

    id: int
    time: datetime
    key_id: int | None = Field(description="Null where the server asks nobody for a key")
    key_name: str
    address: str
    method: str
    route: str
    subject: str = Field(description="What it was about, as a path below /api/v1", examples=["tasks/7"])
    status: int
    request_id: str
