"""Copy all rows to another database: the way from a file to a server, or back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, RowMapping, Table, func, insert, select, text
from sqlalchemy.engine import make_url

from mofsim.db import postgresql
from mofsim.db.backup import BackupRefused
from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade
from mofsim.db.restore import nobody_at_work
from mofsim.db.tables import Base, Device, Host, Reading, Structure, Task, Turn, Worker
from mofsim.settings import Settings

#: They tell of processes, boxes and GPUs as they were: those that start register themselves.
LEFT_OUT = {table.__tablename__ for table in (Worker, Device, Host, Reading, Turn)}
PAGE = 1000


def copy(settings: Settings, url: str) -> dict[str, int]:
    """Copy the database of the settings to the one at `url`, in one transaction; the rows of each table.

    Files stay where they are, and so do tickets, which are issued again from the rows.
    Raises BackupRefused (something runs, or rows are there already), NewerDatabaseError, or what the database raises.
    """
    source = Database(settings.database_url, settings.database.busy_timeout_seconds)
    target = Database(url, settings.database.busy_timeout_seconds)
    try:
        if source.url == target.url:
            raise BackupRefused("both are the same database")
        with _nobody_writes(source, settings.storage.root):
            upgrade(source)
            upgrade(target)
            with source.reader.begin() as old, target.writer.begin() as new:
                _check_empty(new, url)
                tables = _tables()
                with _without_triggers(new, tables):
                    rows = {table.name: _copy_table(old, new, table) for table in tables}
                if new.dialect.name == "postgresql":
                    # It does so by itself within minutes, in which lists would be slow.
                    new.exec_driver_sql("ANALYZE")
                return rows
    finally:
        source.close()
        target.close()


@contextmanager
def _nobody_writes(source: Database, root: Path) -> Iterator[None]:
    """What a process wrote after it was read would be lost."""
    if source.url.get_backend_name() == "sqlite":
        with nobody_at_work(root, Path(source.url.database or "")):
            yield
        return
    with source.reader.connect() as connection:
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if n := connection.scalar(others):
            raise BackupRefused(f"{n} other connections use the database; stop server and workers first")
    yield


def _check_empty(new: Connection, url: str) -> None:
    uploaded = select(Structure.id).where(Structure.is_builtin.is_(False)).limit(1)
    if new.scalar(select(Task.id).limit(1)) is not None or new.scalar(uploaded) is not None:
        shown = make_url(url).render_as_string()
        raise BackupRefused(f"{shown} has tasks or structures already; copy into an empty database")


def _tables() -> list[Table]:
    """Each after those that it refers to; last those that refer to nothing, which triggers of others may fill."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]
    referred = {key.column.table.name for table in tables for key in table.foreign_keys}
    return sorted(tables, key=lambda table: not table.foreign_keys and table.name not in referred)


@contextmanager
def _without_triggers(new: Connection, tables: list[Table]) -> Iterator[None]:
    """What they would count is copied too, and PostgreSQL keeps each count of a transaction until its end.

    SQLite has no way to switch them off, and needs none.
    """
    if new.dialect.name != "postgresql":
        yield
        return
    for table in tables:
        new.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
    yield
    for table in tables:
        new.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")


def _copy_table(old: Connection, new: Connection, table: Table) -> int:
    new.execute(table.delete())
    n_rows = 0
    # In the order of their keys: a task may have a parent, which is older.
    put = postgresql.put if new.dialect.name == "postgresql" else _put
    ordered = select(table).order_by(*table.primary_key.columns)
    for page in old.execution_options(yield_per=PAGE).execute(ordered).mappings().partitions():
        put(new, table, page)
        n_rows += len(page)
    if (n_there := new.scalar(select(func.count()).select_from(table))) != n_rows:
        raise BackupRefused(f"{table.name}: {n_there} rows arrived of {n_rows}; nothing was kept")
    if new.dialect.name == "postgresql":
        _go_on_counting(new, table)
    return n_rows


def _put(new: Connection, table: Table, rows: Sequence[RowMapping]) -> None:
    new.execute(insert(table), [dict(row) for row in rows])


def _go_on_counting(new: Connection, table: Table) -> None:
    """The next row gets the id that follows."""
    key = table.primary_key.columns.values()[0]
    sequence = new.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
    newest = new.scalar(select(func.max(key))) if sequence else None
    if newest is not None:
        new.execute(select(func.setval(sequence, newest)))
