"""Take deliveries out of the outbox: each by one process at a time, those of a task in their order."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from mofsim.db.tables import Task, WebhookDelivery, utcnow
from mofsim.vocabulary import DeliveryState


@dataclass(frozen=True)
class Parcel:
    """One try of a delivery. Whoever holds it is the only one that sends it, until its lease runs out."""

    delivery_id: int
    task_id: int
    event: str
    attempt: int
    payload: dict[str, Any]
    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """How a try ended. `error` is None for a receiver that took it."""

    status: int | None
    error: str | None


def is_due(session: Session) -> bool:
    """Whether there is anything to send now; a cheap look before the write."""
    return session.scalar(select(WebhookDelivery.id).where(_due(utcnow())).limit(1)) is not None


def claim(session: Session, lease_seconds: float, busy_urls: Collection[str] = ()) -> Parcel | None:
    """The delivery that has waited longest, leaving out `busy_urls`; None when nothing is due."""
    now = utcnow()
    query = (
        select(WebhookDelivery, Task.callback_url, Task.callback_secret)
        .join(Task, Task.id == WebhookDelivery.task_id)
        .where(_due(now), Task.callback_url.is_not(None), Task.callback_url.not_in(busy_urls))
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=WebhookDelivery)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    delivery, url, secret = found
    delivery.attempts += 1
    delivery.last_attempt_at = now
    delivery.lease_until = now + timedelta(seconds=lease_seconds)
    delivery.lease_token = secrets.token_hex(8)
    return Parcel(
        delivery_id=delivery.id,
        task_id=delivery.task_id,
        event=delivery.event,
        attempt=delivery.attempts,
        payload=dict(delivery.payload),
        url=url or "",
        secret=secret,
        token=delivery.lease_token,
    )


def record(
    session: Session, parcel: Parcel, answer: Answer, retry_delays_seconds: Sequence[float]
) -> DeliveryState | None:
    """Write how a try ended; None when the parcel is somebody else's by now, or gone with its task."""
    delivery = session.get(WebhookDelivery, parcel.delivery_id, with_for_update=True)
    if delivery is None or delivery.lease_token != parcel.token:
        return None
    delivery.lease_until = delivery.lease_token = None
    delivery.response_status, delivery.last_error = answer.status, answer.error
    if answer.error is None:
        delivery.delivered_at, delivery.next_attempt_at = utcnow(), None
    elif delivery.attempts > len(retry_delays_seconds):
        delivery.next_attempt_at = None
    else:
        delay = retry_delays_seconds[delivery.attempts - 1]
        delivery.next_attempt_at = utcnow() + timedelta(seconds=delay)
    return delivery.state


def trim(session: Session, older_than: datetime, limit: int = 1000) -> int:
    """Forget deliveries that are over, some of them at a time; how many were forgotten."""
    old = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.next_attempt_at.is_(None), WebhookDelivery.created_at < older_than)
        .limit(limit)
    )
    result = session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(old)))
    return int(result.rowcount)  # type: ignore[attr-defined]


def _due(now: datetime) -> ColumnElement[bool]:
    """Its time has come, nobody is sending it, and everything that the task had to say before is said."""
    earlier = aliased(WebhookDelivery)
    is_first = ~exists().where(
        earlier.task_id == WebhookDelivery.task_id,
        earlier.next_attempt_at.is_not(None),
        earlier.id < WebhookDelivery.id,
    )
    free = or_(WebhookDelivery.lease_until.is_(None), WebhookDelivery.lease_until < now)
    return and_(WebhookDelivery.next_attempt_at <= now, free, is_first)
