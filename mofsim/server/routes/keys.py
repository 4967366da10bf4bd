"""Keys for admins: /keys."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import keys
from mofsim.core.wire import key_to_wire
from mofsim.schemas.envelope import Page
from mofsim.schemas.keys import CreatedKey, Key, NewKey
from mofsim.server.answers import answer, whole
from mofsim.server.context import context, read, write
from mofsim.server.openapi import document
from mofsim.server.requests import json_body, path_id

#: No cache on the way may keep a secret.
_SECRET = {"Cache-Control": "no-store"}


@document("keys", answer=Page[Key])
async def list_keys(request: Request) -> Response:
    """List all keys, newest first, also those that were revoked or have expired."""
    return whole(map(key_to_wire, await read(request, keys.listing)))


@document("keys", json=NewKey, answer=CreatedKey, status=201, errors=[400, 409, 413, 415, 422])
async def create_key(request: Request) -> Response:
    """Make a key. Its text is in this answer and can not be had again."""
    new = await json_body(request, NewKey)
    key, token = await write(request, keys.create, new.name, new.scope, new.expires_at)
    created = CreatedKey(**key_to_wire(key).model_dump(), token=token)
    return answer(created, 201, headers=_SECRET | {"Location": f"/api/v1/keys/{key.id}"})


@document("keys", answer=Key, errors=[404])
async def revoke_key(request: Request) -> Response:
    """Revoke a key. It is not valid from now on, and open streams of it end within seconds."""
    key = await write(request, keys.revoke, path_id(request, "key"))
    context(request).keyring.forget(key.id)
    return answer(key_to_wire(key))


routes = [
    Route("/api/v1/keys", list_keys),
    Route("/api/v1/keys", create_key, methods=["POST"]),
    Route("/api/v1/keys/{id}", revoke_key, methods=["DELETE"]),
]
