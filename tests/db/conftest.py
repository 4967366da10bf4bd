from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'mofsim.db'}")
    upgrade(database)
    yield database
    database.close()
