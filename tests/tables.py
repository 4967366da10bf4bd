"""A database with the tables of this version and nothing in them."""

import tempfile
from functools import cache
from pathlib import Path

from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade


def make_tables(file: Path) -> None:
    """Write a copy of one that was migrated once: all migrations take a tenth of a second, and many tests need one."""
    file.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mofsim.db"
        database = Database(f"sqlite:///{file}")
        upgrade(database)
        # What is in the write-ahead log goes into the file.
        database.close()
        assert [path.name for path in file.parent.iterdir()] == [file.name]
        return file.read_bytes()
