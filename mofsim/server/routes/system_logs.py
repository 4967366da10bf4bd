"""The logs of mofsim's processes: looked through, or followed while they grow."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim import logs
from mofsim.core.errors import Invalid
from mofsim.schemas.base import Id
from mofsim.schemas.envelope import Page
from mofsim.schemas.logs import SystemLogLine
from mofsim.server.answers import page
from mofsim.server.context import context
from mofsim.server.openapi import document
from mofsim.server.requests import query
from mofsim.server.subscription import STREAM_GRACE_SECONDS
from mofsim.vocabulary import LogLevel

FOLLOW_SECONDS = 0.5


class FollowQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: LogLevel = Field(LogLevel.DEBUG, description="Lines of this level and above")
    text: str = Field("", max_length=200, description="Lines with this text anywhere, in upper or lower case")
    logger: str = Field("", max_length=100, description="Lines of this logger and those below it")
    process: str = Field("", max_length=100, description="Lines of this process")
    task: Id | None = Field(None, description="Lines about this task")


class SearchQuery(FollowQuery):
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(200, ge=1, le=2000)
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")


@document("system", query=SearchQuery, answer=Page[SystemLogLine])
async def search_logs(request: Request) -> Response:
    """Look through the logs of all processes of this machine, newest line first.

    A search that finds little stops after 32 MB: then a page has fewer lines, or none, and a `next_cursor`.
    """
    given = query(request, SearchQuery)
    place = _place(given.cursor) if given.cursor else None
    folder = context(request).storage.logs
    found = await run_in_threadpool(logs.search, folder, _wanted(given), given.limit, place)
    return page((_wire(line) for line in found.lines), _cursor(found.next) if found.next else None)


@document("system", query=FollowQuery, media_type="text/event-stream")
async def follow_logs(request: Request) -> Response:
    """Follow the logs of all processes of this machine (server-sent events): each `log` event is a line."""
    given = query(request, FollowQuery)
    follower = await run_in_threadpool(logs.Follower, context(request).storage.logs, _wanted(given))
    return EventSourceResponse(_lines(request, follower), shutdown_grace_period=STREAM_GRACE_SECONDS)


async def _lines(request: Request, follower: logs.Follower) -> AsyncIterator[bytes]:
    stream = context(request).stream
    with closing(follower):
        while not stream.closed:
            lines = await run_in_threadpool(follower.news)
            if lines:
                yield b"".join(ServerSentEvent(_wire(line).model_dump_json(), event="log").encode() for line in lines)
            await asyncio.sleep(FOLLOW_SECONDS)


def _wanted(given: FollowQuery) -> logs.Wanted:
    since, until = (given.since, given.until) if isinstance(given, SearchQuery) else (None, None)
    return logs.Wanted(given.level, given.text, given.logger, given.process, given.task, since, until)


def _wire(line: dict[str, object]) -> SystemLogLine:
    return SystemLogLine.model_validate(line)


def _cursor(place: logs.Place) -> str:
    content = json.dumps([place.time.isoformat(), place.seen]).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _place(cursor: str) -> logs.Place:
    try:
        time, seen = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = logs.Place(datetime.fromisoformat(time), int(seen))
        if place.time.tzinfo is not None:
            return place
    except (ValueError, TypeError, OverflowError):
        pass
    raise Invalid("the cursor does not belong to this list; take next_cursor of its last page", field="cursor")


routes = [
    Route("/api/v1/system/logs", search_logs),
    Route("/api/v1/system/logs/stream", follow_logs),
]
