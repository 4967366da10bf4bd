"""The log of a task: read, or followed while it grows."""

import asyncio
from collections.abc import AsyncIterator

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import queries
from mofsim.core.errors import NotFound
from mofsim.schemas.base import Id
from mofsim.schemas.envelope import Page
from mofsim.schemas.tasks import LogLine
from mofsim.server.answers import whole
from mofsim.server.context import Context, context, read
from mofsim.server.openapi import document
from mofsim.server.requests import path_id, query
from mofsim.server.routes.events import last_event_id
from mofsim.server.subscription import STREAM_GRACE_SECONDS
from mofsim.vocabulary import LogLevel, TaskStatus

PAGE = 200
#: A busy database changes many times a second; lines are gathered for this long.
PAUSE_SECONDS = 0.1


class LogQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: Id = Field(0, description="Only lines that follow this id")
    limit: int = Field(500, ge=1, le=5000)
    newest: bool = Field(False, description="The last `limit` lines instead of the first")
    level: LogLevel = Field(LogLevel.DEBUG, description="Lines of this level and above")
    text: str = Field("", max_length=200, description="Lines with this text, in upper or lower case")


class LogStreamQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: Id = Field(0, description="Only lines that follow this id; the header Last-Event-ID does the same")


@document("tasks", query=LogQuery, answer=Page[LogLine], errors=[404])
async def list_lines(request: Request) -> Response:
    """Read the log of a task, oldest line first."""
    given = query(request, LogQuery)
    lines = await read(request, queries.logs, path_id(request), **given.model_dump())
    return whole(LogLine.model_validate(line) for line in lines)


@document("tasks", query=LogStreamQuery, media_type="text/event-stream", errors=[404])
async def follow_lines(request: Request) -> Response:
    """Follow the log of a task (server-sent events).

    Each `log` event is a line; an `end` event with the status closes the stream when the task has ended.
    """
    task_id, given = path_id(request), query(request, LogStreamQuery)
    await read(request, queries.find, task_id)
    after = last_event_id(request)
    lines = _lines(context(request), task_id, given.after if after is None else after)
    return EventSourceResponse(lines, shutdown_grace_period=STREAM_GRACE_SECONDS)


async def _lines(context: Context, task_id: int, after: int) -> AsyncIterator[bytes]:
    while not context.stream.closed:
        change = context.stream.change
        try:
            status, lines = await context.database.read(_news, task_id, after)
        except NotFound:
            return
        if lines:
            yield b"".join(_encode("log", line.model_dump_json(), line.id) for line in lines)
            after = lines[-1].id
        elif status.is_final:
            yield _encode("end", f'{{"status":"{status}"}}', after)
            return
        else:
            await change.wait()
            await asyncio.sleep(PAUSE_SECONDS)


def _news(session: Session, task_id: int, after: int) -> tuple[TaskStatus, list[LogLine]]:
    status = TaskStatus(queries.find(session, task_id).status)
    lines = queries.logs(session, task_id, after=after, limit=PAGE)
    return status, [LogLine.model_validate(line) for line in lines]


def _encode(event: str, data: str, id: int) -> bytes:
    return ServerSentEvent(data, event=event, id=str(id)).encode()


routes = [
    Route("/api/v1/tasks/{id}/logs", list_lines),
    Route("/api/v1/tasks/{id}/logs/stream", follow_lines),
]
