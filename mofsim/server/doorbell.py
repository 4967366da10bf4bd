"""Learn that the database has changed, whoever changed it, without reading it."""

import aiosqlite
from sqlalchemy.engine import URL


class Doorbell:
    """A connection of its own that never writes: SQLite counts for it each commit of every other connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._version = 0

    @classmethod
    async def at(cls, url: URL) -> "Doorbell":
        return cls(await aiosqlite.connect(url.database or ""))

    async def rang(self) -> bool:
        """Whether anything was committed since the last time this was asked."""
        # Asked twenty times a second: to the connection's thread and back once, not once each for cursor, row and end.
        [(version,)] = await self._connection.execute_fetchall("PRAGMA data_version")
        before, self._version = self._version, int(version)
        return before != self._version

    async def close(self) -> None:
        await self._connection.close()
