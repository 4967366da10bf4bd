"""SQLite: one file, one writer at a time.

Two engines per process: one that opens each transaction with BEGIN IMMEDIATE and owns a single connection for
writing, one that only reads. With the driver's defaults a read-modify-write of several processes loses updates; with a
deferred BEGIN it fails with "database is locked".
"""

from typing import Any

from sqlalchemy import Engine, event


def prepare(engine: Engine, busy_timeout_seconds: float, *, writes: bool) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        # The driver must not emit BEGIN by itself; the listener below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_timeout_seconds * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
