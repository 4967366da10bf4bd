"""Files from workers elsewhere: in pieces, checked, and only from the attempt that holds the task."""

import hashlib
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import func, select

from mofsim.core import leases
from mofsim.core.leases import Lease, Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Audit, Model, Task
from mofsim.server.app import create_app
from mofsim.settings import Settings
from mofsim.vocabulary import AttemptOutcome, TaskStatus

CONTENT = bytes(range(256)) * 40
CHECKPOINT = "000001-000000005.checkpoint"

Take = Callable[[], Lease]


@pytest.fixture
def take(submit: Callable[..., int], database: Database) -> Take:
    """Submit and claim a task, whose first step is made."""

    def take() -> Lease:
        submit()
        return again(database)

    return take


def again(database: Database) -> Lease:
    with database.write() as session:
        claimed = leases.claim(session, "far:cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0)
        assert claimed
        leases.start(session, claimed[0], 1)
        return claimed[0]


def lose(database: Database, lease: Lease) -> None:
    with database.write() as session:
        leases.give_back(session, lease, AttemptOutcome.LOST, "it was cut off", backoff_seconds=0)


def url(lease: Lease, name: str) -> str:
    return f"/api/v1/transfer/tasks/{lease.task_id}/{lease.attempt}/files/{name}"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def send(client: httpx.AsyncClient, where: str, content: bytes, offset: int = 0) -> httpx.Response:
    headers = {"Upload-Offset": str(offset), "Upload-Checksum": f"sha256 {digest(content)}"}
    return await client.patch(where, content=content, headers=headers | {"Content-Type": "application/octet-stream"})


async def publish(client: httpx.AsyncClient, where: str, content: bytes) -> httpx.Response:
    return await client.put(where, json={"size": len(content), "sha256": digest(content)})


def kind(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["type"]


@pytest.fixture
def root(settings: Settings) -> Storage:
    return Storage(settings.storage.root)


async def test_a_file_comes_in_pieces_and_is_there_only_when_it_is_whole(
    client: httpx.AsyncClient, take: Take, root: Storage
) -> None:
    lease = take()
    where, target = url(lease, "optimized.cif"), root.attempt(lease.task_id, 1) / "optimized.cif"
    assert (await client.head(where)).headers["upload-offset"] == "0"
    assert (await send(client, where, CONTENT[:5000])).json()["data"]["offset"] == 5000
    assert (await client.head(where)).headers["upload-offset"] == "5000"
    assert kind(await publish(client, where, CONTENT)) == (409, "WrongOffset")
    assert kind(await send(client, where, CONTENT[4000:], 4000)) == (409, "WrongOffset")
    assert not target.exists()
    assert (await send(client, where, CONTENT[5000:], 5000)).json()["data"]["offset"] == len(CONTENT)
    assert not target.exists(), "it may have been damaged"
    for _ in range(2):
        # An answer may be lost: the same request again is answered the same.
        assert (await publish(client, where, CONTENT)).json()["data"]["is_whole"]
        assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["optimized.cif"]


async def test_what_grows_can_be_looked_at_before_it_is_whole(client: httpx.AsyncClient, take: Take) -> None:
    lease = take()
    rows = b"step,energy_eV\n0,-1.5\n1,-1.75\n"
    where = url(lease, "series.csv")
    assert (await send(client, where, rows[:-8])).status_code == 200
    series = await client.get(f"/api/v1/tasks/{lease.task_id}/series")
    assert series.json()["data"]["columns"]["energy_eV"] == [-1.5]
    await send(client, where, rows[-8:], len(rows) - 8)
    assert (await publish(client, where, rows)).status_code == 200


async def test_damage_is_noticed_in_a_piece_and_in_the_whole(
    client: httpx.AsyncClient, take: Take, root: Storage
) -> None:
    lease = take()
    where = url(lease, "forces.extxyz")
    headers = {"Upload-Offset": "0", "Upload-Checksum": f"sha256 {digest(CONTENT)}"}
    headers["Content-Type"] = "application/octet-stream"
    damaged = await client.patch(where, content=CONTENT[:-1] + b"x", headers=headers)
    assert kind(damaged) == (422, "WrongChecksum")
    assert (await client.head(where)).headers["upload-offset"] == "0"
    await send(client, where, CONTENT[:-1] + b"x")
    assert kind(await publish(client, where, CONTENT)) == (409, "WrongChecksum")
    assert (await client.head(where)).headers["upload-offset"] == "0", "it is to be sent anew"
    assert list(root.attempt(lease.task_id, 1).iterdir()) == []


async def test_nothing_is_taken_from_an_attempt_that_lost_its_task(
    client: httpx.AsyncClient, take: Take, database: Database, root: Storage
) -> None:
    first = take()
    where, folder = url(first, "optimized.cif"), root.attempt(first.task_id, 1)
    await send(client, where, CONTENT)
    lose(database, first)
    second = again(database)
    assert second.attempt == 2
    answers = [
        await client.get(where),
        await send(client, where, b"more", len(CONTENT)),
        await publish(client, where, CONTENT),
        await send(client, url(first, CHECKPOINT), CONTENT),
        await client.get(f"/api/v1/transfer/tasks/{first.task_id}/1/earlier"),
        await client.delete(f"/api/v1/transfer/tasks/{first.task_id}/1/checkpoints"),
    ]
    assert [kind(answer) for answer in answers] == [(409, "LeaseLost")] * 6
    assert [path.name for path in folder.iterdir()] == [".optimized.cif.arrival.tmp"]
    assert not root.checkpoint(first.task_id).exists() and not root.attempt(first.task_id, 2).exists()
    assert (await send(client, url(second, "optimized.cif"), CONTENT)).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fx.cif",
        "%2e%2e",
        ".hidden.csv",
        "series.csv.gz",
        "script.sh",
        "a%00.csv",
        "000002-000000005.checkpoint",
        "x.checkpoint",
        "a" * 120 + ".csv",
    ],
)
async def test_no_other_name_becomes_a_path(client: httpx.AsyncClient, take: Take, root: Storage, name: str) -> None:
    before = sorted(root.root.rglob("*"))
    assert (await send(client, url(take(), name), CONTENT)).status_code == 404
    made = [path for path in sorted(root.root.rglob("*")) if path not in before]
    assert [path for path in made if not path.name.startswith(("mofsim.db", "queue.db"))] == []


