"""Back up a data folder while server and workers go on.

The database comes first, in one consistent state, then the files that it names. A file that is published later is not
named; one that is removed meanwhile sends us back for a state in which it is no longer named either. If that happens
again and again, the few files that are still to be copied are copied while the writers wait.
"""

import gzip
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from mofsim.db.archive import FolderWriter, TarWriter, Writer, is_plain, open_reader
from mofsim.db.manifest import DATABASE, MANIFEST, Manifest, count_rows, describe, named_files, verify
from mofsim.settings import Settings

#: What lies in a data folder and is in no backup, and why that is right.
NOT_NEEDED = {
    "queue.db": "its tickets are issued again from the tasks",
    "incoming": "uploads that were not accepted yet",
    "run": "locks of running processes",
    "logs": "logs of the processes; those of the tasks are in the database",
    "keys": "the key of this account, which the next start of a server makes anew",
    "last-backup": "which backup was the last",
}
#: Its time is that of the last backup, and in it is where that lies; who backs up by other means touches it.
LAST = "last-backup"


class BackupRefused(Exception):
    """A backup or restore that can not be done as asked for; the text says what to do instead."""


@dataclass(frozen=True)
class BackupReport:
    destination: Path
    manifest: Manifest
    #: a line for each thing that is not in it, and why
    left_out: list[str]


@dataclass(frozen=True)
class LastBackup:
    at: datetime
    #: "" where the tools of a database server made it
    destination: str


def last_backup(root: Path) -> LastBackup | None:
    """What is known of the newest backup of a data folder; None: no backup was ever made."""
    note = root / LAST
    try:
        return LastBackup(datetime.fromtimestamp(note.stat().st_mtime, UTC), note.read_text().strip())
    except OSError:
        return None


def backup(settings: Settings, destination: Path, *, links: bool = False) -> BackupReport:
    """Write a backup to a new folder, or to a new file when its name ends in .tar, and read it back.

    With `links` a folder on the same disk shares the files instead of copying them: quick and small, but no help
    against a broken disk. Blocks for as long as the copying takes.
    Raises BackupRefused, BackupDamaged when what was written can not be read back, or OSError.
    """
    database = database_path(settings)
    if not database.is_file():
        raise BackupRefused(f"there is no database {database}; nothing was ever stored there")
    if destination.exists():
        raise BackupRefused(f"{destination} is there already; name a new folder or .tar")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
        partial, own = Path(scratch) / f"partial{destination.suffix}", Path(scratch) / "own"
        own.mkdir()
        manifest = _write(settings, database, partial, own, links)
        with closing(open_reader(partial)) as reader:
            verify(reader, own / "read-back.db")
        partial.rename(destination)
    (settings.storage.root / LAST).write_text(f"{destination.absolute()}\n")
    return BackupReport(destination, manifest, _left_out(settings, destination, manifest, database))


def database_path(settings: Settings) -> Path:
    """Raises BackupRefused when the database is no SQLite file."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupRefused("the database is no SQLite file; use the tools of its server (pg_dump, pg_restore)")
    return Path(url.database)


def _write(settings: Settings, database: Path, partial: Path, own: Path, links: bool) -> Manifest:
    writer = _open_writer(partial, links)
    copied: dict[str, int] = {}
    snapshot = own / DATABASE
    try:
        for hold in (nullcontext, nullcontext, _writers_held):
            with hold(database):
                take_snapshot(database, snapshot)
                missing = _add_files(settings.storage.root, snapshot, writer, copied, own)
            if not missing:
                break
        manifest = describe(snapshot, copied, missing)
        writer.add(snapshot, DATABASE)
        (own / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
        writer.add(own / MANIFEST, MANIFEST)
    finally:
        writer.close()
    return manifest


def _open_writer(partial: Path, links: bool) -> Writer:
    # Secrets of webhooks and hashes of keys are in it: for nobody else's eyes.
    if partial.suffix == ".tar":
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return TarWriter(partial)
    partial.mkdir(mode=0o700)
    return FolderWriter(partial, links)


@contextmanager
def _writers_held(database: Path) -> Iterator[None]:
    """Others wait before they write. Whoever removes a file changes its row first, so none goes away meanwhile."""
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def take_snapshot(database: Path, target: Path) -> None:
    """One state of a database that others write to; they are not held up."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(database, timeout=30)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=-1)
        # One file, without a -wal beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
    target.chmod(0o600)
    if not count_rows(target):
        raise BackupRefused(f"{database} is empty; there is nothing to back up")


def _add_files(root: Path, snapshot: Path, writer: Writer, copied: dict[str, int], scratch: Path) -> list[str]:
    """Take in what is named and not there yet; the names of what can not be found."""
    missing = []
    for name in named_files(snapshot):
        if name in copied:
            continue
        if not is_plain(name):
            missing.append(name)
            continue
        try:
            copied[name] = _add_file(root / name, name, writer, scratch)
        except FileNotFoundError:
            missing.append(name)
    return missing


def _add_file(path: Path, name: str, writer: Writer, scratch: Path) -> int:
    packed = path.with_name(path.name + ".gz")
    if path.is_file() or not packed.is_file():
        size = path.stat().st_size
        writer.add(path, name, lasting=True)
        return size
    # It was compressed since the snapshot was taken, and is wanted as the snapshot names it.
    unpacked = scratch / "unpacked"
    with gzip.open(packed) as source, unpacked.open("wb") as file:
        shutil.copyfileobj(source, file)
    writer.add(unpacked, name)
    return unpacked.stat().st_size


def _left_out(settings: Settings, destination: Path, manifest: Manifest, database: Path) -> list[str]:
    taken = {"structures", "results", "models", *(database.name + end for end in ("", "-wal", "-shm"))}
    lines = []
    for each in sorted(settings.storage.root.iterdir()):
        name = each.name.removesuffix("-wal").removesuffix("-shm")
        if name in NOT_NEEDED and name == each.name:
            lines.append(f"{name}: {NOT_NEEDED[name]}")
        elif name not in {*taken, *NOT_NEEDED} and each != destination:
            lines.append(f"{each.name}: not known to the database")
    lines.append("files and checkpoints of tasks that have not ended: such a task starts anew after a restore")
    lines += [f"{name}: was not there" for name in manifest.missing]
    return lines
