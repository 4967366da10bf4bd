"""The potentials that tasks can name."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import models
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import Model
from mofsim.server.answers import answer, whole
from mofsim.server.context import context, read
from mofsim.server.openapi import document


@document("models", answer=Page[Model])
async def list_models(request: Request) -> Response:
    """List the models."""
    return whole(await read(request, models.listing, context(request).defaults.model))


@document("models", answer=Model, errors=[404])
async def get_model(request: Request) -> Response:
    """See one model."""
    name = request.path_params["name"]
    return answer(await read(request, models.describe, name, context(request).defaults.model))


routes = [
    Route("/api/v1/models", list_models),
    Route("/api/v1/models/{name}", get_model),
]
