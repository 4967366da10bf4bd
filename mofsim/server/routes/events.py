"""What happens, as it happens: GET /events."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core.errors import Invalid
from mofsim.schemas.base import Id
from mofsim.server.context import context
from mofsim.server.openapi import document
from mofsim.server.requests import MAX_DIGITS, query
from mofsim.server.subscription import STREAM_GRACE_SECONDS, Message

PING_SECONDS = 15


class EventQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    last_event_id: Id | None = Field(None, description="Go on after this event, for who can not set Last-Event-ID")
    task: Id | None = Field(None, description="Only events of this task")


class EventHeaders(BaseModel):
    last_event_id: Id | None = Field(None, alias="Last-Event-ID", description="Go on after this event")


@document("events", query=EventQuery, headers=EventHeaders, media_type="text/event-stream")
async def stream_events(request: Request) -> Response:
    """Follow what happens (server-sent events).

    Each has the id of the event, its type as name, and {id, time, type, task_id, data} as data. Without a last event
    id it starts now. A `reset` event says that events are missing: read what you show again.
    """
    given = query(request, EventQuery)
    since = last_event_id(request)
    since = given.last_event_id if since is None else since
    batches = await context(request).stream.open(since, given.task)
    return EventSourceResponse(_texts(batches), ping=PING_SECONDS, shutdown_grace_period=STREAM_GRACE_SECONDS)


def last_event_id(request: Request) -> int | None:
    """The header that a client sends when it connects again."""
    text = request.headers.get("last-event-id")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise Invalid("must be the id of an event, a whole number", field="Last-Event-ID", type="ValidationError")
    return int(text)


async def _texts(batches: AsyncGenerator[list[Message]]) -> AsyncIterator[bytes]:
    async with aclosing(batches):
        async for batch in batches:
            if batch:
                yield b"".join(message.text for message in batch)


routes = [Route("/api/v1/events", stream_events)]
