"""Let a task run again, wait, or go on: retry, hold, release, detach, undo-cancel."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import steering
from mofsim.core.wire import task_to_wire
from mofsim.db.tables import Task as TaskRow
from mofsim.schemas.tasks import Task
from mofsim.server.answers import answer
from mofsim.server.context import context, wake_workers, write
from mofsim.server.openapi import document
from mofsim.server.requests import path_id, query


class RetryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    clean: bool = Field(False, description="Start from the beginning, whatever checkpoint there is")


@document("tasks", query=RetryQuery, answer=Task, status=202, errors=[404, 409])
async def retry_task(request: Request) -> Response:
    """Let a task wait again that ended without a result.

    It goes on from its newest checkpoint, where it has one and `clean` is not asked for.
    """
    given = query(request, RetryQuery)
    return await _steered(request, lambda session, id: steering.retry(session, id, clean=given.clean))


@document("tasks", answer=Task, status=202, errors=[404, 409])
async def undo_cancel(request: Request) -> Response:
    """Take a cancel back, for some seconds after it (scheduler.undo_seconds)."""
    within = context(request).settings.scheduler.undo_seconds
    return await _steered(request, lambda session, id: steering.undo_cancel(session, id, within))


@document("tasks", answer=Task, status=202, errors=[404, 409])
async def hold_task(request: Request) -> Response:
    """Keep a task from running until it is released; one that runs stops, and goes on later where it was."""
    return await _steered(request, steering.hold)


@document("tasks", answer=Task, status=202, errors=[404, 409])
async def release_task(request: Request) -> Response:
    """Let a held task run again."""
    return await _steered(request, steering.release)


@document("tasks", answer=Task, status=202, errors=[404, 409])
async def detach_task(request: Request) -> Response:
    """Let a task that waits for another one's structure start with the structure that was to be optimized."""
    return await _steered(request, steering.detach)


async def _steered(request: Request, change: Callable[[Session, int], TaskRow]) -> Response:
    task = await write(request, change, path_id(request))
    await wake_workers(request, [task])
    return answer(task_to_wire(task), 202)


routes = [
    Route("/api/v1/tasks/{id}/retry", retry_task, methods=["POST"]),
    Route("/api/v1/tasks/{id}/undo-cancel", undo_cancel, methods=["POST"]),
    Route("/api/v1/tasks/{id}/hold", hold_task, methods=["POST"]),
    Route("/api/v1/tasks/{id}/release", release_task, methods=["POST"]),
    Route("/api/v1/tasks/{id}/detach", detach_task, methods=["POST"]),
]