async def test_the_next_attempt_fetches_what_the_last_one_left(
    client: httpx.AsyncClient, take: Take, database: Database, root: Storage
) -> None:
    first = take()
    steps = [f"000001-00000000{step}.checkpoint" for step in (5, 6, 7)]
    for name in ["series.csv", *steps]:
        await send(client, url(first, name), CONTENT)
        assert (await publish(client, url(first, name), CONTENT)).status_code == 200
    assert sorted(path.name for path in root.checkpoint(first.task_id).iterdir()) == steps[1:], "two are enough"
    own = f"/api/v1/transfer/tasks/{first.task_id}/1/checkpoints"
    assert kind(await client.delete(own)) == (409, "CheckpointsNeeded")
    lose(database, first)
    second = again(database)
    there = f"/api/v1/transfer/tasks/{second.task_id}/2"
    listed = (await client.get(f"{there}/earlier")).json()["data"]["items"]
    assert [(each["attempt"], each["name"]) for each in listed] == [(1, name) for name in ["series.csv", *steps[1:]]]
    part = await client.get(f"{there}/earlier/1/{steps[2]}", headers={"Range": "bytes=100-"})
    assert (part.status_code, part.content) == (206, CONTENT[100:])
    with database.write() as session:
        leases.finish(session, second, Outcome(TaskStatus.COMPLETED))
    assert (await client.delete(f"{there}/checkpoints")).status_code == 200
    assert not root.checkpoint(first.task_id).exists()


async def test_of_a_task_that_begins_anew_no_checkpoint_is_left(
    client: httpx.AsyncClient, take: Take, database: Database, root: Storage
) -> None:
    first = take()
    await send(client, url(first, CHECKPOINT), CONTENT)
    await publish(client, url(first, CHECKPOINT), CONTENT)
    lose(database, first)
    second = again(database)
    with database.write() as session:
        session.get_one(Task, second.task_id).clean_start = True
    there = f"/api/v1/transfer/tasks/{second.task_id}/2"
    assert (await client.get(f"{there}/earlier")).json()["data"]["items"] == []
    assert (await client.delete(f"{there}/checkpoints")).status_code == 200
    assert not root.checkpoint(first.task_id).exists()


async def test_structures_and_weights_come_from_the_server(
    client: httpx.AsyncClient, database: Database, root: Storage
) -> None:
    structure = (await client.get("/api/v1/structures/builtin")).json()["data"]["items"][0]
    file = await client.get(f"/api/v1/transfer/structures/{structure['id']}")
    normalised = await client.get(f"/api/v1/structures/{structure['id']}/file", params={"form": "normalised"})
    assert file.content == normalised.content
    path = root.models / digest(CONTENT) / "weights.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    with database.write() as session:
        file_path, config = str(path.relative_to(root.root)), {"sha256": digest(CONTENT)}
        model = Model(name="mine", framework="sevenn", file_path=file_path, config=config, is_custom=True, facts={})
        model.is_available = model.is_validated = True
        model.description = ""
        session.add(model)
    assert (await client.get(f"/api/v1/transfer/models/{digest(CONTENT)}")).content == CONTENT
    assert (await client.get(f"/api/v1/transfer/models/{digest(b'')}")).status_code == 404


async def test_a_full_disk_and_a_file_that_is_too_large_are_refused(
    make_settings: Callable[..., Settings], take: Take, with_key: dict[str, str]
) -> None:
    for changes, refused, has_room in (
        ({"storage.min_free_MB": 10**12}, (507, "DiskFull"), False),
        ({"storage.max_result_MB": 1}, (413, "FileTooLarge"), True),
    ):
        app = create_app(make_settings(changes))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=with_key) as client,
        ):
            lease = take()
            assert (await client.get("/api/v1/transfer")).json()["data"]["has_room"] is has_room
            assert (
                kind(await send(client, url(lease, "best.cif"), CONTENT, 0 if has_room is False else 10**6)) == refused
            )


async def test_pieces_leave_no_line_in_the_audit(client: httpx.AsyncClient, take: Take, database: Database) -> None:
    await send(client, url(take(), "best.cif"), CONTENT)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Audit)) == 0
