import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from mofsim.db.engine import Database
from mofsim.db.migrate import HEAD, MIGRATIONS, NewerDatabaseError, upgrade
from mofsim.db.tables import Base, TaskCount
from mofsim.vocabulary import TaskStatus


def test_migrations_make_the_tables_that_the_code_declares(database: Database) -> None:
    with database.reader.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_every_status_has_a_counter(database: Database) -> None:
    with database.read() as session:
        assert {row.status for row in session.query(TaskCount)} == set(TaskStatus)


def test_a_second_upgrade_does_nothing(database: Database) -> None:
    assert upgrade(database) is False


def test_four_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'mofsim.db'}"
    code = f"from mofsim.db.engine import Database; from mofsim.db.migrate import upgrade; upgrade(Database({url!r}))"
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors


def test_a_database_of_a_newer_version_is_refused_with_advice(database: Database) -> None:
    with database.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabaseError, match="install that version again"):
        upgrade(database)
