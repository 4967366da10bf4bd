"""The potentials that tasks can name."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import models
from mofsim.core.workers import Wish
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import Model, ModelDetail, ModelPlace, Worker
from mofsim.server.answers import answer, whole
from mofsim.server.context import Context, context, read, write
from mofsim.server.openapi import document
from mofsim.server.requests import optional_json_body


@document("models", answer=Page[Model])
async def list_models(request: Request) -> Response:
    """List the models."""
    return whole(await read(request, models.listing, context(request).defaults.model))


@document("models", answer=ModelDetail, errors=[404])
async def get_model(request: Request) -> Response:
    """See one model: what it is, where it is loaded, what it needs."""
    return answer(await run_in_threadpool(_described, context(request), request.path_params["name"]))


def _described(context: Context, name: str) -> ModelDetail:
    """In a thread: weights are hashed when they are asked for the first time."""
    with context.blocking_database.read() as session:
        return models.describe(session, name, context.defaults.model, context.storage.root)


@document("models", answer=Page[Worker], status=202, json=ModelPlace, errors=[404, 409, 422])
async def load_model(request: Request) -> Response:
    """Load a model ahead of its tasks. The body may be left out.

    A worker does it between two tasks; `model_wishes` of the worker has it until then. What it could not load, its
    `note` tells.
    """
    return await _wish(request, "load")


@document("models", answer=Page[Worker], status=202, json=ModelPlace, errors=[404, 409, 422])
async def unload_model(request: Request) -> Response:
    """Give back the memory of a model. The body may be left out."""
    return await _wish(request, "unload")


async def _wish(request: Request, wanted: Wish) -> Response:
    place = await optional_json_body(request, ModelPlace)
    asked = await write(request, models.wish, request.path_params["name"], wanted, place.worker)
    return answer(Page[Worker](items=[Worker.model_validate(each) for each in asked], total=len(asked)), 202)


routes = [
    Route("/api/v1/models", list_models),
    Route("/api/v1/models/{name}", get_model),
    Route("/api/v1/models/{name}/load", load_model, methods=["POST"]),
    Route("/api/v1/models/{name}/unload", unload_model, methods=["POST"]),
]
