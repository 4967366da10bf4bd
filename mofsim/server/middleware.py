"""Around every request: its id, its line in the log, and who may send it. None of it buffers a stream."""

import ipaddress
import re
import socket
from time import perf_counter
from urllib.parse import urlsplit

import structlog
from asgi_correlation_id import CorrelationIdMiddleware, correlation_id
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from mofsim.server.answers import refusal
from mofsim.server.errors import unexpected
from mofsim.server.gate import Gate, address_of
from mofsim.server.timing import Timed
from mofsim.settings import Settings

log = structlog.get_logger("mofsim.access")

READING = frozenset({"GET", "HEAD", "OPTIONS"})
WILDCARDS = frozenset({"0.0.0.0", "::", ""})


def middleware(settings: Settings) -> list[Middleware]:
    """From the outside in."""
    stack = [
        Middleware(CorrelationIdMiddleware, header_name="X-Request-ID", validator=_is_request_id),
        Middleware(Timed),
        Middleware(AccessLog),
        Middleware(Guard, settings),
        Middleware(Gate, settings),
    ]
    if settings.server.cors_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.server.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Idempotency-Key", "Last-Event-ID", "X-Request-ID"],
            expose_headers=["Location", "Retry-After", "X-Request-ID"],
        )
        stack.insert(1, cors)
    return stack


def _is_request_id(text: str) -> bool:
    return re.fullmatch(r"[\w.:-]{1,100}", text, re.ASCII) is not None


class AccessLog:
    """One line for each request; what nobody caught becomes a 500 and a traceback in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        with bound_contextvars(request_id=correlation_id.get()):
            await self._logged(scope, receive, send)

    async def _logged(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0
        began = perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            log.exception("a request failed", method=scope["method"], path=scope["path"])
            if status:
                # Half an answer is out: only a broken connection says that the rest is missing.
                raise
            await unexpected(error)(scope, receive, watch)
        finally:
            milliseconds = round((perf_counter() - began) * 1000, 1)
            holder = scope.get("holder")
            log.info(
                "request",
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=milliseconds,
                address=address_of(scope),
                key=holder.name if holder else None,
            )


def _route(scope: Scope) -> str:
    """The template of the path, so that lines of one route can be grouped."""
    return str(getattr(scope.get("route"), "path", None) or scope["path"])


class Guard:
    """Keeps other people's web pages out, which a browser on this machine would let in.

    A page can give its own name the address 127.0.0.1 (DNS rebinding): the Host header then has that name. And it
    can send a form without being asked: the Origin header then names the page.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.origins = frozenset(settings.server.cors_origins)
        named = (name.lower() for name in settings.server.names)
        self.names = {"localhost", settings.server.host.lower(), *named} - WILDCARDS
        self.any_address = settings.security.allow_remote
        if self.any_address:
            self.names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            if not self._knows(host):
                return await _foreign_host(host)(scope, receive, send)
            origin = headers.get("origin")
            if scope["method"] not in READING and origin and not self._trusts(origin, host):
                return await _foreign_origin(origin)(scope, receive, send)
        await self.app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.any_address or address.is_loopback

    def _trusts(self, origin: str, host: str) -> bool:
        return origin in self.origins or "*" in self.origins or origin.partition("://")[2] == host


def _foreign_host(host: str) -> ASGIApp:
    detail = (
        f"this server does not answer to the name {host[:100]!r}; use http://127.0.0.1 (through an ssh tunnel from "
        "another machine), or add the name to server.names"
    )
    return refusal(400, "UnknownHost", detail, field="Host")


def _foreign_origin(origin: str) -> ASGIApp:
    detail = f"pages from {origin[:100]} may not change anything here; add it to server.cors_origins if they may"
    return refusal(403, "ForeignOrigin", detail, field="Origin")
