"""What each handler says of itself for the description of the API, and where that description is read.

Only who reads it pays for it: the models of all answers take a second to build, see `mofsim.server.description`.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

#: The pages bring all they show; this makes sure that a browser fetches nothing from elsewhere.
OFFLINE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:"
)


@dataclass(frozen=True)
class Document:
    """What a handler's answer's `data` is, its errors, and what it takes."""

    tag: str
    answer: Any = None
    status: int = 200
    #: further statuses of the same answer
    also: Sequence[int] = ()
    errors: Sequence[int] = ()
    #: what it sends instead of JSON, or beside an answer; several with a space between
    media_type: str = ""
    json: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    #: it takes bytes as they are
    takes_bytes: bool = False
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None


#: by handler
documents: dict[Handler, Document] = {}


def document(tag: str, **told: Any) -> Callable[[Handler], Handler]:
    """Describe a handler, in the words of `Document`."""

    def remember(handler: Handler) -> Handler:
        documents[handler] = Document(tag, **told)
        return handler

    return remember


def _built(app: Any) -> Mapping[str, Any]:
    from mofsim.server import description

    return description.of(app)


def _page(name: str) -> str:
    from mofsim.server import description

    return description.page(name)


async def _openapi(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(_built, request.app))


async def _docs(request: Request) -> Response:
    return await _shown("swagger")


async def _redoc(request: Request) -> Response:
    return await _shown("redoc")


async def _shown(page: str) -> Response:
    html = await run_in_threadpool(_page, page)
    return HTMLResponse(html, headers={"Content-Security-Policy": OFFLINE})


routes = [Route("/openapi.json", _openapi), Route("/docs", _docs), Route("/redoc", _redoc)]
