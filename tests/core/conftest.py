from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mofsim.core import leases, lifecycle
from mofsim.core.leases import Outcome
from mofsim.db.engine import Database
from mofsim.db.tables import Structure, Task, utcnow
from mofsim.vocabulary import Priority, TaskStatus
from tests import engines
from tests.tables import make_tables


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with empty_database(request.param, tmp_path) as database:
        yield database


@contextmanager
def empty_database(engine: str, folder: Path) -> Iterator[Database]:
    if engine == "postgresql":
        url = engines.new_postgresql()
        database = Database(url.render_as_string(hide_password=False))
        yield database
        database.close()
        engines.drop_postgresql(url)
    else:
        make_tables(folder / "mofsim.db")
        database = Database(f"sqlite:///{folder / 'mofsim.db'}")
        yield database
        database.close()


@pytest.fixture
def structure(database: Database) -> Structure:
    return add_structure(database)


def add_structure(database: Database) -> Structure:
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


@pytest.fixture
def complete(session: Session, new_task: Callable[..., Task]) -> Callable[..., Task]:
    """Run a task to its end, as if it had taken so long and so much memory."""

    def complete(seconds: float, peak_MB: float | None = 1300.0, gpu: bool = False, **values: Any) -> Task:
        task = new_task(session, **values)
        gpu_id = "GPU-0" if gpu else None
        claimed = leases.claim(
            session, "box:0", gpu_id=gpu_id, loaded_models=[], lease_seconds=30, affinity_seconds=120
        )
        assert claimed and claimed[1] is task
        leases.start(session, claimed[0], 10)
        metrics = {"duration_seconds": seconds, "peak_memory_MB": peak_MB}
        leases.finish(session, claimed[0], Outcome(TaskStatus.COMPLETED, metrics=metrics))
        return task

    return complete
