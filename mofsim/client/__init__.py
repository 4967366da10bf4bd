"""The Python client of a mofsim server: `Client`, and `AsyncClient` with the same methods to await.

with Client() as client:
    task = client.submit("optimization", "MOF-5", preset="quick")
    client.wait(task.id)
    print(client.result(task.id).result)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mofsim.client.errors import (
    ApiError,
    ClientError,
    Conflict,
    Forbidden,
    Invalid,
    KeyRefused,
    NotFound,
    ServerError,
    ServerUnreachable,
    Unavailable,
)

if TYPE_CHECKING:
    from mofsim.client.aio import AsyncClient
    from mofsim.client.requests import batch_item
    from mofsim.client.sync import Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ClientError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "KeyRefused",
    "NotFound",
    "ServerError",
    "ServerUnreachable",
    "Unavailable",
    "batch_item",
]

#: Imported when somebody asks for them: a program needs one of the two clients, and an address needs none.
_WHERE = {"AsyncClient": "aio", "Client": "sync", "batch_item": "requests"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = found
    return found
