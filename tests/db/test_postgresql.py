"""What only a database server has: turns without a file lock, its clock, its bell, and errors that quote rows."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy.exc
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.engine import URL

from mofsim.db import clock
from mofsim.db.backup import BackupRefused
from mofsim.db.copy import copy
from mofsim.db.engine import AsyncDatabase, Database
from mofsim.db.migrate import upgrade
from mofsim.db.tables import Base, Batch, Event, Structure, Task, utcnow
from mofsim.server.doorbell import doorbell_at
from mofsim.settings import load_settings
from mofsim.vocabulary import EventType
from tests import engines
from tests.tables import make_tables


def shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture
def url() -> Iterator[URL]:
    url = engines.new_postgresql()
    yield url
    engines.drop_postgresql(url)


@pytest.fixture
def database(url: URL) -> Iterator[Database]:
    database = Database(shown(url))
    yield database
    database.close()


def say(session, text_: str) -> None:
    session.add(Event(type=EventType.TASK_PROGRESS, data={"said": text_}))


def test_events_get_their_ids_in_the_order_of_their_commits(database: Database, url: URL) -> None:
    begun = threading.Event()

    def slow() -> None:
        other = Database(shown(url))
        with other.write() as session:
            say(session, "first")
            session.flush()
            begun.set()
            time.sleep(0.3)
        other.close()

    thread = threading.Thread(target=slow)
    thread.start()
    begun.wait(10)
    with database.write() as session:
        # It waited for its turn, so what it sees has the other's event.
        assert session.scalar(select(func.count()).select_from(Event)) == 1
        say(session, "second")
    thread.join()
    with database.read() as session:
        assert [event.data["said"] for event in session.scalars(select(Event).order_by(Event.id))] == [
            "first",
            "second",
        ]


def test_who_reads_waits_for_nobody_sees_one_state_and_can_not_write(database: Database, url: URL) -> None:
    other = Database(shown(url))
    with database.read() as reading:
        count = select(func.count()).select_from(Event)
        assert reading.scalar(count) == 0
        with other.write() as session:
            say(session, "meanwhile")
        assert reading.scalar(count) == 0
        say(reading, "no")
        with pytest.raises(sqlalchemy.exc.InternalError, match="read-only"):
            reading.flush()
        reading.rollback()
    other.close()


def test_rows_have_the_time_of_the_database_whatever_the_clock_of_the_machine_says(
    database: Database, monkeypatch
) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(minutes=7)

    monkeypatch.setattr(clock, "_ahead", timedelta())
    monkeypatch.setattr(clock, "datetime", Late)
    assert datetime.now(UTC) - utcnow() > timedelta(minutes=6)
    with database.write() as session:
        theirs = session.scalar(select(func.clock_timestamp()))
        assert abs(utcnow() - theirs) < timedelta(seconds=1)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_error_does_not_quote_the_row(database: Database, url: URL, asynchronous: bool) -> None:
    def wrong(session) -> None:
        session.execute(insert(Task).values(callback_secret="hush"))

    with pytest.raises(sqlalchemy.exc.IntegrityError) as caught:
        if asynchronous:
            other = AsyncDatabase(shown(url))
            try:
                await other.write(wrong)
            finally:
                await other.close()
        else:
            with database.write() as session:
                wrong(session)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hush" not in f"{error!s} {error!r}"
        error = error.__cause__


async def test_the_bell_rings_for_events_of_others_and_after_its_line_was_cut(database: Database) -> None:
    bell = await doorbell_at(database.url)

    async def rings() -> bool:
        for _ in range(50):
            if await bell.rang():
                return True
            await asyncio.sleep(0.02)
        return False

    try:
        assert not await bell.rang()
        with database.write() as session:
            say(session, "hello")
        assert await rings()
        assert not await bell.rang()
        with database.writer.connect() as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            assert connection.execute(text(cut)).all()
        await asyncio.sleep(0.2)
        assert await rings(), "what came while nobody listened was not told"
    finally:
        await bell.close()


def test_a_transaction_that_somebody_holds_up_is_ended(database: Database, url: URL) -> None:
    """A worker that was stopped within one would else stop all others."""
    slow = Database(shown(url))
    with pytest.raises(sqlalchemy.exc.DBAPIError), slow.write() as session:
        session.execute(text("SET idle_in_transaction_session_timeout = '200ms'"))
        time.sleep(0.6)
        say(session, "too late")
    with database.write() as session:
        say(session, "my turn")
    slow.close()


def test_the_migrations_make_the_tables_that_the_models_describe(database: Database) -> None:
    found = inspect(database.reader)
    for table in Base.metadata.sorted_tables:
        assert {column["name"] for column in found.get_columns(table.name)} == set(table.columns.keys()), table.name
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes, table.name
    assert upgrade(database) is False


def test_a_file_is_copied_with_all_its_rows(database: Database, url: URL, tmp_path: Path) -> None:
    make_tables(tmp_path / "mofsim.db")
    settings = load_settings(env={"MOFSIM_STORAGE__ROOT": str(tmp_path)}, cwd=tmp_path)
    old = Database(settings.database_url)
    with old.write() as session:
        mof = Structure(name="MOF-5", original_name="MOF-5.cif", file_path="a", normalised_path="b", file_size=1)
        mof.format, mof.checksum, mof.n_atoms, mof.formula, mof.elements = "cif", "0" * 64, 106, "C", ["C", "Zn"]
        mof.volume_A3, mof.is_builtin, mof.description = 4309.0, False, 'tab\t, new line\n, \\N, "é" and NUL\0'
        session.add(mof)
        for number in range(2500):
            say(session, str(number))
    with old.read() as session:
        newest = session.scalar(select(func.max(Event.id)))
    old.close()
    rows = copy(settings, shown(url))
    assert rows["structures"] == 1 and rows["events"] == 2500
    with database.write() as session:
        [copied] = session.scalars(select(Structure))
        assert (copied.elements, copied.created_at) == (["C", "Zn"], mof.created_at)
        assert copied.description == 'tab\t, new line\n, \\N, "é" and NUL\ufffd'
        say(session, "the next")
        session.flush()
        assert session.scalar(select(func.max(Event.id))) == newest + 1
    with pytest.raises(BackupRefused, match="empty database"):
        copy(settings, shown(url))


def test_a_file_with_a_row_that_does_not_fit_is_not_copied(database: Database, url: URL, tmp_path: Path) -> None:
    make_tables(tmp_path / "mofsim.db")
    settings = load_settings(env={"MOFSIM_STORAGE__ROOT": str(tmp_path)}, cwd=tmp_path)
    old = Database(settings.database_url)
    with old.write() as session:
        session.add(Batch(name="a", n_tasks=1))
        session.flush()
        # SQLite takes any value in any column.
        session.execute(text("UPDATE batches SET n_tasks = 'many'"))
    old.close()
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="invalid input syntax"):
        copy(settings, shown(url))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Batch)) == 0


def test_text_has_no_limit_of_its_own_and_tasks_are_still_counted(database: Database) -> None:
    """As SQLite has it: a limit that only one of both knows is an error of the server there."""
    found = inspect(database.reader)
    for table in Base.metadata.sorted_tables:
        for column in found.get_columns(table.name):
            assert getattr(column["type"], "length", None) is None, (table.name, column["name"])
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'tasks_counted_%'"
    with database.read() as session:
        assert session.scalar(text(triggers)) == 3


def test_text_with_a_nul_is_stored_and_asked_for(database: Database) -> None:
    with database.write() as session:
        session.add(Batch(name="a\0b", n_tasks=0))
    with database.read() as session:
        [batch] = session.scalars(select(Batch).where(Batch.name == "a\0b"))
        assert batch.name == "a\ufffdb"
