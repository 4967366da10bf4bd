"""What the receiver must have been told: all that happened, signed, in order, at least once."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import webhooks
from mofsim.db.engine import Database
from mofsim.db.tables import Event, Task, WebhookDelivery
from mofsim.vocabulary import DeliveryState, EventType, TaskStatus, WebhookEvent
from mofsim.worker.posting import sign
from tests.worker.receiver import Received

from .listener import SECRET, Listener
from .proof import Findings

#: a webhook event and the attempt that it tells of
Told = tuple[str, int]


def examine_deliveries(findings: Findings, database: Database, listener: Listener) -> None:
    for received in listener.received:
        findings.check(_is_genuine(received), f"delivery {received.delivery} has a wrong signature")
    with database.read() as session:
        deliveries = _by_task(session)
        happened = _happened(session)
        tasks = list(session.scalars(select(Task).where(Task.callback_url.is_not(None)).order_by(Task.id)))
    findings.check(set(deliveries) <= {task.id for task in tasks}, "a task without a receiver has deliveries")
    received_of = _in_order(listener.accepted)
    for task in tasks:
        rows = deliveries[task.id]
        _check_outbox(findings, task, rows, happened[task.id])
        _check_received(findings, task, rows, received_of[task.id])
    findings.counts["tasks with a receiver"] = len(tasks)
    findings.counts["deliveries"] = sum(map(len, deliveries.values()))
    findings.counts["deliveries tried again"] = sum(row.attempts > 1 for rows in deliveries.values() for row in rows)
    findings.counts["deliveries received"] = len(listener.received)
    findings.counts["deliveries accepted"] = len(listener.accepted)


def _is_genuine(received: Received) -> bool:
    expected = sign(SECRET, received.headers["X-MOFSim-Timestamp"], received.body)
    return received.headers.get("X-MOFSim-Signature") == expected


def _by_task(session: Session) -> dict[int, list[WebhookDelivery]]:
    found: dict[int, list[WebhookDelivery]] = defaultdict(list)
    for row in session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)):
        found[row.task_id].append(row)
    return found


def _happened(session: Session) -> dict[int, list[Told]]:
    """Of each task, what a receiver that wants to know everything but progress is to be told."""
    found: dict[int, list[Told]] = defaultdict(list)
    changes = select(Event).where(Event.type == EventType.TASK_STATUS).order_by(Event.id)
    for event in session.scalars(changes):
        assert event.task_id is not None
        task = event.data["task"]
        if told := webhooks.EVENTS.get(TaskStatus(task["status"])):
            found[event.task_id].append((told, task["attempt"]))
    return found


def _in_order(accepted: Iterable[Received]) -> dict[int, list[int]]:
    """Of each task, the ids of its deliveries as they came for the first time."""
    found: dict[int, list[int]] = defaultdict(list)
    for received in accepted:
        ids = found[received.data["task"]["id"]]
        if int(received.delivery) not in ids:
            ids.append(int(received.delivery))
    return found


def _check_outbox(findings: Findings, task: Task, rows: list[WebhookDelivery], happened: list[Told]) -> None:
    wanted: Collection[str] = task.callback_events or list(WebhookEvent)
    expected = [told for told in happened if told[0] in wanted]
    written = [(row.event, row.payload["task"]["attempt"]) for row in rows if row.event != WebhookEvent.TASK_PROGRESS]
    findings.check(written == expected, f"task {task.id}: its outbox has {written}, not {expected}")
    unwanted = {row.event for row in rows} - set(wanted)
    findings.check(not unwanted, f"task {task.id}: its receiver did not ask for {sorted(unwanted)}")
    for row in rows:
        how = f"{row.state} after {row.attempts} tries: {row.last_error}"
        findings.check(row.state is DeliveryState.DELIVERED, f"task {task.id}: delivery {row.id} is {how}")


def _check_received(findings: Findings, task: Task, rows: list[WebhookDelivery], received: list[int]) -> None:
    """A progress that made way for a newer one may have been received, too."""
    known = {row.id for row in rows}
    missing = known - set(received)
    findings.check(not missing, f"task {task.id}: deliveries {sorted(missing)} never came")
    findings.check(received == sorted(received), f"task {task.id}: its deliveries came in the order {received}")
