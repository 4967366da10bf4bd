"""What Prometheus reads."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.server import metrics
from mofsim.server.context import context, read
from mofsim.server.openapi import document


@document("system", media_type="text/plain", errors=[503])
async def get_metrics(request: Request) -> Response:
    """Give the metrics of server, queue, tasks, GPUs, webhooks and alerts in the text format of Prometheus.

    With `Accept: application/openmetrics-text` in that format.
    """
    found = [*await read(request, metrics.collect), metrics.disk(context(request).storage.root)]
    body, content_type = metrics.exposition(request.app.state.timings, found, request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})


routes = [Route("/metrics", get_metrics)]
