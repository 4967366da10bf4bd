"""What the handlers work with, opened once per process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar, cast

import structlog
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from mofsim.core.reuse import Reuse
from mofsim.core.storage import Storage
from mofsim.core.submission import Defaults
from mofsim.db.engine import AsyncDatabase, Database
from mofsim.db.tables import Task
from mofsim.queue import Tickets
from mofsim.server.keyring import Keyring
from mofsim.server.series import SeriesReader
from mofsim.server.stream import EventStream
from mofsim.settings import Settings
from mofsim.vocabulary import Priority, TaskStatus

log = structlog.get_logger("mofsim.server")

P = ParamSpec("P")
T = TypeVar("T")

#: Structure files that are checked at a time; each check is a process that may use a whole core.
CHECKS_AT_ONCE = 2
#: Reports that are made at a time; each is a process that uses a whole core for seconds.
REPORTS_AT_ONCE = 1


@dataclass
class Context:
    settings: Settings
    database: AsyncDatabase
    storage: Storage
    tickets: Tickets
    stream: EventStream
    keyring: Keyring
    series: SeriesReader = field(default_factory=SeriesReader)
    checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKS_AT_ONCE))
    reports: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REPORTS_AT_ONCE))

    @property
    def blocking_database(self) -> Database:
        """For work that blocks anyway, in a thread."""
        return self.database.blocking

    @property
    def reuse(self) -> Reuse:
        return Reuse(self.storage)

    @property
    def defaults(self) -> Defaults:
        scheduler = self.settings.scheduler
        return Defaults(
            scheduler.default_model,
            scheduler.timeout_seconds,
            scheduler.max_attempts,
            private_callbacks=self.settings.webhooks.allow_private,
        )


@asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[Context]:
    database = AsyncDatabase(settings.database_url, settings.database.busy_timeout_seconds)
    stream = EventStream(database, settings.server.event_poll_seconds, settings.server.event_backlog)
    keyring = Keyring(database)
    tickets = await run_in_threadpool(Tickets, settings)
    try:
        async with stream.following():
            storage = Storage(settings.storage.root)
            yield Context(settings, database, storage, tickets, stream, keyring)
    finally:
        await keyring.close()
        await database.close()


def context(request: Request) -> Context:
    return cast(Context, request.app.state.context)


async def read(
    request: Request, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """A function of the core in a transaction that only reads."""
    return await context(request).database.read(function, *args, **kwargs)


async def write(
    request: Request, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """A function of the core in a transaction that may write."""
    return await context(request).database.write(function, *args, **kwargs)


async def wake_workers(request: Request, tasks: Iterable[Task]) -> None:
    """A ticket for each queued task. Call it after the commit.

    The rows are the truth: were a ticket's failure told to the client, it would take an accepted task for refused. The
    rescuer issues what is missing.
    """
    queued = Counter(task.priority for task in tasks if task.status == TaskStatus.QUEUED)
    for priority, n in queued.items():
        try:
            await run_in_threadpool(context(request).tickets.issue, Priority(priority), n)
        except Exception:
            log.exception("tickets could not be issued; the rescuer will", tickets=n)
