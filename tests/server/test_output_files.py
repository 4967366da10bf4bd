"""Output files: only what was published, whole or in ranges, never as something that a browser runs."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mofsim.core import leases
from mofsim.core.leases import Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.settings import Settings
from mofsim.vocabulary import TaskStatus

CONTENT = bytes(range(256)) * 1000
NAMES = ["trajectory.extxyz", "plot.png", "result.json", "relaxed.cif", "page.html", "script.svg", "Å file.txt"]


@pytest.fixture
def folder(submit: Callable[..., int], database: Database, settings: Settings) -> Path:
    """The outputs of task 1, attempt 1, which has ended."""
    task_id = submit()
    folder = Storage(settings.storage.root).attempt(task_id, 1)
    folder.mkdir(parents=True)
    for name in [*NAMES, "secret.txt"]:
        (folder / name).write_bytes(CONTENT)
    with database.write() as session:
        claimed = leases.claim(session, "box/cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0)
        assert claimed and task_id == 1
        leases.start(session, claimed[0], 1)
        published = dict.fromkeys([*NAMES, "lost.csv"], len(CONTENT))
        leases.finish(session, claimed[0], Outcome(TaskStatus.COMPLETED, output_files=published))
    return folder


async def test_published_files_are_listed_with_their_urls(client: httpx.AsyncClient, folder: Path) -> None:
    listed = (await client.get("/api/v1/tasks/1/files")).json()["data"]["items"]
    assert [each["name"] for each in listed] == [*NAMES, "lost.csv"]
    for each in listed[:-1]:
        answer = await client.get(each["url"])
        assert (answer.content, each["size_bytes"]) == (CONTENT, len(CONTENT))


async def test_no_file_is_served_as_something_that_runs(client: httpx.AsyncClient, folder: Path) -> None:
    kinds = {}
    for name in NAMES:
        answer = await client.get(f"/api/v1/files/1/1/{name}")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith("attachment;")
        kinds[name] = answer.headers["content-type"]
    text = "text/plain; charset=utf-8"
    assert kinds == {
        "trajectory.extxyz": text,
        "plot.png": "image/png",
        "result.json": "application/json",
        "relaxed.cif": text,
        "page.html": "application/octet-stream",
        "script.svg": "application/octet-stream",
        "Å file.txt": text,
    }


@pytest.mark.parametrize(
    "path",
    [
        "1/1/secret.txt",
        "1/1/lost.csv",
        "1/2/plot.png",
        "1/0/plot.png",
        "2/1/plot.png",
        "1/1/..%2F..%2F..%2Fmofsim.db",
        "1/1/%2e%2e",
        "1/1/%00",
        "1/1/plot.png%00.txt",
        "1/1/" + "a" * 5000,
    ],
)
async def test_what_was_not_published_is_not_there(client: httpx.AsyncClient, folder: Path, path: str) -> None:
    answer = await client.get(f"/api/v1/files/{path}")
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["type"] == "NotFound"


def test_parts_of_a_file_are_served_by_range(server: str, with_key: dict[str, str], folder: Path) -> None:
    with httpx.Client(base_url=server, headers=with_key) as client:

        def get(**headers: str) -> httpx.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.get("/api/v1/files/1/1/plot.png", headers=named)

        size, whole = len(CONTENT), get()
        assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
        for wanted, part, said in [
            ("bytes=0-0", CONTENT[:1], f"bytes 0-0/{size}"),
            ("bytes=100-199", CONTENT[100:200], f"bytes 100-199/{size}"),
            ("bytes=255900-", CONTENT[255900:], f"bytes 255900-{size - 1}/{size}"),
            ("bytes=-7", CONTENT[-7:], f"bytes {size - 7}-{size - 1}/{size}"),
        ]:
            answer = get(Range=wanted)
            assert (answer.status_code, answer.content, answer.headers["content-range"]) == (206, part, said)

        etag = whole.headers["etag"]
        assert get(Range="bytes=0-9", If_Range=etag).status_code == 206
        assert get(Range="bytes=0-9", If_Range='"other"').content == CONTENT
        several = get(Range="bytes=0-9,100-109")
        assert several.status_code == 206 and CONTENT[100:110] in several.content
        head = client.head("/api/v1/files/1/1/plot.png")
        assert (head.status_code, head.headers["content-length"], head.content) == (200, str(size), b"")


def test_a_range_outside_of_the_file_is_refused_in_the_envelope(
    server: str, with_key: dict[str, str], folder: Path
) -> None:
    with httpx.Client(base_url=server, headers=with_key) as client:
        for wanted, status in [("bytes=256000-", 416), ("bytes=5-1", 400), ("lines=1-2", 400), ("bytes=x-y", 400)]:
            answer = client.get("/api/v1/files/1/1/plot.png", headers={"Range": wanted})
            assert (answer.status_code, answer.json()["error"]["field"]) == (status, "Range")
        assert client.get("/api/v1/files/1/1/plot.png", headers={"Range": "bytes=256000-"}).headers[
            "content-range"
        ] == (f"bytes */{len(CONTENT)}")
