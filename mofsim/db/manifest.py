"""What a backup holds, and whether it still does."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mofsim import __version__
from mofsim.db.archive import BackupDamaged, Reader, is_plain

DATABASE = "mofsim.db"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """Written last, so that a backup that has it is whole."""

    mofsim: str
    schema: str
    created_at: str
    #: rows of each table
    counts: dict[str, int]
    n_files: int
    total_bytes: int
    #: of the names and sizes of all files
    checksum: str
    #: files that the database names and that were gone before the backup
    missing: list[str] = field(default_factory=list)


def describe(database: Path, sizes: Mapping[str, int], missing: list[str]) -> Manifest:
    """The manifest of a backup of this database with files of these sizes."""
    files = [(name, sizes[name]) for name in named_files(database) if name in sizes]
    return Manifest(
        mofsim=__version__,
        schema=schema_of(database),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        counts=count_rows(database),
        n_files=len(files),
        total_bytes=sum(size for _, size in files),
        checksum=_checksum(files),
        missing=missing,
    )


def named_files(database: Path) -> Iterator[str]:
    """The files that a database names, as paths below storage.root."""
    with closing(sqlite3.connect(database)) as connection:
        for original, normalised in connection.execute("SELECT file_path, normalised_path FROM structures"):
            yield from dict.fromkeys([f"structures/{original}", f"structures/{normalised}"])
        for (path,) in connection.execute("SELECT DISTINCT file_path FROM models WHERE is_custom"):
            yield str(path)
        for task_id, attempt, files in connection.execute("SELECT task_id, attempt, output_files FROM task_results"):
            for name in json.loads(files):
                yield f"results/{task_id}/{attempt}/{name}"


def schema_of(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0])


def count_rows(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        tables = [name for (name,) in connection.execute(query + " ORDER BY name")]
        return {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables}


def verify(reader: Reader, database: Path) -> Manifest:
    """Hold a backup against its own manifest; its database is left at `database`. Raises BackupDamaged."""
    manifest_path = database.with_name(f"{database.name}.{MANIFEST}")
    reader.extract(MANIFEST, manifest_path)
    manifest = _read_manifest(manifest_path)
    manifest_path.unlink()
    reader.extract(DATABASE, database)
    _check_database(database, manifest)
    found = [(name, reader.size(name)) for name in present_files(database, manifest)]
    lost = next((name for name, size in found if size is None), None)
    if lost is not None:
        raise BackupDamaged(f"{lost} is missing in it. {BackupDamaged.__doc__}")
    if _checksum(found) != manifest.checksum:
        raise BackupDamaged(f"its files are not those that were written. {BackupDamaged.__doc__}")
    return manifest


def present_files(database: Path, manifest: Manifest) -> Iterator[str]:
    """The files that the backup's database names, without those that were lost before it was taken."""
    missing = set(manifest.missing)
    return (name for name in named_files(database) if is_plain(name) and name not in missing)


def _checksum(files: Iterable[tuple[str, int | None]]) -> str:
    digest = hashlib.sha256()
    for name, size in files:
        digest.update(f"{name}\0{size}\n".encode())
    return digest.hexdigest()


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise BackupDamaged(f"its {MANIFEST} can not be read. {BackupDamaged.__doc__}") from None


def _check_database(database: Path, manifest: Manifest) -> None:
    try:
        with closing(sqlite3.connect(database)) as connection:
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
            problems += [f"{row[0]} refers to nothing" for row in connection.execute("PRAGMA foreign_key_check")]
        if not problems and count_rows(database) != manifest.counts:
            problems = ["its tables do not have the rows that were counted"]
    except sqlite3.DatabaseError as error:
        problems = [str(error)]
    if problems:
        raise BackupDamaged(f"the database is damaged: {problems[0]}. {BackupDamaged.__doc__}")
