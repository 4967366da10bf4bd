"""Learn that the database has changed, whoever changed it, without reading it."""

import contextlib
from typing import Any, Protocol

import aiosqlite
from sqlalchemy.engine import URL

from mofsim.db.postgresql import CHANGED


class Doorbell(Protocol):
    async def rang(self) -> bool:
        """Whether anything was committed since the last time this was asked. Raises what the connection raises."""

    async def close(self) -> None: ...


async def doorbell_at(url: URL) -> Doorbell:
    if url.get_backend_name() == "sqlite":
        return SqliteDoorbell(await aiosqlite.connect(url.database or ""))
    bell = PostgresqlDoorbell(url)
    # A server that is not there is told now.
    await bell.rang()
    return bell


class SqliteDoorbell:
    """A connection of its own that never writes: SQLite counts for it each commit of every other connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._version = 0

    async def rang(self) -> bool:
        # Asked twenty times a second: to the connection's thread and back once, not once each for cursor, row and end.
        [(version,)] = await self._connection.execute_fetchall("PRAGMA data_version")
        before, self._version = self._version, int(version)
        return before != self._version

    async def close(self) -> None:
        await self._connection.close()


class PostgresqlDoorbell:
    """A connection of its own that listens: triggers notify of new events and lines of logs as they are committed.

    A connection that was lost is made anew, and that counts as a ring: what came meanwhile nobody told.
    """

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any = None
        self._rang = True

    async def rang(self) -> bool:
        # Not everybody has it installed.
        import asyncpg

        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=CONNECT_SECONDS)
            await self._connection.add_listener(CHANGED, self._ring)
            self._rang = True
        rang, self._rang = self._rang, False
        return rang

    def _ring(self, *_what: object) -> None:
        self._rang = True

    async def close(self) -> None:
        if self._connection is not None:
            # The server may be gone before us.
            with contextlib.suppress(Exception):
                await self._connection.close(timeout=CONNECT_SECONDS)


CONNECT_SECONDS = 5.0
