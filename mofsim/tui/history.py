"""What happened to a task, and by whom: its attempts, its states with their times, what its receiver was told.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.style import Style

from mofsim.tui import format
from mofsim.tui.looks import BAD, DIM, GOOD, PLAIN, WARN
from mofsim.tui.sheet import Entry, block
from mofsim.tui.summary import moment
from mofsim.vocabulary import AttemptOutcome, DeliveryState, EventType, StopReason, TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.events import Event
    from mofsim.schemas.keys import AuditLine
    from mofsim.schemas.tasks import Attempt, Task
    from mofsim.schemas.webhooks import Delivery

_BECAME: Final = {
    TaskStatus.PENDING: "waits",
    TaskStatus.QUEUED: "queued",
    TaskStatus.ASSIGNED: "taken",
    TaskStatus.RUNNING: "running: the model is loaded",
    TaskStatus.COMPLETED: "completed",
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELLED: "cancelled",
    TaskStatus.TIMEOUT: "ended by its time limit",
}
_STYLES: Final = {
    TaskStatus.COMPLETED: GOOD,
    TaskStatus.FAILED: BAD,
    TaskStatus.TIMEOUT: BAD,
    TaskStatus.CANCELLED: DIM,
}
#: What a request did, by the end of its route.
_DID: Final = {
    "cancel": "cancelled it",
    "undo-cancel": "took the cancel back",
    "retry": "queued it again",
    "priority": "changed its priority",
    "hold": "held it back",
    "release": "released it",
    "detach": "cut it off from the task that it waited for",
}


@dataclass(frozen=True)
class Past:
    """What the server tells of a task's past; None where it did not (yet), or does not tell this key."""

    attempts: Sequence[Attempt]
    events: Sequence[Event] | None = None
    told: Sequence[Delivery] | None = None
    #: for admins only
    audit: Sequence[AuditLine] | None = None


@dataclass(frozen=True)
class Moment:
    time: datetime
    text: str
    style: Style = PLAIN


def entries(task: Task, past: Past | None, now: datetime) -> list[Entry]:
    if past is None:
        return [Entry(value="reading")]
    return [
        *block("attempts", _attempts(task, past.attempts, now)),
        *block("what happened", _timeline(task, past, now)),
        *block("webhook", (_delivery(delivery, now) for delivery in past.told or ())),
    ]


def _attempts(task: Task, attempts: Sequence[Attempt], now: datetime) -> Iterator[Entry]:
    if not attempts and task.reused_from is not None:
        yield Entry(value=f"Not computed: task {task.reused_from} had the same result already.")
    elif not attempts:
        yield Entry(value="No worker has taken it yet.")
    for attempt in attempts:
        where = attempt.worker_id + (f" ({attempt.gpu_id})" if attempt.gpu_id else "")
        style = {AttemptOutcome.COMPLETED: GOOD, None: PLAIN}.get(attempt.outcome, WARN)
        outcome = str(attempt.outcome).lower() if attempt.outcome else "under way"
        yield Entry(
            f"attempt {attempt.attempt}", f"{outcome}, {format.grouped(attempt.steps)} steps, on {where}", style
        )
        yield Entry("  taken", moment(attempt.assigned_at, now))
        if attempt.started_at:
            loading = (attempt.started_at - attempt.assigned_at).total_seconds()
            yield Entry("  started", f"{moment(attempt.started_at, now)}   after {loading:.1f} s of loading")
        if attempt.resumed_from_step is not None:
            yield Entry("  resumed", f"from the checkpoint at step {format.grouped(attempt.resumed_from_step)}")
        if attempt.ended_at:
            ran = (attempt.ended_at - (attempt.started_at or attempt.assigned_at)).total_seconds()
            yield Entry("  ended", f"{moment(attempt.ended_at, now)}   after {format.clock(ran)}")
        if attempt.reason:
            yield Entry("  because", attempt.reason, style)


def _timeline(task: Task, past: Past, now: datetime) -> Iterator[Entry]:
    moments = [*(_of_events(past.events) if past.events else _of_task(task)), *_of_audit(past.audit or ())]
    for each in sorted(moments, key=lambda each: each.time):
        yield Entry(moment(each.time, now), each.text, each.style)


