"""Bring a database to the schema of this version of mofsim."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from mofsim.db.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"
#: the newest migration; a test holds that it is Alembic's head
HEAD = "0016"


class NewerDatabaseError(Exception):
    """The database was written by a newer mofsim: install that version again, or point storage.root elsewhere."""


def current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(database: Database) -> bool:
    """Apply what is missing, in one transaction; True when something was.

    Several processes may call it at once: the write transaction makes them take turns.
    Raises NewerDatabaseError when the database knows a migration that this version does not.
    """
    if database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
    with database.reader.connect() as connection:
        if current_revision(connection) == HEAD:
            return False
    with database.writer.begin() as connection:
        found = current_revision(connection)
        if found == HEAD:
            return False
        _alembic(connection, found)
        return True


def _alembic(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    if found is not None and found not in {r.revision for r in ScriptDirectory.from_config(config).walk_revisions()}:
        raise NewerDatabaseError(f"{NewerDatabaseError.__doc__} (its schema is {found}, this version knows {HEAD})")
    command.upgrade(config, "head")
