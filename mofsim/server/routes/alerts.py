"""What needs a person: alerts that hold, those that are over, and what people do about them."""

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import alerts, notifications
from mofsim.schemas.alerts import AlertNotification, AlertRemark, AlertSilence
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import Alert
from mofsim.server.answers import answer, whole
from mofsim.server.context import read, write
from mofsim.server.openapi import document
from mofsim.server.requests import asker, json_body, optional_json_body, path_id, query


class HistoryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=1000, description="At most so many")


@document("alerts", answer=Page[Alert])
async def list_active(request: Request) -> Response:
    """List the alerts whose cause is still there, newest first."""
    return whole(map(alerts.wire, await read(request, alerts.active)))


@document("alerts", query=HistoryQuery, answer=Page[Alert])
async def list_history(request: Request) -> Response:
    """List the newest alerts, those that are over too."""
    found = await read(request, alerts.history, query(request, HistoryQuery).limit)
    return whole(map(alerts.wire, found))


@document("alerts", answer=Alert, errors=[404])
async def get_alert(request: Request) -> Response:
    """Get one alert, whether it is over or not."""
    return answer(alerts.wire(await read(request, alerts.find, path_id(request, "alert"))))


@document("alerts", answer=Page[AlertNotification], errors=[404])
async def list_notifications(request: Request) -> Response:
    """See which channels were told or are to be told of an alert, oldest first."""
    found = await read(request, notifications.history, path_id(request, "alert"))
    return whole(AlertNotification.model_validate(row) for row in found)


@document("alerts", json=AlertRemark, answer=Alert, errors=[404, 409, 422])
async def acknowledge(request: Request) -> Response:
    """Say that you look after an alert: its level rises no more. The first key that says so is remembered."""
    remark = await optional_json_body(request, AlertRemark)
    who = path_id(request, "alert"), asker(request)
    return answer(alerts.wire(await write(request, alerts.acknowledge, *who, remark.note)))


@document("alerts", json=AlertRemark, answer=Alert, errors=[404, 409, 422])
async def resolve(request: Request) -> Response:
    """Say that an alert is over.

    Should its cause still be there, it is not raised again before the cause was gone once.
    """
    remark = await optional_json_body(request, AlertRemark)
    who = path_id(request, "alert"), asker(request)
    return answer(alerts.wire(await write(request, alerts.resolve_by_hand, *who, remark.note)))


@document("alerts", json=AlertSilence, answer=Alert, errors=[404, 409, 422])
async def silence(request: Request) -> Response:
    """Tell no channel of an alert for a time; 0 seconds end that. The alert is still there."""
    wanted = await json_body(request, AlertSilence)
    given = wanted.seconds, asker(request), wanted.note
    return answer(alerts.wire(await write(request, alerts.silence, path_id(request, "alert"), *given)))


routes = [
    Route("/api/v1/alerts/active", list_active),
    Route("/api/v1/alerts/history", list_history),
    Route("/api/v1/alerts/{id}", get_alert),
    Route("/api/v1/alerts/{id}/notifications", list_notifications),
    Route("/api/v1/alerts/{id}/ack", acknowledge, methods=["POST"]),
    Route("/api/v1/alerts/{id}/resolve", resolve, methods=["POST"]),
    Route("/api/v1/alerts/{id}/silence", silence, methods=["POST"]),
]
