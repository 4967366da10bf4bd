"""Engines and sessions: how transactions of SQLite and PostgreSQL begin is in the modules of these names."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from mofsim.db import postgresql, sqlite

P = ParamSpec("P")
T = TypeVar("T")

#: An error would else quote the row that could not be written, with the secret of its webhook, into a log.
DISCREET: dict[str, Any] = {"hide_parameters": True}


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


class Database:
    """Synchronous sessions, for worker processes and commands."""

    def __init__(self, url: str, busy_timeout_seconds: float = 30) -> None:
        parsed = make_url(url)
        self.url = parsed
        if _is_sqlite(parsed):
            self.writer = create_engine(parsed, pool_size=1, max_overflow=0, **DISCREET)
            self.reader = create_engine(parsed, **DISCREET)
            sqlite.prepare(self.writer, busy_timeout_seconds, writes=True)
            sqlite.prepare(self.reader, busy_timeout_seconds, writes=False)
        else:
            parsed = parsed.set(drivername="postgresql+psycopg")
            connect = {"options": postgresql.options(busy_timeout_seconds), **postgresql.LIBPQ}
            known: dict[str, Any] = {"connect_args": connect, "pool_pre_ping": True, **DISCREET}
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
    """The same for the server: a function of the core runs on a session without blocking the event loop."""

    def __init__(self, url: str, busy_timeout_seconds: float = 30) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        parsed = make_url(url)
        self.writer: AsyncEngine
        self.reader: AsyncEngine
        if _is_sqlite(parsed):
            parsed = parsed.set(drivername="sqlite+aiosqlite")
            self.writer = create_async_engine(parsed, pool_size=1, max_overflow=0, **DISCREET)
            self.reader = create_async_engine(parsed, pool_size=4, max_overflow=4, **DISCREET)
            sqlite.prepare(self.writer.sync_engine, busy_timeout_seconds, writes=True)
            sqlite.prepare(self.reader.sync_engine, busy_timeout_seconds, writes=False)
        else:
            parsed = parsed.set(drivername="postgresql+asyncpg")
            connect = {"server_settings": postgresql.session_settings(busy_timeout_seconds)}
            known: dict[str, Any] = {"connect_args": connect, "pool_pre_ping": True, **DISCREET}
            # Writers take turns anyway.
            self.writer = create_async_engine(parsed, pool_size=2, max_overflow=0, **known)
            self.reader = create_async_engine(
                parsed, pool_size=4, max_overflow=4, execution_options=postgresql.READS, **known
            )
            postgresql.prepare(self.writer.sync_engine, writes=True)
            postgresql.prepare(self.reader.sync_engine, writes=False)

    async def write(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(session, …)` in one transaction that may write."""
        return await self._run(self.writer, function, *args, **kwargs)

    async def read(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(session, …)` in one transaction that only reads."""
        return await self._run(self.reader, function, *args, **kwargs)

    async def _run(
        self,
        engine: AsyncEngine,
        function: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        async def transaction() -> T:
            async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
                return await session.run_sync(function, *args, **kwargs)

        # A transaction comes to its end though nobody waits for it any more: left in the middle, its connection
        # would be lost to the pool.
        task = asyncio.create_task(transaction())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.writer.dispose()
        await self.reader.dispose()
