"""The potentials that tasks can name."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import models
from mofsim.core.weights import weights_sha256
from mofsim.db.tables import Model as ModelRow
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import Model
from mofsim.server.answers import answer, whole
from mofsim.server.context import Context, context, read
from mofsim.server.openapi import document


@document("models", answer=Page[Model])
async def list_models(request: Request) -> Response:
    """List the models."""
    return whole(await read(request, models.listing, context(request).defaults.model))


@document("models", answer=Model, errors=[404])
async def get_model(request: Request) -> Response:
    """See one model."""
    return answer(await run_in_threadpool(_described, context(request), request.path_params["name"]))


def _described(context: Context, name: str) -> Model:
    """In a thread: weights are hashed when they are asked for the first time."""
    with context.blocking_database.read() as session:
        found = models.describe(session, name, context.defaults.model)
        weights = weights_sha256(session.get_one(ModelRow, name))
    return found.model_copy(update={"weights_sha256": weights})


routes = [
    Route("/api/v1/models", list_models),
    Route("/api/v1/models/{name}", get_model),
]
