"""The two-engine SQLite recipe, by real processes on a real file."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import select, text

from mofsim.db.engine import AsyncDatabase, Database
from mofsim.db.migrate import upgrade
from mofsim.db.tables import TaskCount
from mofsim.vocabulary import TaskStatus

INCREMENT = """
import sys
from sqlalchemy.orm import Session
from mofsim.db.engine import Database
from mofsim.db.tables import TaskCount

database = Database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.write() as session:
        row = session.get(TaskCount, "QUEUED")
        row.n = row.n + 1
"""


def test_four_processes_of_500_read_modify_writes_lose_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'counts.db'}"
    database = Database(url)
    upgrade(database)
    command = [sys.executable, "-c", INCREMENT, url, "500"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
    with database.read() as session:
        assert session.get_one(TaskCount, "QUEUED").n == 2000


def test_sqlite_is_set_up_as_designed(database: Database) -> None:
    with database.read() as session:
        settings = {name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys")}
        assert settings == {"journal_mode": "wal", "foreign_keys": 1}
        assert session.scalar(text("PRAGMA synchronous")) == 1
        assert session.scalar(text("PRAGMA busy_timeout")) == 30_000


def test_a_failed_write_leaves_nothing_behind(database: Database) -> None:
    class Stop(Exception):
        pass

    try:
        with database.write() as session:
            session.get_one(TaskCount, TaskStatus.QUEUED).n = 7
            session.flush()
            raise Stop
    except Stop:
        pass
    with database.read() as session:
        assert session.get_one(TaskCount, TaskStatus.QUEUED).n == 0


async def test_the_server_runs_the_same_functions_on_its_own_engines(database: Database) -> None:
    aio = AsyncDatabase(str(database.url))

    def increase(session, by: int) -> None:
        session.get_one(TaskCount, TaskStatus.QUEUED).n += by

    await aio.write(increase, 3)
    found = await aio.read(lambda session: session.scalars(select(TaskCount.n)).all())
    await aio.close()
    assert sum(found) == 3
