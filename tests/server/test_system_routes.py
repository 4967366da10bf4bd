"""Workers that are drained, and alerts; what raises and resolves these is held elsewhere."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mofsim.core import alerts, counters, workers
from mofsim.db.engine import Database
from mofsim.db.tables import Worker
from mofsim.vocabulary import AlertLevel, AlertType, Duration

ALERTS = "/api/v1/alerts"
SYSTEM = "/api/v1/system"
WORKERS = f"{SYSTEM}/workers"


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


async def test_stats_tell_what_was_done_and_forget_no_deleted_task(
    client: httpx.AsyncClient, registered: str, database: Database, submit: Callable[..., int]
) -> None:
    with database.write() as session:
        for seconds in (2.0, 4.0):
            counters.observe(session, Duration.RUN, "optimization", "7net-0", seconds)
        counters.observe(session, Duration.WAIT, "stability", "7net-0", 0.5)
    task_id = submit()
    submit()
    await client.post(f"/api/v1/tasks/{task_id}/cancel")
    before = (await client.get(f"{SYSTEM}/stats")).json()["data"]
    assert (await client.delete(f"/api/v1/tasks/{task_id}")).status_code == 200
    after = (await client.get(f"{SYSTEM}/stats")).json()["data"]

    assert (before["tasks"]["CANCELLED"], after["tasks"]["CANCELLED"]) == (1, 0)
    assert after["tasks"]["QUEUED"] == 1
    assert after["tasks_ended"] == {"COMPLETED": 0, "FAILED": 0, "CANCELLED": 1, "TIMEOUT": 0}
    run, wait = after["times"]
    assert (run["task_type"], run["runs"], run["mean_run_seconds"], run["waits"]) == ("optimization", 2, 3.0, 0)
    assert (wait["task_type"], wait["waits"], wait["mean_wait_seconds"]) == ("stability", 1, 0.5)
    assert wait["mean_run_seconds"] is None
    builtin = await items(client, "/api/v1/structures/builtin")
    assert (after["structures_builtin"], after["structures_uploaded"]) == (len(builtin), 0)
    assert after["workers"]["STARTING"] == 1 and sum(after["workers"].values()) == 1
    assert 0 < after["storage_free_MB"] < after["storage_total_MB"]


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
