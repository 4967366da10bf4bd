"""Whether those who are told of alerts can be told."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import notifications
from mofsim.core.errors import NotFound
from mofsim.schemas.alerts import AlertNotification
from mofsim.server.answers import answer
from mofsim.server.context import context, write
from mofsim.server.openapi import document
from mofsim.server.requests import asker


@document("alerts", answer=AlertNotification, status=202, errors=[404])
async def test_channel(request: Request) -> Response:
    """Send a test message to a channel, whatever its least level, and not again if that fails.

    It goes the way of all alerts, by the box that does the chores. How it went is told by the notifications of the
    alert that the answer names: it is over from the start, and raises nothing.
    """
    name, channels = request.path_params["name"], context(request).settings.alerts.channels
    if name not in channels:
        there = f"there are {', '.join(channels)}" if channels else "there is none"
        raise NotFound(f"there is no channel {name[:100]!r} in the settings of the server; {there}", field="name")
    row = await write(request, notifications.test, name, asker(request))
    return answer(AlertNotification.model_validate(row), 202)


routes = [Route("/api/v1/alerts/channels/{name}/test", test_channel, methods=["POST"])]
