"""Where tickets lie: in a file, in PostgreSQL, or in Redis (or Valkey, which speaks the same language).

Huey's own storages, each of which can also take many tickets at once: for a thousand that is a hundred times faster
than one by one.
"""

import os
import struct
import time
from collections.abc import Iterable
from typing import Any

from huey import Huey
from huey.storage import PostgresStorage, PriorityRedisStorage, SqliteStorage
from sqlalchemy.engine import make_url

from mofsim.settings import Settings

#: Seconds that an idle worker waits at a server for a ticket before it looks whether it should stop.
WAIT_SECONDS = 1
#: Seconds after which a server that says nothing counts as gone.
SILENCE_SECONDS = 10


def open_queue(name: str, settings: Settings, **options: Any) -> Huey:
    """The queue of that name where the settings have it."""
    match settings.queue.backend:
        case "sqlite":
            path = settings.queue_path
            path.parent.mkdir(parents=True, exist_ok=True)
            storage = {"storage_class": FileStorage, "filename": str(path), "fsync": False, "timeout": 30}
        case "postgresql":
            dsn = make_url(settings.queue_url).set(drivername="postgresql").render_as_string(hide_password=False)
            # Tickets come and go by the thousand, and one that is lost is issued again: nobody waits for the disk.
            connection = {"options": "-c synchronous_commit=off", "connect_timeout": SILENCE_SECONDS}
            where = {"dsn": dsn, "table_prefix": "mofsim_queue", "read_timeout": WAIT_SECONDS}
            storage = {"storage_class": TableStorage, **where, **connection}
        case "redis":
            storage = {"storage_class": SortedSetStorage, "connection_pool": _pool(settings.queue_url)}
            storage |= {"read_timeout": WAIT_SECONDS}
            name = f"mofsim.{name}"
    return Huey(name, **storage, **options)


def _pool(url: str) -> Any:
    # Not everybody has it installed.
    from redis import ConnectionPool

    # A server that restarted is found again by the first command that fails.
    return ConnectionPool.from_url(
        url, socket_connect_timeout=SILENCE_SECONDS, socket_timeout=SILENCE_SECONDS, health_check_interval=30
    )


class FileStorage(SqliteStorage):  # type: ignore[misc]
    """SQLite storage that notices when its file was deleted or replaced, and opens the one that is there now.

    Otherwise each process would go on with a file that no other one sees, and no ticket would ever arrive.
    """

    _conn: Any
    _opened: tuple[int, int] | None = None

    @property
    def conn(self) -> Any:
        if self._conn is not None and self._file() != self._opened:
            self._conn.close()
            self._conn = None
        return super().conn

    def enqueue_all(self, messages: Iterable[bytes], priority: float) -> None:
        """In one transaction, which for a thousand is a hundred times faster than one for each."""
        rows = [(self.name, message, priority) for message in messages]
        with self.db(commit=True) as cursor:
            cursor.executemany("insert into task (queue, data, priority) values (?, ?, ?)", rows)

    def _create_connection(self) -> Any:
        connection = super()._create_connection()
        if self._opened is not None and self._file() != self._opened:
            for statement in self.ddl:
                connection.execute(statement)
        self._opened = self._file()
        return connection

    def _file(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.filename)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


class TableStorage(PostgresStorage):  # type: ignore[misc]
    """PostgreSQL storage: a worker that waits is notified."""

    def enqueue_all(self, messages: Iterable[bytes], priority: float) -> None:
        rows = [(self.name, message, priority) for message in messages]
        with self.db(commit=True) as cursor:
            cursor.executemany(f"insert into {self.table_task} (queue, data, priority) values (%s, %s, %s)", rows)
            cursor.execute("select pg_notify(%s, %s)", (self.channel, ""))


class SortedSetStorage(PriorityRedisStorage):  # type: ignore[misc]
    """Redis storage with priorities: a worker that waits is handed the ticket."""

    def enqueue_all(self, messages: Iterable[bytes], priority: float) -> None:
        # As RedisPriorityQueue.enqueue writes them: those of one priority in the order of their time.
        prefix = struct.pack(">Q", int(time.time() * 1e6))
        self.conn.zadd(self.queue_key, {prefix + message: -priority for message in messages})
