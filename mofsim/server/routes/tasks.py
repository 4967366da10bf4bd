"""Tasks: find them, see one, change what can be changed."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import events, explain, queries, steering
from mofsim.core.listing import TaskFilter
from mofsim.core.wire import task_to_wire
from mofsim.schemas.base import Id, UtcTime
from mofsim.schemas.envelope import Page
from mofsim.schemas.events import Event
from mofsim.schemas.tasks import Attempt, Explanation, PriorityChange, Task
from mofsim.server.answers import answer, page, whole
from mofsim.server.context import context, read, write
from mofsim.server.openapi import document
from mofsim.server.requests import json_body, path_id, query
from mofsim.vocabulary import TaskStatus, TaskType

#: Of one task: more than a person reads.
MOST_EVENTS = 500


def _split(values: Any) -> Any:
    """`a,b` and repeated names alike."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _split_upper(values: Any) -> Any:
    return [part.upper() for part in _split(values)]


class TaskQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Annotated[list[TaskStatus], BeforeValidator(_split_upper)] = Field([], description="Any of these")
    task_type: Annotated[list[TaskType], BeforeValidator(_split)] = Field([], description="Any of these")
    model: Annotated[list[str], BeforeValidator(_split)] = Field([], description="Any of these")
    structure: str | None = Field(None, max_length=200, description="Name or id of the structure")
    batch: Id | None = Field(None, description="Id of the batch")
    text: str | None = Field(None, max_length=200, description="Words that name, model, type or id contain")
    since: UtcTime | None = Field(None, description="Created at this time or later")
    sort: str = Field("-id", description="id, priority, status, model or task_type; a - in front reverses")
    limit: int = Field(100, ge=1, le=500)
    cursor: str | None = Field(None, max_length=1000, description="next_cursor of the page before")

    def filter(self) -> TaskFilter:
        return TaskFilter(**self.model_dump(exclude={"limit", "cursor"}))


@document("tasks", query=TaskQuery, answer=Page[Task])
async def list_tasks(request: Request) -> Response:
    """Find tasks, one page at a time.

    All conditions must hold. `total` is null when counting would be slow.
    """
    given = query(request, TaskQuery)
    found = await read(request, queries.page, given.filter(), given.limit, given.cursor)
    return page(map(task_to_wire, found.items), found.next_cursor, found.total)


@document("tasks", answer=Task, errors=[404])
async def get_task(request: Request) -> Response:
    """See one task."""
    return answer(task_to_wire(await read(request, queries.find, path_id(request))))


@document("tasks", answer=None, errors=[404, 409])
async def delete_task(request: Request) -> Response:
    """Forget a task that has ended, with its files."""
    task_id = path_id(request)
    await write(request, steering.remove, task_id)
    await run_in_threadpool(context(request).storage.forget_task, task_id)
    return answer(message=f"task {task_id} was deleted")


@document("tasks", answer=Task, errors=[404, 409])
async def cancel_task(request: Request) -> Response:
    """Cancel a task.

    A waiting task ends at once. A running one is asked to (`stop_requested`) and ends between two steps; what it
    reached until then is kept.
    """
    return answer(task_to_wire(await write(request, steering.request_cancel, path_id(request))))


@document("tasks", json=PriorityChange, answer=Task, errors=[404, 409])
async def change_priority(request: Request) -> Response:
    """Let a waiting task run earlier or later."""
    change = await json_body(request, PriorityChange)
    task = await write(request, steering.change_priority, path_id(request), change.priority)
    return answer(task_to_wire(task))


@document("tasks", answer=Explanation, errors=[404])
async def explain_task(request: Request) -> Response:
    """Say why a task is where it is."""
    return answer(await read(request, explain.explain, path_id(request)))


@document("tasks", answer=Page[Attempt], errors=[404])
async def list_attempts(request: Request) -> Response:
    """See each try of a task: where it ran and how it ended."""
    found = await read(request, queries.attempts, path_id(request))
    return whole(Attempt.model_validate(attempt) for attempt in found)


@document("tasks", answer=Page[Event], errors=[404])
async def list_task_events(request: Request) -> Response:
    """See what happened to a task, oldest first: its states and what was changed of it, with their times.

    Its progress is not among them, and old events are forgotten (scheduler.events_keep_hours); `data.task` is the task
    as it was then.
    """
    task_id = path_id(request)
    await read(request, queries.find, task_id)
    return whole(await read(request, events.of_task, task_id, MOST_EVENTS))


routes = [
    Route("/api/v1/tasks", list_tasks),
    Route("/api/v1/tasks/{id}", get_task),
    Route("/api/v1/tasks/{id}", delete_task, methods=["DELETE"]),
    Route("/api/v1/tasks/{id}/cancel", cancel_task, methods=["POST"]),
    Route("/api/v1/tasks/{id}/priority", change_priority, methods=["POST"]),
    Route("/api/v1/tasks/{id}/explain", explain_task),
    Route("/api/v1/tasks/{id}/attempts", list_attempts),
    Route("/api/v1/tasks/{id}/events", list_task_events),
]
