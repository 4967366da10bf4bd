"""What needs a person: alerts that hold, and those that are over."""

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import alerts
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import Alert
from mofsim.server.answers import whole
from mofsim.server.context import read
from mofsim.server.openapi import document
from mofsim.server.requests import query


class HistoryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=1000, description="At most so many")


@document("alerts", answer=Page[Alert])
async def list_active(request: Request) -> Response:
    """List the alerts whose cause is still there, newest first."""
    return whole(Alert.model_validate(alert) for alert in await read(request, alerts.active))


@document("alerts", query=HistoryQuery, answer=Page[Alert])
async def list_history(request: Request) -> Response:
    """List the newest alerts, those that are over too."""
    found = await read(request, alerts.history, query(request, HistoryQuery).limit)
    return whole(Alert.model_validate(alert) for alert in found)


routes = [
    Route("/api/v1/alerts/active", list_active),
    Route("/api/v1/alerts/history", list_history),
]
