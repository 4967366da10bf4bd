"""Keys, and what was done with them."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base, utcnow


class ApiKey(Base):
    """Who may use the server; see mofsim.core.keys."""

    __tablename__ = "api_keys"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    #: SHA-256 of the secret part; the secret itself is kept nowhere
    key_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Audit(Base):
    """A request that was to change something, by whom it was, and what became of it."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    #: null where the server asks nobody for a key
    key_id: Mapped[int | None] = mapped_column(index=True)
    #: what the key was called then
    key_name: Mapped[str]
    address: Mapped[str]
    method: Mapped[str]
    #: the template of the path
    route: Mapped[str]
    #: what it was about, as a path below /api/v1, e.g. tasks/7
    subject: Mapped[str]
    status: Mapped[int]
    request_id: Mapped[str]
