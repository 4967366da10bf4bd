"""Webhooks of a task: what its receiver was told, and telling it once more."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import webhooks
from mofsim.schemas.envelope import Page
from mofsim.schemas.webhooks import Delivery
from mofsim.server.answers import answer, whole
from mofsim.server.context import read, write
from mofsim.server.openapi import document
from mofsim.server.requests import path_id


@document("webhooks", answer=Page[Delivery], errors=[404])
async def list_deliveries(request: Request) -> Response:
    """See what the receiver of a task was told or is to be told, oldest first."""
    found = await read(request, webhooks.history, path_id(request))
    return whole(Delivery.model_validate(delivery) for delivery in found)


@document("webhooks", answer=Delivery, status=202, errors=[404, 409])
async def redeliver(request: Request) -> Response:
    """Send a delivery once more, or now instead of later.

    It keeps its id and gets all its tries anew. 409 while it is being sent.
    """
    delivery = await write(request, webhooks.redeliver, path_id(request, "delivery"))
    return answer(Delivery.model_validate(delivery), 202)


routes = [
    Route("/api/v1/tasks/{id}/deliveries", list_deliveries),
    Route("/api/v1/deliveries/{id}/redeliver", redeliver, methods=["POST"]),
]
