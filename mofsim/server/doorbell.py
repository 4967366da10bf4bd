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
        async with self._connection.execute("PRAGMA data_version") as cursor:
            row = await cursor.fetchone()
        before, self._version = self._version, int(row[0]) if row else 0
        return self._version != before

    async def close(self) -> None:
        await self._connection.close()
