"""Named sets of structures."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import structure_sets
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import StructureIds, StructureSet
from mofsim.server.answers import answer, whole
from mofsim.server.context import read, write
from mofsim.server.openapi import document
from mofsim.server.requests import json_body


@document("structures", answer=Page[StructureSet])
async def list_sets(request: Request) -> Response:
    """List the named sets of structures."""
    return whole(await read(request, structure_sets.listing))


@document("structures", json=StructureIds, answer=StructureSet)
async def put_set(request: Request) -> Response:
    """Make a named set hold exactly these structures."""
    body = await json_body(request, StructureIds)
    name = request.path_params["name"]
    return answer(await write(request, structure_sets.replace, name, body.structure_ids))


@document("structures", answer=None, errors=[404])
async def delete_set(request: Request) -> Response:
    """Forget a named set; its structures stay."""
    name = request.path_params["name"]
    await write(request, structure_sets.forget, name)
    return answer(message=f"the set {name} was forgotten")


routes = [
    Route("/api/v1/structures/sets", list_sets),
    Route("/api/v1/structures/sets/{name}", put_set, methods=["PUT"]),
    Route("/api/v1/structures/sets/{name}", delete_set, methods=["DELETE"]),
]
