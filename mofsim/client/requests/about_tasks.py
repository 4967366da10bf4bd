"""What there is to read about tasks, and the deliveries to their receivers."""

from collections.abc import Sequence
from datetime import datetime

from mofsim.client.request import API, Request, get
from mofsim.client.requests.answers import _list_of
from mofsim.schemas.envelope import Page
from mofsim.schemas.events import Event
from mofsim.schemas.tasks import (
    Attempt,
    Explanation,
    LogLine,
    OutputFile,
    SeriesColumns,
    Task,
    TaskGeometry,
    TaskResult,
)
from mofsim.schemas.webhooks import Delivery
from mofsim.vocabulary import Frame, LogLevel, TaskStatus, TaskType


def tasks(
    status: Sequence[TaskStatus | str] = (),
    task_type: Sequence[TaskType | str] = (),
    model: Sequence[str] = (),
    structure: str | None = None,
    batch: int | None = None,
    text: str | None = None,
    since: datetime | None = None,
    sort: str = "-id",
    limit: int = 100,
    cursor: str | None = None,
) -> Request[Page[Task]]:
    """One page of the tasks that fit all of these; `cursor` is `next_cursor` of the page before."""
    query = {
        "status": tuple(status),
        "task_type": tuple(task_type),
        "model": tuple(model),
        "structure": structure,
        "batch": batch,
        "text": text,
        "since": since.isoformat() if since else None,
        "sort": sort,
        "limit": limit,
        "cursor": cursor,
    }
    return get("/tasks", Page[Task].model_validate, query)


def task(id: int) -> Request[Task]:
    return get(f"/tasks/{id}", Task.model_validate)


def result(id: int) -> Request[TaskResult]:
    return get(f"/tasks/{id}/result", TaskResult.model_validate)


def series(id: int, points: int = 500, attempt: int | None = None) -> Request[SeriesColumns]:
    """The values of each step, thinned out to about `points` of them."""
    return get(f"/tasks/{id}/series", SeriesColumns.model_validate, {"points": points, "attempt": attempt})


def task_geometry(id: int, frame: Frame | str = Frame.LATEST) -> Request[TaskGeometry]:
    """Where the atoms of a task are: as far as it came, also while it runs, or as they were submitted (initial)."""
    return get(f"/tasks/{id}/geometry", TaskGeometry.model_validate, {"frame": str(frame)})


def logs(
    id: int, after: int = 0, limit: int = 500, newest: bool = False, level: LogLevel | str = "", text: str = ""
) -> Request[list[LogLine]]:
    """Log lines that follow line `after`, oldest first; with `newest` the last `limit` of them.

    Only those of `level` and above that hold `text`.
    """
    query = {"after": after, "limit": limit, "newest": "true" if newest else None, "level": str(level), "text": text}
    return get(f"/tasks/{id}/logs", _list_of(LogLine), query)


def attempts(id: int) -> Request[list[Attempt]]:
    return get(f"/tasks/{id}/attempts", _list_of(Attempt))


def task_events(id: int) -> Request[list[Event]]:
    """What happened to a task, oldest first, without its progress; old events are forgotten."""
    return get(f"/tasks/{id}/events", _list_of(Event))


def files(id: int) -> Request[list[OutputFile]]:
    return get(f"/tasks/{id}/files", _list_of(OutputFile))


def deliveries(id: int) -> Request[list[Delivery]]:
    """What the receiver of a task was told or is to be told, oldest first."""
    return get(f"/tasks/{id}/deliveries", _list_of(Delivery))


def redeliver(delivery_id: int) -> Request[Delivery]:
    """Send a delivery once more, or now instead of later."""
    return Request("POST", f"{API}/deliveries/{delivery_id}/redeliver", Delivery.model_validate)


def explain(id: int) -> Request[Explanation]:
    """Why the task is where it is."""
    return get(f"/tasks/{id}/explain", Explanation.model_validate)
