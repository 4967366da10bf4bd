"""PostgreSQL: many machines, and still one writer at a time.

Transactions that write take turns by an advisory lock of the database, as SQLite's file lock makes them do: what was
tested there holds here, events get their ids in the order of their commits, and no two transactions can wait for each
other. A transaction takes about a millisecond and a task minutes, so nobody waits long. Those that read see one
snapshot and wait for nobody.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Table, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from mofsim.db import clock

#: The key of the writers' lock: "mofsim" in ASCII.
WRITERS = int.from_bytes(b"mofsim", "big")
#: The channel that triggers notify of what clients of the server follow (migration 0013).
CHANGED = "mofsim_changed"
#: A process that was stopped in the middle of a transaction, or cut off from the network, loses it after so long.
IDLE_SECONDS = 15
#: What the server is told for each connection. A box that fell off the network is noticed within half a minute.
SESSION = {
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}
#: What libpq is told: a statement that nobody acknowledges fails, instead of waiting for a quarter of an hour.
LIBPQ = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
#: See one state of the database all along.
READS = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def options(busy_timeout_seconds: float) -> str:
    """What libpq passes on to the server."""
    settings = SESSION | {"lock_timeout": f"{int(busy_timeout_seconds * 1000)}ms"}
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def prepare(engine: Engine, *, writes: bool) -> None:
    event.listen(engine, "handle_error", be_discreet)
    event.listen(engine, "connect", _take_any_text)
    if not writes:
        return

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        question = clock.Question()
        turn = f"SELECT pg_advisory_xact_lock({WRITERS}), clock_timestamp()"
        question.answered(connection.exec_driver_sql(turn).one()[1])


def _take_any_text(connection: Any, _: Any) -> None:
    """PostgreSQL stores no NUL, which SQLite does: a name or a line of a log that has one gets U+FFFD instead."""
    from psycopg.types.string import StrDumperUnknown

    class WithoutNul(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    # The last of a type is that which is taken.
    connection.adapters.register_dumper(str, WithoutNul)


def put(connection: Connection, table: Table, rows: Sequence[RowMapping]) -> None:
    """Insert rows by COPY, which is faster than INSERT; values are those that `insert(table)` takes.

    Raises sqlalchemy.exc.DBAPIError.
    """
    dialect = connection.dialect
    columns = [(column.key, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in table.columns]
    names = ", ".join(dialect.identifier_preparer.format_column(column) for column in table.columns)
    statement = f"COPY {dialect.identifier_preparer.format_table(table)} ({names}) FROM STDIN"
    try:
        with closing(connection.connection.cursor()) as cursor, cursor.copy(statement) as into:
            for row in rows:
                into.write_row([process(row[key]) if process else row[key] for key, process in columns])
    except dialect.loaded_dbapi.Error as error:
        raise DBAPIError(statement, None, Exception(_without_detail(str(error)))) from None


def be_discreet(context: ExceptionContext) -> None:
    """Without the row that could not be written, which PostgreSQL quotes: it may hold the secret of a webhook."""
    for error in (context.sqlalchemy_exception, context.original_exception):
        if error is not None:
            error.args = tuple(_without_detail(each) for each in error.args)


def _without_detail(value: Any) -> Any:
    return value.partition("\nDETAIL:")[0] if isinstance(value, str) else value
