"""Files of old results: compressed ones come as they were, those that were removed are told of."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mofsim.core import leases
from mofsim.core.leases import Outcome
from mofsim.core.retention import Policy, Retention
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.settings import Settings
from mofsim.vocabulary import TaskStatus

FILES = {
    "trajectory.extxyz": b"frame 1.25 2.5\n" * 100_000,
    "series.csv": b"step,energy_eV\n" + b"".join(b"%d,-1.5\n" % step for step in range(2000)),
    "result.json": b"{}",
}
OF_TASK = "/api/v1/files/1/1"


@pytest.fixture
def folder(submit: Callable[..., int], database: Database, settings: Settings) -> Path:
    """The outputs of task 1, which has ended."""
    folder = Storage(settings.storage.root).attempt(submit(), 1)
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    with database.write() as session:
        claimed = leases.claim(session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0)
        assert claimed
        leases.start(session, claimed[0], 1)
        files = {name: len(content) for name, content in FILES.items()}
        leases.finish(session, claimed[0], Outcome(TaskStatus.COMPLETED, output_files=files))
    return folder


@pytest.fixture
def compressed(folder: Path, database: Database, settings: Settings) -> Path:
    retention(database, settings, compress_after=timedelta()).tidy(lambda: True)
    assert sorted(path.name for path in folder.iterdir()) == ["result.json", "series.csv", "trajectory.extxyz.gz"]
    return folder


@pytest.fixture
def removed(folder: Path, database: Database, settings: Settings) -> None:
    retention(database, settings, keep=timedelta()).tidy(lambda: True)
    assert not folder.exists()


def retention(database: Database, settings: Settings, **ages: timedelta) -> Retention:
    policy = Policy(ages.get("compress_after"), ages.get("keep"), None)
    return Retention(database, Storage(settings.storage.root), policy)


async def test_a_compressed_file_is_there_under_both_names(client: httpx.AsyncClient, compressed: Path) -> None:
    listed = (await client.get("/api/v1/tasks/1/files")).json()["data"]["items"]
    assert [each["name"] for each in listed] == ["trajectory.extxyz.gz", "series.csv", "result.json"]
    packed = await client.get(listed[0]["url"])
    assert packed.headers["content-type"] == "application/gzip"
    assert (gzip.decompress(packed.content), len(packed.content)) == (
        FILES["trajectory.extxyz"],
        listed[0]["size_bytes"],
    )

    whole = await client.get(f"{OF_TASK}/trajectory.extxyz", headers={"Range": "bytes=0-9"})
    assert (whole.status_code, whole.content) == (200, FILES["trajectory.extxyz"])
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["accept-ranges"] == "none"
    assert whole.headers["content-disposition"] == "attachment; filename*=utf-8''trajectory.extxyz"


def test_it_is_unpacked_while_it_is_sent(server: str, with_key: dict[str, str], compressed: Path) -> None:
    with httpx.Client(base_url=server, headers=with_key) as client:
        assert client.get(f"{OF_TASK}/trajectory.extxyz").content == FILES["trajectory.extxyz"]
        head = client.head(f"{OF_TASK}/trajectory.extxyz")
        assert (head.status_code, head.content) == (200, b"")
        part = client.get(f"{OF_TASK}/trajectory.extxyz.gz", headers={"Range": "bytes=0-1"})
        assert (part.status_code, part.content) == (206, b"\x1f\x8b")


def test_a_large_file_is_never_whole_in_memory(
    settings: Settings, serve_with: Callable[..., Any], compressed: Path, with_key: dict[str, str]
) -> None:
    size = 400_000_000
    with gzip.open(compressed / "trajectory.extxyz.gz", "wb", compresslevel=1) as file:
        for _ in range(size // 1_000_000):
            file.write(bytes(1_000_000))
    with serve_with(settings) as running:
        before = peak_memory(running.process.pid)
        with httpx.stream("GET", f"{running.url}{OF_TASK}/trajectory.extxyz", headers=with_key) as answer:
            assert sum(len(piece) for piece in answer.iter_raw()) == size
        assert peak_memory(running.process.pid) - before < 100_000_000


def peak_memory(pid: int) -> int:
    """The most that a process had in memory, in bytes."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1000


async def test_a_file_that_is_compressed_at_this_moment_is_found(client: httpx.AsyncClient, folder: Path) -> None:
    # The row was read before it named the compressed file, the disk is looked at after.
    (folder / "trajectory.extxyz.gz").write_bytes(gzip.compress(FILES["trajectory.extxyz"]))
    (folder / "trajectory.extxyz").unlink()
    assert (await client.get(f"{OF_TASK}/trajectory.extxyz")).content == FILES["trajectory.extxyz"]


@pytest.mark.parametrize("name", ["result.json.gz", "trajectory.extxyz.gz.gz", "trajectory.extxy", "other.txt"])
async def test_a_compressed_file_makes_no_other_names(client: httpx.AsyncClient, compressed: Path, name: str) -> None:
    (compressed / "other.txt.gz").write_bytes(gzip.compress(b"not published"))
    assert (await client.get(f"{OF_TASK}/{name}")).status_code == 404


async def test_the_series_stays(client: httpx.AsyncClient, compressed: Path) -> None:
    columns = (await client.get("/api/v1/tasks/1/series")).json()["data"]["columns"]
    assert (columns["step"][0], columns["step"][-1], columns["energy_eV"][0]) == (0, 1999, -1.5)


async def test_files_that_were_removed_are_told_of(client: httpx.AsyncClient, removed: None) -> None:
    result = (await client.get("/api/v1/tasks/1/result")).json()["data"]
    assert result["output_files"] == {} and result["files_removed_at"]
    assert (await client.get("/api/v1/tasks/1/files")).json()["data"]["items"] == []
    assert (await client.get("/api/v1/tasks/1/series")).json()["data"]["columns"] == {}
    answer = await client.get(f"{OF_TASK}/trajectory.extxyz")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (404, "FilesRemoved")
    when = result["files_removed_at"][:16].replace("T", " ")
    assert "removed by their age" in error["detail"] and f"{when} UTC" in error["detail"]


async def test_files_that_are_there_were_not_removed(client: httpx.AsyncClient, folder: Path) -> None:
    result = (await client.get("/api/v1/tasks/1/result")).json()["data"]
    assert (len(result["output_files"]), result["files_removed_at"]) == (len(FILES), None)
