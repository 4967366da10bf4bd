"""Put a backup in the place of a data folder. All is checked and made ready beside it before anything is moved."""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mofsim.db.archive import Reader, open_reader
from mofsim.db.backup import BackupRefused, database_path
from mofsim.db.engine import Database
from mofsim.db.manifest import DATABASE, Manifest, present_files, verify
from mofsim.db.migrate import upgrade
from mofsim.settings import Settings

#: What a backup has of the data folder besides the database.
FOLDERS = ("structures", "results", "models")
#: What a restore replaces. Tickets of the old tasks would find nothing; new ones are issued from the rows.
REPLACED = (*FOLDERS, "incoming", "queue.db", "queue.db-wal", "queue.db-shm")


@dataclass(frozen=True)
class RestoreReport:
    manifest: Manifest
    #: whether the backup was of an older mofsim, and its database was brought to this one's schema
    upgraded: bool
    #: where the data lies that was there before; None when there was none
    moved_aside: Path | None


def restore(settings: Settings, source: Path, *, force: bool = False) -> RestoreReport:
    """Make the data folder what it was when the backup was taken.

    With `force` data that is there is moved into a folder of its own within the data folder; nothing is deleted.
    Raises BackupRefused (something runs there, or there is data), BackupDamaged, NewerDatabaseError, or OSError.
    """
    database, root = database_path(settings), settings.storage.root
    root.mkdir(parents=True, exist_ok=True)
    database.parent.mkdir(parents=True, exist_ok=True)
    with nobody_at_work(root, database):
        keeps = has_data(root, database)
        if keeps and not force:
            raise BackupRefused(f"{root} holds data; restore into an empty folder, or force it (the data is kept)")
        with tempfile.TemporaryDirectory(prefix=".restore.", dir=root) as scratch:
            staged = Path(scratch)
            with closing(open_reader(source)) as reader:
                manifest = verify(reader, staged / DATABASE)
                _extract_files(reader, staged, manifest)
            upgraded = _make_ready(staged / DATABASE)
            os.sync()
            aside = _aside(root) if keeps else staged / "replaced"
            _move_aside(root, database, aside)
            _move_in(staged, root, database)
    return RestoreReport(manifest, upgraded, aside if keeps else None)


def has_data(root: Path, database: Path) -> bool:
    """Whether anything would be lost that no fresh start makes again."""
    results = root / "results"
    if results.is_dir() and any(results.iterdir()):
        return True
    if not database.is_file() or database.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT EXISTS (SELECT 1 FROM tasks) OR EXISTS (SELECT 1 FROM structures WHERE NOT is_builtin)"
            return bool(connection.execute(query).fetchone()[0])
    except sqlite3.DatabaseError:
        # What can not be read may still be worth something to somebody.
        return True


@contextmanager
def nobody_at_work(root: Path, database: Path) -> Iterator[None]:
    """Holds the locks of all device slots while in the block, so that no worker starts.

    Raises BackupRefused when a worker or a server runs on this data folder.
    """
    with ExitStack() as locks:
        for path in sorted((root / "run").glob("*.lock")):
            file = locks.enter_context(path.open("a+"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                who = f"{path.stem} (process {file.read().strip() or '?'})"
                raise BackupRefused(f"a worker runs on {root}: {who}; stop it first") from None
        _check_unused(database)
        yield


def _check_unused(database: Path) -> None:
    """SQLite leaves WAL mode only when nobody else has the file open, be it a server, chores or a console."""
    if not database.is_file():
        return
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError:
            raise BackupRefused(f"a process has {database} open (server, worker or chores); stop it first") from None
        except sqlite3.DatabaseError:
            # It is damaged, which is why somebody restores.
            return


def _extract_files(reader: Reader, staged: Path, manifest: Manifest) -> None:
    for folder in FOLDERS:
        (staged / folder).mkdir()
    for name in present_files(staged / DATABASE, manifest):
        reader.extract(name, staged / name)


def _make_ready(path: Path) -> bool:
    """Bring it to this version's schema; whether it was of an older one."""
    database = Database(f"sqlite:///{path}")
    try:
        upgraded = upgrade(database)
    finally:
        database.close()
    with closing(sqlite3.connect(path)) as connection:
        # They tell of processes and GPUs of another time, maybe of another machine. One that was drained when the
        # backup was taken would take no task, and nobody would know why.
        for table in ("workers", "devices", "hosts", "readings"):
            connection.execute(f"DELETE FROM {table}")
        connection.commit()
        # One file again, that can be moved by itself.
        connection.execute("PRAGMA journal_mode = DELETE")
    return upgraded


def _aside(root: Path) -> Path:
    folder = root / f"before-restore-{datetime.now():%Y-%m-%dT%H-%M-%S}"
    folder.mkdir()
    return folder


def _move_aside(root: Path, database: Path, aside: Path) -> None:
    """The database first: without it nothing takes the rest for a data folder that can be used."""
    aside.mkdir(exist_ok=True)
    of_database = [database.with_name(database.name + end) for end in ("", "-wal", "-shm")]
    for path in [*of_database, *(root / name for name in REPLACED)]:
        if path.exists() or path.is_symlink():
            shutil.move(path, aside / path.name)


def _move_in(staged: Path, root: Path, database: Path) -> None:
    """The database last, for the same reason."""
    for name in FOLDERS:
        shutil.move(staged / name, root / name)
    shutil.move(staged / DATABASE, database)
