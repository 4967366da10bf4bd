"""Engines and sessions: how transactions of SQLite and PostgreSQL begin is in the modules of these names."""

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import CursorResult, UpdateBase, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from mofsim.db import postgresql, sqlite

P = ParamSpec("P")
T = TypeVar("T")

#: Reads that are under way at a time. Python runs one thread at a time: more would only keep the event loop waiting.
READERS = 4


def to_json(value: Any) -> str:
    """As JSON has it: NaN and infinities, which a simulation that fell apart may give, are null.

    PostgreSQL takes no others, and the API says null of them too.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


COMMON: dict[str, Any] = {
    # An error would else quote the row that could not be written, with the secret of its webhook, into a log.
    "hide_parameters": True,
    "json_serializer": to_json,
}


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def n_changed(session: Session, statement: UpdateBase) -> int:
    """How many rows an UPDATE or DELETE found."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


class Database:
    """Synchronous sessions, for worker processes and commands."""

    def __init__(self, url: str, busy_timeout_seconds: float = 30) -> None:
        parsed = make_url(url)
        self.url = parsed
        if _is_sqlite(parsed):
            self.writer = create_engine(parsed, pool_size=1, max_overflow=0, **COMMON)
            self.reader = create_engine(parsed, **COMMON)
            sqlite.prepare(self.writer, busy_timeout_seconds, writes=True)
            sqlite.prepare(self.reader, busy_timeout_seconds, writes=False)
        else:
            parsed = parsed.set(drivername="postgresql+psycopg")
            connect = {"options": postgresql.options(busy_timeout_seconds), **postgresql.LIBPQ}
            known: dict[str, Any] = {"connect_args": connect, "pool_pre_ping": True, **COMMON}
            self.writer = create_engine(parsed, **known)
            self.reader = create_engine(parsed, execution_options=postgresql.READS, **known)
            postgresql.prepare(self.writer, writes=True)
            postgresql.prepare(self.reader, writes=False)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that may write; committed at the end, rolled back on an exception."""
        with Session(self.writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One transaction that sees one state of the database."""
        with Session(self.reader, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        self.writer.dispose()
        self.reader.dispose()


class AsyncDatabase:
    """The same for the server: a function of the core runs on a session in a thread, without blocking the event loop.

    As a whole: to hand each statement to a thread and back, as asynchronous drivers for SQLite do, takes longer than
    the statements.
    """

    def __init__(self, url: str, busy_timeout_seconds: float = 30) -> None:
        #: for work that is in a thread anyway
        self.blocking = Database(url, busy_timeout_seconds)
        self._readers = ThreadPoolExecutor(READERS, "read")
        # There is one writer at a time: here they take their turns in the order in which they came.
        self._writer = ThreadPoolExecutor(1, "write")

    async def write(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(session, …)` in one transaction that may write."""
        return await self._run(self._writer, self.blocking.write, function, *args, **kwargs)

    async def read(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(session, …)` in one transaction that only reads."""
        return await self._run(self._readers, self.blocking.read, function, *args, **kwargs)

    async def _run(
        self,
        threads: ThreadPoolExecutor,
        begin: Callable[[], AbstractContextManager[Session]],
        function: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def transaction() -> T:
            with begin() as session:
                return function(session, *args, **kwargs)

        # What is logged in it is of this request. And it comes to its end though nobody waits for it any more.
        running = asyncio.get_running_loop().run_in_executor(threads, copy_context().run, transaction)
        return await asyncio.shield(running)

    async def close(self) -> None:
        for threads in (self._readers, self._writer):
            await asyncio.to_thread(threads.shutdown)
        self.blocking.close()
