"""What is sent to receivers and channels."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base, Json, utcnow
from mofsim.vocabulary import DeliveryState


class Outgoing:
    """The columns of what is sent at least once: tries, answers, and who is sending it."""

    #: tries that were begun
    attempts: Mapped[int] = mapped_column(default=0)
    #: null once it was delivered or given up
    next_attempt_at: Mapped[datetime | None] = mapped_column(index=True)
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_attempt_at: Mapped[datetime | None]
    #: HTTP status of the last answer; null when there was none
    response_status: Mapped[int | None]
    #: while it lasts, the process that drew the token sends it, and nobody else
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None]

    @property
    def state(self) -> DeliveryState:
        if self.next_attempt_at is not None:
            return DeliveryState.PENDING
        return DeliveryState.DELIVERED if self.delivered_at else DeliveryState.GIVEN_UP


class WebhookDelivery(Outgoing, Base):
    """An event on its way to the receiver of a task."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    event: Mapped[str]
    payload: Mapped[Json]


class AlertNotification(Outgoing, Base):
    """What became of an alert, on its way to a channel."""

    __tablename__ = "alert_notifications"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    #: its name in the settings; null until it was looked up there whom to tell
    channel: Mapped[str | None]
    event: Mapped[str]
    payload: Mapped[Json]
