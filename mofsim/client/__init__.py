"""The Python client of a mofsim server: `Client`, and `AsyncClient` with the same methods to await.

with Client() as client:
    task = client.submit("optimization", "MOF-5", preset="quick")
    client.wait(task.id)
    print(client.result(task.id).result)
"""

from mofsim.client.aio import AsyncClient
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
