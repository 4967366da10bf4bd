"""Take deliveries out of the outbox: each by one process at a time, those of a task in their order.

What `mofsim.core.notifications` sends has the same columns, and goes out in the same way.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from mofsim.core import counters
from mofsim.db.engine import n_changed
from mofsim.db.tables import Outgoing, Task, WebhookDelivery, utcnow
from mofsim.vocabulary import Counted, DeliveryState


@dataclass(frozen=True)
class Parcel:
    """One try of a delivery. Whoever holds it is the only one that sends it, until its lease runs out."""

    delivery_id: int
    #: None for what is about no task
    task_id: int | None
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
    token = begin(delivery, lease_seconds)
    return Parcel(
        delivery_id=delivery.id,
        task_id=delivery.task_id,
        event=delivery.event,
        attempt=delivery.attempts,
        payload=dict(delivery.payload),
        url=url or "",
        secret=secret,
        token=token,
    )


def begin(row: Outgoing, lease_seconds: float) -> str:
    """A try begins; the token of whom it belongs to until the lease runs out."""
    now = utcnow()
    row.attempts += 1
    row.last_attempt_at = now
    row.lease_until = now + timedelta(seconds=lease_seconds)
    row.lease_token = secrets.token_hex(8)
    return row.lease_token


def record(
    session: Session, parcel: Parcel, answer: Answer, retry_delays_seconds: Sequence[float]
) -> DeliveryState | None:
    """Write how a try ended; None when the parcel is somebody else's by now, or gone with its task."""
    delivery = session.get(WebhookDelivery, parcel.delivery_id, with_for_update=True)
    if delivery is None or delivery.lease_token != parcel.token:
        return None
    state = end(delivery, answer, retry_delays_seconds)
    if state is not DeliveryState.PENDING:
        counters.count(session, Counted.WEBHOOKS, state)
    return state


def end(row: Outgoing, answer: Answer, retry_delays_seconds: Sequence[float]) -> DeliveryState:
    """A try has ended like this: it was the last, or the next one is due after a while."""
    row.lease_until = row.lease_token = None
    row.response_status, row.last_error = answer.status, answer.error
    if answer.error is None:
        row.delivered_at, row.next_attempt_at = utcnow(), None
    elif row.attempts > len(retry_delays_seconds):
        row.next_attempt_at = None
    else:
        delay = retry_delays_seconds[row.attempts - 1]
        row.next_attempt_at = utcnow() + timedelta(seconds=delay)
    return row.state


def trim(session: Session, older_than: datetime, limit: int = 1000) -> int:
    """Forget deliveries that are over, some of them at a time; how many were forgotten."""
    old = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.next_attempt_at.is_(None), WebhookDelivery.created_at < older_than)
        .limit(limit)
    )
    return n_changed(session, delete(WebhookDelivery).where(WebhookDelivery.id.in_(old)))


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
