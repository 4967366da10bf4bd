"""A line in the audit for each request that was to change something: by whom, about what, and what became of it.

It holds neither the key nor the body.
"""

import structlog
from asgi_correlation_id import correlation_id
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mofsim.core import audit
from mofsim.core.keys import Holder
from mofsim.db.tables import Audit
from mofsim.server.access import Endpoint
from mofsim.server.context import Context

log = structlog.get_logger("mofsim.access")

_PREFIX = "/api/v1/"


class Audited:
    """Writes the line before the answer begins, so that whoever has the answer can rely on it."""

    def __init__(self, app: ASGIApp, context: Context, endpoint: Endpoint, holder: Holder | None, address: str) -> None:
        self.app = app
        self.context = context
        self.endpoint = endpoint
        self.holder = holder
        self.address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        written = False

        async def watch(message: Message) -> None:
            nonlocal written
            if message["type"] == "http.response.start":
                written = True
                location = Headers(raw=message["headers"]).get("location") if message["status"] < 300 else None
                await self._write(message["status"], location or _about(scope["path"], self.endpoint[1]))
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            if not written:
                await self._write(500, _about(scope["path"], self.endpoint[1]))
            raise

    async def _write(self, status: int, subject: str) -> None:
        method, route = self.endpoint
        line = Audit(
            key_id=self.holder.key_id if self.holder else None,
            key_name=self.holder.name if self.holder else "",
            address=_printable(self.address)[:100],
            method=method,
            route=route,
            subject=_printable(subject.removeprefix(_PREFIX))[:300],
            status=status,
            request_id=correlation_id.get() or "",
        )
        try:
            await self.context.database.write(audit.append, line)
        except Exception:
            # What was done is done, and the client is to know it.
            log.exception("the audit could not be written", method=method, route=route, status=status)


def _about(path: str, template: str) -> str:
    """The thing that a path names: /api/v1/tasks/7/cancel is about /api/v1/tasks/7."""
    parts = template.split("/")
    last = max((n for n, part in enumerate(parts) if part.startswith("{")), default=len(parts) - 1)
    return "/".join(path.split("/")[: last + 1])


def _printable(text: str) -> str:
    """A name in a path may hold what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)
