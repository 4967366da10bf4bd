from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.db.engine import Database
from tests.tables import make_tables


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    make_tables(tmp_path / "mofsim.db")
    database = Database(f"sqlite:///{tmp_path / 'mofsim.db'}")
    yield database
    database.close()
