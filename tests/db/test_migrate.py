import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from mofsim.db.engine import Database
from mofsim.db.migrate import HEAD, MIGRATIONS, NewerDatabaseError, upgrade
from mofsim.db.tables import Base, Structure, Task, TaskCount, TaskKindCount, utcnow
from mofsim.vocabulary import TaskStatus
from tests import engines

STRUCTURE = {
    "name": "MOF-5", "original_name": "x", "file_path": "x", "normalised_path": "x", "file_size": 1, "format": "cif",
    "checksum": "x", "n_atoms": 1, "formula": "H", "elements": ["H"], "volume_A3": 1.0, "is_builtin": False,
    "description": "", "created_at": utcnow(),
}  # fmt: skip


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


def migrated_to(revision: str, database: Database) -> None:
    with database.writer.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a table."""
    url = engines.new_postgresql(template=None) if request.param == "postgresql" else None
    database = Database(url.render_as_string(hide_password=False) if url else f"sqlite:///{tmp_path / 'old.db'}")
    yield database
    database.close()
    if url:
        engines.drop_postgresql(url)


def test_tasks_of_an_older_database_are_counted_by_kind_and_go_on_being(bare: Database) -> None:
    database = bare
    migrated_to("0009", database)
    kinds = [("COMPLETED", "lj", 2)] * 30 + [("COMPLETED", "chgnet", 2)] * 7 + [("QUEUED", "lj", 0)]
    columns = "task_type, preset, parameters, options, progress, attempt, faults, max_attempts, timeout_seconds"
    values = "'optimization', 'quick', '{}', '{}', '{}', 0, 0, 3, 60.0"
    flags = "held, awaits_parent, clean_start, structure_id, created_at, status, model_name, priority"
    given = "FALSE, FALSE, FALSE, 1, '2026-01-01 00:00:00', :status, :model, :priority"
    task = text(f"INSERT INTO tasks ({columns}, {flags}) VALUES ({values}, {given})")
    with database.writer.begin() as connection:
        connection.execute(insert(Structure), [STRUCTURE])
        connection.execute(task, [{"status": s, "model": m, "priority": p} for s, m, p in kinds])
    assert upgrade(database) is True
    with database.write() as session:
        assert kinds_of(session) == {kind: kinds.count(kind) for kind in kinds}
        session.execute(text("UPDATE tasks SET status = 'CANCELLED' WHERE status = 'QUEUED'"))
        session.execute(text("DELETE FROM tasks WHERE model_name = 'chgnet'"))
        assert kinds_of(session) == {("COMPLETED", "lj", 2): 30, ("CANCELLED", "lj", 0): 1}


def kinds_of(session: Session) -> dict[tuple[str, str, int], int]:
    return {(row.status, row.model_name, row.priority): row.n for row in session.scalars(select(TaskKindCount))}


def test_sqlite_knows_every_index_of_the_tasks_and_none_that_is_gone(database: Database) -> None:
    """Of those that it knows nothing of it thinks wrongly; a migration that makes one tells of it."""
    with database.read() as session:
        told = set(session.scalars(text("SELECT idx FROM sqlite_stat1 WHERE tbl = 'tasks'")))
    assert told == {index.name for index in Task.__table__.indexes}  # type: ignore[attr-defined]
