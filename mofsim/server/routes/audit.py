"""Who changed what: GET /system/audit."""

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import audit
from mofsim.schemas.base import Id, UtcTime
from mofsim.schemas.envelope import Page
from mofsim.schemas.keys import AuditLine
from mofsim.server.answers import page
from mofsim.server.context import read
from mofsim.server.openapi import document
from mofsim.server.requests import query


class AuditQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: Id | None = Field(None, description="Only what this key did, by its id")
    since: UtcTime | None = Field(None, description="At this time or later")
    subject: str | None = Field(None, max_length=300, description="Only what was about this", examples=["tasks/7"])
    limit: int = Field(100, ge=1, le=500)
    cursor: str | None = Field(None, max_length=1000, description="next_cursor of the page before")


@document("system", query=AuditQuery, answer=Page[AuditLine])
async def list_audit(request: Request) -> Response:
    """List what was changed, or was tried to be, newest first, one page at a time.

    `total` is null when counting would be slow.
    """
    given = query(request, AuditQuery)
    found = await read(
        request, audit.page, given.limit, given.cursor, key=given.key, since=given.since, subject=given.subject
    )
    return page(map(AuditLine.model_validate, found.items), found.next_cursor, found.total)


routes = [Route("/api/v1/system/audit", list_audit)]
