"""What the API tells of a model, and loading it on a worker."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from mofsim.core import models, workers
from mofsim.core.hashing import sha256
from mofsim.db.engine import Database
from mofsim.db.tables import MemoryNeed, Worker
from mofsim.settings import Settings
from mofsim.vocabulary import WorkerState


@pytest.fixture
def two_workers(database: Database) -> list[str]:
    ids = ["box:gpu0", "box:gpu1"]
    with database.write() as session:
        for id in ids:
            slot = id.partition(":")[2]
            worker = Worker(id=id, host="box", slot=slot, pid=1, incarnation="a", state=WorkerState.STARTING, note="")
            workers.register(session, worker)
    return ids


async def data(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def wishes(client: httpx.AsyncClient) -> dict[str, dict[str, str]]:
    return {worker["id"]: worker["model_wishes"] for worker in (await data(client, "/api/v1/system/workers"))["items"]}


async def test_a_model_tells_what_was_learnt_of_it(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    before = await data(client, "/api/v1/models/chgnet")
    assert (before["weights_sha256"], before["environment"], before["memory"]) == (None, None, [])
    facts = {"weights_sha256": "ab" * 32, "versions": {"chgnet": "0.4.2"}, "elements": ["H"], "load_seconds": 4.5}
    with database.write() as session:
        models.learn(session, "chgnet", facts)
        session.add(MemoryNeed(device="cuda", model_name="chgnet", n_atoms=54, peak_MB=900.0))
    python = settings.storage.root / "envs" / "chgnet" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    model = await data(client, "/api/v1/models/chgnet")
    assert {name: model[name] for name in ("weights_sha256", "versions", "load_seconds")} == {
        name: facts[name] for name in ("weights_sha256", "versions", "load_seconds")
    }
    assert (model["environment"], model["python"]) == ("chgnet", str(python))
    assert [(need["n_atoms"], need["peak_MB"]) for need in model["memory"]] == [(54, 900.0)]
    assert len(model["elements"]) == 89, "what the settings say should go before what the package can take"


async def test_weights_that_are_seen_from_here_are_hashed(client: httpx.AsyncClient) -> None:
    sevenn = pytest.importorskip("sevenn")
    model = await data(client, "/api/v1/models/7net-0")
    path = Path(sevenn.__file__).parent / model["checkpoint"].removeprefix("package:sevenn/")
    assert model["weights_sha256"] == sha256(path)


async def test_a_model_is_wanted_on_all_workers_or_on_one(client: httpx.AsyncClient, two_workers: list[str]) -> None:
    answer = await client.post("/api/v1/models/7net-0/load")
    assert answer.status_code == 202, answer.text
    assert [worker["id"] for worker in answer.json()["data"]["items"]] == two_workers
    assert await wishes(client) == {id: {"7net-0": "load"} for id in two_workers}
    answer = await client.post("/api/v1/models/7net-0/unload", json={"worker": "box:gpu1"})
    assert answer.status_code == 202, answer.text
    assert await wishes(client) == {"box:gpu0": {"7net-0": "load"}, "box:gpu1": {"7net-0": "unload"}}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nothing/load", {}, 404),
        ("7net-0/load", {"worker": "elsewhere"}, 404),
        ("7net-0/load", {"where": "box:gpu0"}, 422),
        ("7net-0/load", {"worker": "box:gpu9"}, 409),
    ],
)
async def test_what_can_not_be_wanted_is_refused(
    client: httpx.AsyncClient, database: Database, two_workers: list[str], path: str, body: Any, status: int
) -> None:
    with database.write() as session:
        gone = Worker(id="box:gpu9", host="box", slot="gpu9", pid=1, incarnation="a", state="STOPPED", note="")
        session.add(gone)
    answer = await client.post(f"/api/v1/models/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert set(map(str, (await wishes(client)).values())) == {"{}"}
