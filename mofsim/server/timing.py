"""How long requests wait for their answer: a histogram for Prometheus, and the slowest of the last minutes for alerts.

Time counts until the answer begins. A stream of events, or a large file over a slow line, takes as long as its reader.
"""

import asyncio
import math
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mofsim.core import measurements
from mofsim.core.alert_kinds import API_P99
from mofsim.db.engine import AsyncDatabase
from mofsim.settings import Settings

log = structlog.get_logger("mofsim.server")

WINDOW_SECONDS = 300.0
#: the newest so many requests of the window
MOST = 20_000
#: with fewer than these there is no "1 % of the requests"
FEWEST = 20
SHARE = 0.99
#: A value is handed over again after this time, lest it be taken for one of a server that hangs.
REPEAT_SECONDS = 20.0

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# A further series for each, which nothing needs.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Timings:
    """Of one application. All of it happens in the thread of its event loop."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._histogram = Histogram(
            "mofsim_http_request_duration_seconds",
            "Time from a request to the begin of its answer.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._numbers = count()
        #: those that have no answer yet: number → when they began
        self._open: dict[int, float] = {}
        #: (when the answer began, how long it took)
        self._recent: deque[tuple[float, float]] = deque(maxlen=MOST)

    def begin(self) -> int:
        number = next(self._numbers)
        self._open[number] = monotonic()
        return number

    def answered(self, number: int, method: str, route: str, status: int) -> None:
        """The first call for a request counts."""
        began = self._open.pop(number, None)
        if began is None:
            return
        now = monotonic()
        self._recent.append((now, now - began))
        word = method if method in METHODS else "other"
        self._histogram.labels(method=word, route=route, status=str(status)).observe(now - began)

    def p99(self) -> float | None:
        """What 1 % of the requests of the window took at least, in seconds; None where there were only a few.

        One that is still open counts with the time that it has waited so far.
        """
        now = monotonic()
        while self._recent and self._recent[0][0] < now - WINDOW_SECONDS:
            self._recent.popleft()
        took = sorted([seconds for _, seconds in self._recent] + [now - began for began in self._open.values()])
        return took[math.ceil(SHARE * len(took)) - 1] if len(took) >= FEWEST else None


class Timed:
    """Around all that makes an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        timings: Timings = scope["app"].state.timings
        number = timings.begin()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                timings.answered(number, scope["method"], route_of(scope), message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            # A client that went away before there was an answer.
            timings.answered(number, scope["method"], route_of(scope), 499)


def route_of(scope: Scope) -> str:
    """The template of the path; what was asked for in vain is one, lest everybody's typing mistakes be kept."""
    return str(getattr(scope.get("route"), "path", None) or "unmatched")


@asynccontextmanager
async def handing_over(timings: Timings, database: AsyncDatabase, settings: Settings) -> AsyncIterator[None]:
    """Hand over what 1 % of the requests wait for at least, as long as this lasts."""
    subject = f"{socket.gethostname()}:{settings.server.port}"
    task = asyncio.create_task(_hand_over(timings, database, subject, settings.alerts.interval_seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        try:
            await database.write(measurements.take_back, API_P99, subject)
        except Exception:
            log.exception("what was measured could not be taken back")


async def _hand_over(timings: Timings, database: AsyncDatabase, subject: str, every_seconds: float) -> None:
    told: float | None = None
    told_at = 0.0
    while True:
        await asyncio.sleep(every_seconds)
        value = timings.p99()
        if value == told and monotonic() - told_at < REPEAT_SECONDS:
            continue
        try:
            if value is not None:
                await database.write(measurements.hand_over, API_P99, subject, value)
            elif told is not None:
                await database.write(measurements.take_back, API_P99, subject)
        except Exception:
            log.exception("what was measured could not be handed over")
            continue
        told, told_at = value, monotonic()
