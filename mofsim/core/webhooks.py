"""Webhooks as an outbox: what a receiver is to be told is written in the transaction that makes it true.

Here an event is put into the outbox, looked up, and sent once more by hand; `mofsim.core.outbox` takes it out.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import queries
from mofsim.core.errors import Conflict, NotFound
from mofsim.core.wire import task_to_wire
from mofsim.db.tables import Task, WebhookDelivery, utcnow
from mofsim.vocabulary import TaskStatus, WebhookEvent

EVENTS = {
    TaskStatus.RUNNING: WebhookEvent.TASK_STARTED,
    TaskStatus.COMPLETED: WebhookEvent.TASK_COMPLETED,
    TaskStatus.FAILED: WebhookEvent.TASK_FAILED,
    TaskStatus.CANCELLED: WebhookEvent.TASK_CANCELLED,
    TaskStatus.TIMEOUT: WebhookEvent.TASK_TIMEOUT,
}


def status_changed(session: Session, task: Task) -> None:
    """Tell the receiver of the task, when it has one that wants to know of this status."""
    event = EVENTS.get(TaskStatus(task.status))
    if event and _wanted(task, event):
        session.add(_delivery(task, event))


def progressed(session: Session, task: Task, interval_seconds: float) -> None:
    """Tell of progress, but not more often than the receiver was promised.

    One that was not delivered yet makes way for the new one: a receiver that was away hears the newest only.
    """
    if not _wanted(task, WebhookEvent.TASK_PROGRESS):
        return
    now = utcnow()
    last = session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.task_id == task.id, WebhookDelivery.event == WebhookEvent.TASK_PROGRESS)
        .order_by(WebhookDelivery.id.desc())
        .limit(1)
        .with_for_update()
    )
    if last and last.created_at > now - timedelta(seconds=interval_seconds):
        return
    delivery = _delivery(task, WebhookEvent.TASK_PROGRESS)
    if last and last.next_attempt_at and not is_under_way(last, now):
        # A new row and not the old one with a new text: its place is behind what happened in between. It is as
        # late as the old one, lest a receiver that is down be called at every step.
        delivery.attempts, delivery.next_attempt_at = last.attempts, last.next_attempt_at
        session.delete(last)
    session.add(delivery)


def history(session: Session, task_id: int) -> list[WebhookDelivery]:
    """What was told or is to be told of a task, oldest first. Raises NotFound."""
    queries.find(session, task_id)
    query = select(WebhookDelivery).where(WebhookDelivery.task_id == task_id).order_by(WebhookDelivery.id)
    return list(session.scalars(query))


def redeliver(session: Session, delivery_id: int) -> WebhookDelivery:
    """Send a delivery once more, or now instead of later; it keeps its id and gets all its tries anew.

    Raises NotFound, or Conflict while it is being sent.
    """
    delivery = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if delivery is None:
        raise NotFound(f"there is no delivery {delivery_id}; a task's page lists those it has", field="id")
    now = utcnow()
    if is_under_way(delivery, now):
        raise Conflict(f"delivery {delivery_id} is being sent at this moment; see how it ends first")
    delivery.attempts, delivery.next_attempt_at = 0, now
    delivery.delivered_at = delivery.last_error = delivery.response_status = None
    return delivery


def is_under_way(delivery: WebhookDelivery, now: datetime) -> bool:
    return delivery.lease_until is not None and delivery.lease_until > now


def _wanted(task: Task, event: WebhookEvent) -> bool:
    return task.callback_url is not None and (task.callback_events is None or event in task.callback_events)


def _delivery(task: Task, event: WebhookEvent) -> WebhookDelivery:
    now = utcnow()
    return WebhookDelivery(
        task_id=task.id,
        event=event,
        payload=_payload(task, event, now),
        attempts=0,
        next_attempt_at=now,
        created_at=now,
    )


def _payload(task: Task, event: WebhookEvent, now: datetime) -> dict[str, Any]:
    return {
        "event": event,
        "time": now.isoformat(),
        # By way of JSON text, in which a number that is none becomes null.
        "task": json.loads(task_to_wire(task).model_dump_json()),
        "result_url": f"/api/v1/tasks/{task.id}/result",
    }
