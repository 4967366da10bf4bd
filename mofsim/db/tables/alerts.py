"""Alerts, and the rules that raise them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base, Json, utcnow


class AlertRule(Base):
    """What raises alerts, and whom they are told; the built-in ones can be changed, and reset."""

    __tablename__ = "alert_rules"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    #: threshold, for_seconds, steps …: what its kind knows
    condition: Mapped[Json]
    level: Mapped[str]
    #: the level that an alert rises to that nobody acknowledged for so long; both or none
    escalate_to: Mapped[str | None]
    escalate_after_seconds: Mapped[float | None]
    #: an alert that comes back within this time is not told again
    cooldown_seconds: Mapped[float] = mapped_column(default=300.0)
    #: names of the channels that are told; null: all
    channels: Mapped[list[str] | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    is_builtin: Mapped[bool] = mapped_column(default=False)
    silenced_until: Mapped[datetime | None]
    silenced_by: Mapped[str | None]
    silenced_note: Mapped[str | None]


class AlertSighting(Base):
    """A subject of a rule that is bad now: since when, and whether a person does not want to hear of it."""

    __tablename__ = "alert_sightings"

    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    #: somebody resolved its alert by hand: until it was well once, there is no other one
    dismissed_at: Mapped[datetime | None]


class Alert(Base):
    __tablename__ = "alerts"
    __table_args__ = (
        # When the one before was told, for the cooldown.
        Index("ix_alerts_alert_type_subject_id", "alert_type", "subject", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: null for those that no rule raised but the code that met the trouble
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("alert_rules.id", ondelete="SET NULL"))
    level: Mapped[str]
    alert_type: Mapped[str]
    #: what it is about: the id of a worker, a device …
    subject: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(Text)
    details: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: when message and details were written
    updated_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    #: the name of the key that did it; the note has its own words
    acknowledged_by: Mapped[str | None]
    acknowledged_note: Mapped[str | None]
    #: until then no channel is told of it
    silenced_until: Mapped[datetime | None]
    silenced_by: Mapped[str | None]
    silenced_note: Mapped[str | None]
    #: when the channels were told of it, or will be next; null: not yet
    told_at: Mapped[datetime | None]
    resolved: Mapped[bool] = mapped_column(default=False, index=True)
    resolved_at: Mapped[datetime | None]
    #: who resolved it; null when its cause went away
    resolved_by: Mapped[str | None]
    resolved_note: Mapped[str | None]
