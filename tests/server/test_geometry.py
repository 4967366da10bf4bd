"""Where atoms are, as numbers: of structures, of tasks that run, and of results."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from mofsim.core import geometry, leases
from mofsim.core.leases import Lease, Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.settings import Settings
from mofsim.simulations.frames import FrameFormat, format_structure
from mofsim.vocabulary import TaskStatus

CUBE = Atoms("MgO", positions=[[0, 0, 0], [2.1, 0, 0]], cell=[4.2, 4.2, 4.2], pbc=True)


def frame(step: int, atoms: Atoms = CUBE) -> str:
    moved = atoms.copy()
    moved.positions[1, 0] += step / 100
    return FrameFormat(list(moved.symbols)).format(moved, -1.0, np.zeros((len(moved), 3)), np.zeros(6), step)


@pytest.fixture
def lease(submit: Callable[..., int], database: Database, settings: Settings) -> Lease:
    """Task 1 runs, and has a folder."""
    submit()
    with database.write() as session:
        claimed = leases.claim(session, "box/cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0)
        assert claimed
        leases.start(session, claimed[0], 1)
    Storage(settings.storage.root).attempt(1, 1).mkdir(parents=True)
    return claimed[0]


@pytest.fixture
def folder(lease: Lease, settings: Settings) -> Path:
    return Storage(settings.storage.root).attempt(1, 1)


@pytest.fixture
def end(lease: Lease, database: Database, folder: Path) -> Callable[..., None]:
    def end(status: TaskStatus = TaskStatus.COMPLETED, **result: Any) -> None:
        published = {path.name: path.stat().st_size for path in folder.iterdir()}
        with database.write() as session:
            leases.finish(session, lease, Outcome(status, result=result, output_files=published))

    return end


async def got(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/api/v1/tasks/1/geometry{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def test_a_structure_is_told_as_its_file_has_it(client: httpx.AsyncClient, settings: Settings) -> None:
    data = (await client.get("/api/v1/structures/1/geometry")).json()["data"]
    listed = (await client.get("/api/v1/structures/1")).json()["data"]
    atoms = read(settings.storage.root / "structures" / "builtin" / f"{listed['name']}.extxyz")
    assert data["symbols"] == list(atoms.symbols) and len(data["symbols"]) == listed["n_atoms"]
    np.testing.assert_allclose(data["positions_A"], atoms.positions, atol=1e-6)
    np.testing.assert_allclose(data["cell_A"], atoms.cell.array, atol=1e-6)
    assert (await client.get("/api/v1/structures/999/geometry")).status_code == 404


async def test_a_task_that_waits_has_the_submitted_atoms(client: httpx.AsyncClient, submit: Callable[..., int]) -> None:
    submit()
    data = await got(client)
    assert (data["source"], data["frame"], data["step"]) == ("submitted", "latest", None)
    task = (await client.get("/api/v1/tasks/1")).json()["data"]
    assert len(data["symbols"]) == task["structure"]["n_atoms"]


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 50])
async def test_a_running_task_has_the_last_whole_frame(client: httpx.AsyncClient, folder: Path, frames: int) -> None:
    path = folder / "trajectory.extxyz"
    path.write_text("".join(map(frame, range(frames))))
    data = await got(client)
    assert (data["source"], data["step"]) == ("trajectory.extxyz", frames - 1)
    assert data["positions_A"][1][0] == pytest.approx(2.1 + (frames - 1) / 100)
    with path.open("a") as file:
        file.write(frame(frames)[:-5])
    assert (await got(client))["step"] == frames - 1
    assert (await got(client, "?frame=initial"))["source"] == "submitted"


async def test_before_the_first_frame_is_whole_it_says_to_ask_later(client: httpx.AsyncClient, folder: Path) -> None:
    (folder / "trajectory.extxyz").write_text(frame(0)[:-5])
    answer = await client.get("/api/v1/tasks/1/geometry")
    assert answer.status_code == 404 and "ask again later" in answer.json()["error"]["detail"]


async def test_a_result_is_the_relaxed_structure_and_not_the_trajectory(
    client: httpx.AsyncClient, folder: Path, end: Callable[..., None]
) -> None:
    (folder / "trajectory.extxyz").write_text(frame(0) + frame(1))
    relaxed = CUBE.copy()
    relaxed.set_cell([4.3, 4.3, 4.3])
    (folder / "optimized.extxyz").write_text(format_structure(relaxed))
    end()
    data = await got(client)
    assert (data["source"], data["step"], data["cell_A"][0][0]) == ("optimized.extxyz", None, 4.3)


async def test_what_failed_gives_how_far_it_came_also_when_that_was_compressed(
    client: httpx.AsyncClient, folder: Path, end: Callable[..., None]
) -> None:
    text = "".join(map(frame, range(7)))
    (folder / "trajectory.extxyz").write_text(text)
    end(TaskStatus.FAILED)
    assert (await got(client))["step"] == 6
    (folder / "trajectory.extxyz").unlink()
    (folder / "trajectory.extxyz.gz").write_bytes(gzip.compress(text.encode()))
    assert (await got(client))["step"] == 6


async def test_the_guest_in_the_best_site_is_named(
    client: httpx.AsyncClient, folder: Path, end: Callable[..., None]
) -> None:
    guest = Atoms("CO2", positions=[[1, 1, 1], [1, 1, 2.2], [1, 1, -0.2]])
    (folder / "best.extxyz").write_text(format_structure(CUBE + guest))
    end(guest_indices=[2, 3, 4])
    assert (await got(client))["guest_indices"] == [2, 3, 4]
    assert (await got(client, "?frame=initial"))["guest_indices"] == [], "the host was submitted without it"


async def test_files_that_were_removed_by_their_age_are_told(
    client: httpx.AsyncClient, folder: Path, end: Callable[..., None], database: Database
) -> None:
    from mofsim.db.tables import TaskResult, utcnow

    (folder / "optimized.extxyz").write_text(format_structure(CUBE))
    end()
    with database.write() as session:
        session.get_one(TaskResult, 1).files_removed_at = utcnow()
    answer = await client.get("/api/v1/tasks/1/geometry")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "FilesRemoved")


def test_of_a_long_trajectory_only_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trajectory.extxyz"
    path.write_text("".join(map(frame, range(2000))))
    seen = []
    frames = geometry._frames
    monkeypatch.setattr(geometry, "_frames", lambda file: (seen.append(each) or each for each in frames(file)))
    found = geometry._last(path)
    assert found is not None and found.step == 1999
    assert len(seen) <= 5
