"""The database: which engine, whether it answers, and whether its tables are those of this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment.reading import PATIENCE, file_system, is_network
from mofsim.db.engine import Database
from mofsim.db.migrate import HEAD, current_revision
from mofsim.settings import Settings

#: The share of the connections that a server has which may be taken.
BUSY = 0.8


@dataclass
class Rows:
    """The database as this machine reaches it."""

    #: None: it does not answer, or has other tables
    rows: Database | None = None
    #: how far its clock is ahead of this machine's; None for a file, whose clock is that of the machine
    ahead: timedelta | None = None
    checks: list[Check] = field(default_factory=list)


@contextmanager
def opened(settings: Settings) -> Iterator[Rows]:
    url = make_url(settings.database_url)
    is_file = url.get_backend_name() == "sqlite"
    if is_file and not Path(url.database or "").is_file():
        missing = Check("database", Verdict.FAIL, f"{url.database} is not there", "start the server, which makes it")
        yield Rows(checks=[missing])
        return
    if not is_file:
        url = url.update_query_dict({"connect_timeout": str(PATIENCE)})
    database = Database(url.render_as_string(hide_password=False), PATIENCE)
    try:
        found = Rows()
        try:
            with database.reader.connect() as connection:
                found.checks += _of_file(url.database or "") if is_file else _of_server(connection, found)
                found.checks.append(schema := _schema(connection))
            found.rows = database if schema.verdict is Verdict.OK else None
        except SQLAlchemyError as error:
            advice = "start it, or correct database.url (MOFSIM_DATABASE__URL)"
            where = url.set(query={}).render_as_string()
            found.checks.append(Check("database", Verdict.FAIL, f"{where}: {first_line(error)}", advice))
        yield found
    finally:
        database.close()


def first_line(error: BaseException) -> str:
    cause: Any = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__


def _of_file(path: str) -> Iterator[Check]:
    kind = file_system(Path(path))
    if is_network(kind):
        found = f"SQLite, {path}, on {kind}: a file that machines share over a network is not safe"
        yield Check("database", Verdict.FAIL, found, "a disk of this machine, or PostgreSQL (`mofsim db copy`)")
    else:
        yield Check("database", Verdict.OK, f"SQLite, {path}")


def _of_server(connection: Connection, found: Rows) -> Iterator[Check]:
    asked = datetime.now(UTC)
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    found.ahead = theirs - (asked + (datetime.now(UTC) - asked) / 2)
    shown = connection.engine.url.set(query={}).render_as_string()
    version = connection.execute(text("SHOW server_version")).scalar_one().split()[0]
    lacks = [*_unsafe(connection)]
    if connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
        advice = "write the address of the one that takes writes into database.url"
        yield Check("database", Verdict.FAIL, f"PostgreSQL {version}, {shown}, is a standby", advice)
    elif lacks:
        found_ = f"PostgreSQL {version}, {shown}, with {' and '.join(lacks)} off: a power cut loses what was accepted"
        yield Check("database", Verdict.FAIL, found_, f"ALTER SYSTEM RESET {lacks[0]}, and restart PostgreSQL")
    else:
        yield Check("database", Verdict.OK, f"PostgreSQL {version}, {shown}")
    n = connection.execute(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    used, most = n.scalar_one(), int(connection.execute(text("SHOW max_connections")).scalar_one())
    verdict = Verdict.WARN if used > BUSY * most else Verdict.OK
    advice = "raise max_connections of PostgreSQL" if verdict is Verdict.WARN else ""
    yield Check("connections", verdict, f"{used} of {most}", advice)


def _unsafe(connection: Connection) -> Iterator[str]:
    for name in ("fsync", "full_page_writes"):
        if connection.execute(text(f"SHOW {name}")).scalar_one() == "off":
            yield name


def _schema(connection: Connection) -> Check:
    revision = current_revision(connection)
    if revision == HEAD:
        return Check("schema", Verdict.OK, f"{HEAD}, that of this version")
    if revision is None:
        return Check("schema", Verdict.FAIL, "there are no tables of mofsim", "`mofsim db upgrade`")
    if revision > HEAD:
        advice = "install the version that wrote it, also here"
        return Check("schema", Verdict.FAIL, f"{revision}, of a newer mofsim; this one knows {HEAD}", advice)
    advice = "stop server and workers, `mofsim db upgrade`, and start them"
    return Check("schema", Verdict.FAIL, f"{revision}; this version's is {HEAD}", advice)
