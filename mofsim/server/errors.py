"""What a handler raises, as an answer: the one place where errors become HTTP."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import sqlalchemy.exc
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from mofsim.core.errors import Conflict, Invalid, MofsimError, NoRoom, NotFound, Unavailable
from mofsim.server.answers import refusal

log = structlog.get_logger("mofsim.server")

STATUS: Mapping[type[MofsimError], int] = {NotFound: 404, Invalid: 422, Conflict: 409, Unavailable: 503, NoRoom: 507}


class Refused(MofsimError):
    """A request that is wrong as HTTP, before it is known what it asks for."""

    def __init__(self, status: int, type: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail, field=field, type=type)
        self.status = status


async def _on_mofsim_error(request: Request, error: MofsimError) -> Response:
    if isinstance(error, Refused):
        status = error.status
    else:
        status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    headers = {"Retry-After": "1"} if status == 503 else None
    return refusal(status, error.type, error.detail, field=error.field, headers=headers)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path[:200]}; /docs shows what there is"
        return refusal(404, "NotFound", detail)
    if error.status_code == 405:
        allowed = ", ".join(sorted(_methods_at(request)))
        detail = f"{request.method} can not be used here, only {allowed}"
        return refusal(405, "MethodNotAllowed", detail, headers={"Allow": allowed})
    kind = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
    return refusal(error.status_code, kind, error.detail, headers=error.headers)


def _methods_at(request: Request) -> set[str]:
    """Starlette names only the methods of the first route that has the path."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in matching for method in route.methods or ()}


async def _on_database_error(request: Request, error: sqlalchemy.exc.SQLAlchemyError) -> Response:
    return database_failed(request.url.path, error)


def database_failed(path: str, error: sqlalchemy.exc.SQLAlchemyError) -> Response:
    log.error("the database failed", path=path, exc_info=error)
    detail = "the database can not be used at the moment; try again, and see the server's log if it stays so"
    return refusal(503, "DatabaseUnavailable", detail, headers={"Retry-After": "1"})


async def _on_disconnect(request: Request, error: ClientDisconnect) -> Response:
    # Nobody is there to read it; it only keeps a traceback out of the log.
    return refusal(400, "ClientDisconnected", "the connection was closed before the request was complete")


def unexpected(error: Exception) -> Response:
    """For what no handler knows; the traceback stands in the log, under the id of the request."""
    detail = "the server failed; its log says more under this request_id"
    return refusal(500, "InternalError", detail)


HANDLERS: Mapping[Any, Any] = {
    MofsimError: _on_mofsim_error,
    HTTPException: _on_http_exception,
    ClientDisconnect: _on_disconnect,
    # The last two are what PostgreSQL's drivers say of a connection that was cut.
    sqlalchemy.exc.OperationalError: _on_database_error,
    sqlalchemy.exc.InternalError: _on_database_error,
    sqlalchemy.exc.InterfaceError: _on_database_error,
    sqlalchemy.exc.TimeoutError: _on_database_error,
}
