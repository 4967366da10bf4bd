"""Workers that are drained, and alerts; what raises and resolves these is held elsewhere."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mofsim.core import alerts, workers
from mofsim.db.engine import Database
from mofsim.db.tables import Worker
from mofsim.vocabulary import AlertLevel, AlertType

ALERTS = "/api/v1/alerts"
WORKERS = "/api/v1/system/workers"


@pytest.fixture
def registered(database: Database) -> str:
    """The id of a worker that has started."""
    with database.write() as session:
        worker = Worker(id="box:gpu0", host="box", slot="gpu0", pid=1, incarnation="a", memory_MB=8000.0, note="")
        workers.register(session, worker)
    return "box:gpu0"


async def items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["items"])


async def test_a_worker_is_drained_and_resumed(client: httpx.AsyncClient, registered: str) -> None:
    for verb, drain in [("drain", True), ("drain", True), ("resume", False)]:
        answer = await client.post(f"{WORKERS}/{registered}/{verb}")
        assert (answer.status_code, answer.json()["data"]["drain"]) == (202, drain)
        assert [(each["id"], each["drain"], each["memory_MB"]) for each in await items(client, WORKERS)] == [
            (registered, drain, 8000.0)
        ]


async def test_a_task_that_only_drained_workers_could_take_says_so(
    client: httpx.AsyncClient, registered: str, submit: Callable[..., int]
) -> None:
    path = f"/api/v1/tasks/{submit()}/explain"
    assert "a worker takes it any moment" in (await client.get(path)).json()["data"]["sentence"]
    await client.post(f"{WORKERS}/{registered}/drain")
    assert "resume one that is drained" in (await client.get(path)).json()["data"]["sentence"]


@pytest.mark.parametrize("verb", ["drain", "resume"])
async def test_a_worker_that_was_never_there_is_not_found(client: httpx.AsyncClient, verb: str) -> None:
    answer = await client.post(f"{WORKERS}/box%3Agpu7/{verb}")
    assert answer.status_code == 404
    assert "no worker 'box:gpu7'; `mofsim workers`" in answer.json()["error"]["detail"]


async def test_alerts_are_listed_while_they_hold_and_remembered_after(
    client: httpx.AsyncClient, database: Database
) -> None:
    with database.write() as session:
        for number in range(2):
            worker = f"box:gpu{number}"
            alerts.raise_alert(session, AlertType.GPU_FAULT, worker, AlertLevel.ERROR, "it fell off", {"xid": 79})
    active = await items(client, f"{ALERTS}/active")
    assert [each["subject"] for each in active] == ["box:gpu1", "box:gpu0"]
    assert (active[0]["alert_type"], active[0]["level"], active[0]["details"]) == ("gpu_fault", "ERROR", {"xid": 79})
    assert (await client.get("/health")).json()["data"]["alerts_active"] == 2

    with database.write() as session:
        alerts.resolve(session, AlertType.GPU_FAULT, "box:gpu1")
    assert [each["subject"] for each in await items(client, f"{ALERTS}/active")] == ["box:gpu0"]
    assert (await client.get("/health")).json()["data"]["alerts_active"] == 1
    history = await items(client, f"{ALERTS}/history")
    assert [(each["subject"], each["resolved"]) for each in history] == [("box:gpu1", True), ("box:gpu0", False)]
    assert [each["subject"] for each in await items(client, f"{ALERTS}/history?limit=1")] == ["box:gpu1"]


async def test_a_history_without_end_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{ALERTS}/history?limit=100000")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "limit")