def _of_task(task: Task) -> Iterator[Moment]:
    """Where the events were trimmed already: what the task itself knows."""
    yield Moment(task.created_at, "submitted")
    if task.queued_at and task.queued_at != task.created_at:
        yield Moment(task.queued_at, _BECAME[TaskStatus.QUEUED])
    if task.started_at:
        yield Moment(task.started_at, _BECAME[TaskStatus.RUNNING])
    if task.completed_at:
        yield Moment(task.completed_at, _ended(task), _STYLES.get(task.status, PLAIN))


def _of_events(events: Sequence[Event]) -> Iterator[Moment]:
    """What each event changed in the task, by the task that the one before it carried."""
    from pydantic import ValidationError

    from mofsim.schemas.tasks import Task

    before: Task | None = None
    for event in events:
        if "task" not in event.data:
            continue
        try:
            task = Task.model_validate(event.data["task"])
        except ValidationError:
            # Kept from before an upgrade, when a task had less to tell.
            continue
        if event.type == EventType.TASK_CREATED:
            yield Moment(event.time, f"submitted, {task.priority.name.lower()} priority")
        queued_at_once = event.type == EventType.TASK_CREATED and task.status is TaskStatus.QUEUED
        if (before is None or before.status is not task.status) and not queued_at_once:
            yield Moment(event.time, _became(task), _STYLES.get(task.status, PLAIN))
        if before is not None:
            yield from (Moment(event.time, text, style) for text, style in _changes(before, task))
        before = task


def _became(task: Task) -> str:
    if task.status.is_final:
        return _ended(task)
    if task.status is TaskStatus.ASSIGNED:
        return f"taken by {task.worker_id}, attempt {task.attempt}"
    if task.status.is_waiting:
        why = format.waits_for(task)
        return _BECAME[task.status] + (f": {why}" if why else "")
    return _BECAME[task.status]


def _ended(task: Task) -> str:
    return _BECAME[task.status] + (f": {task.error.message or task.error.type}" if task.error else "")


def _changes(before: Task, task: Task) -> Iterator[tuple[str, Style]]:
    if before.priority is not task.priority:
        yield f"priority {before.priority.name.lower()}, now {task.priority.name.lower()}", PLAIN
    if task.stop_requested and not before.stop_requested:
        why = {StopReason.CANCELLED: "to cancel it", StopReason.TIMEOUT: "its time is over"}
        yield f"asked to stop after the current step: {why.get(task.stop_requested, str(task.stop_requested))}", WARN
    elif before.stop_requested and not task.stop_requested and task.status.is_active:
        yield "goes on: the cancel was taken back", PLAIN
    if task.held is not before.held:
        yield ("held back" if task.held else "released"), PLAIN
    if before.awaits_parent and not task.awaits_parent:
        yield f"has the structure of task {task.parent_id}" if task.parent_id else "waits for no task any more", PLAIN


def _of_audit(lines: Iterable[AuditLine]) -> Iterator[Moment]:
    for line in lines:
        did = "deleted it" if line.method == "DELETE" else _DID.get(line.route.rpartition("/")[2], "submitted it")
        who = line.key_name or "somebody"
        refused = f", which was refused ({line.status})" if line.status >= 400 else ""
        yield Moment(line.time, f"by {who} from {line.address}: {did}{refused}", DIM)


def _delivery(delivery: Delivery, now: datetime) -> Entry:
    at = delivery.delivered_at or delivery.last_attempt_at or delivery.created_at
    tries = f"{delivery.attempts} tries" if delivery.attempts != 1 else "1 try"
    if delivery.state is DeliveryState.DELIVERED:
        return Entry(moment(at, now), f"told of {delivery.event} after {tries}", GOOD)
    why = f": {delivery.last_error}" if delivery.last_error else ""
    word = "given up" if delivery.state is DeliveryState.GIVEN_UP else "not told yet"
    return Entry(moment(at, now), f"{word} of {delivery.event} after {tries}{why}", WARN)
