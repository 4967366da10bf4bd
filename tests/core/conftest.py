from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mofsim.core import lifecycle
from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade
from mofsim.db.tables import Structure, Task, utcnow
from mofsim.vocabulary import Priority


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'mofsim.db'}")
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def structure(database: Database) -> Structure:
    row = Structure(
        name="MOF-5",
        original_name="MOF-5.cif",
        file_path="builtin/MOF-5.cif",
        normalised_path="builtin/MOF-5.extxyz",
        file_size=1,
        format="cif",
        checksum="0" * 64,
        n_atoms=106,
        formula="C48H24O26Zn8",
        elements=["C", "H", "O", "Zn"],
        volume_A3=4309.0,
        is_builtin=True,
        description="",
    )
    with database.write() as session:
        session.add(row)
    return row


@pytest.fixture
def new_task(structure: Structure) -> Callable[..., Task]:
    def create(session: Session, **values: Any) -> Task:
        given = {
            "priority": Priority.NORMAL,
            "model_name": "7net-0",
            "max_attempts": 3,
            "awaits_parent": False,
        } | values
        task = Task(
            task_type="optimization",
            structure_id=structure.id,
            preset="quick",
            parameters={"fmax_eV_per_A": 0.05, "max_steps": 100},
            timeout_seconds=3600.0,
            attempt=0,
            faults=0,
            held=False,
            progress={},
            created_at=utcnow(),
            **given,
        )
        task.structure = session.get_one(Structure, structure.id)
        lifecycle.accept(session, task)
        return task

    return create
