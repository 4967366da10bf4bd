"""Boxes, GPUs, and what they showed of late; the whole at a glance."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mofsim.core import readings, workers
from mofsim.db.engine import Database
from mofsim.db.tables import Device, Host

SYSTEM = "/api/v1/system"
PROCESS = {"pid": 7, "memory_MB": 900.0, "name": "python train.py", "user": "ada", "worker_id": None}


@pytest.fixture(autouse=True)
def box(database: Database) -> None:
    """A box with a GPU, as its chores write them."""
    host = Host(name="box", cores=4, load_1min=None, busy_percent=25.0, memory_total_MB=16e3, memory_used_MB=4e3)
    gpu = Device(id="GPU-0", host="box", gpu_index=0, memory_used_MB=1000.0, processes=[PROCESS])
    with database.write() as session:
        workers.record_gpu(session, gpu)
        readings.record(session, host, [gpu])


async def data(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(f"{SYSTEM}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_boxes_and_gpus_are_listed_with_who_computes(client: httpx.AsyncClient) -> None:
    [host] = (await data(client, "hosts"))["items"]
    assert (host["name"], host["cores"], host["load_1min"], host["busy_percent"]) == ("box", 4, None, 25)
    [gpu] = (await data(client, "gpus"))["items"]
    assert gpu["processes"] == [PROCESS] and gpu["power_W"] is None


async def test_histories_have_columns_of_one_length(client: httpx.AsyncClient) -> None:
    of_gpu = await data(client, "gpus/GPU-0/history?seconds=600&points=20")
    assert of_gpu["subject"] == "GPU-0" and of_gpu["columns"]["memory_used_MB"] == [1000]
    of_host = await data(client, "hosts/box/history")
    assert of_host["columns"]["utilisation_percent"] == [25] and set(map(len, of_host["columns"].values())) == {1}


@pytest.mark.parametrize("path", ["gpus/GPU-9/history", "hosts/elsewhere/history"])
async def test_a_history_of_nothing_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"{SYSTEM}/{path}")
    assert answer.status_code == 404 and "mofsim" in answer.json()["error"]["detail"]


@pytest.mark.parametrize("wrong", ["seconds=59", "seconds=99999999", "points=5", "points=100000", "since=1"])
async def test_what_a_history_is_asked_for_is_checked(client: httpx.AsyncClient, wrong: str) -> None:
    answer = await client.get(f"{SYSTEM}/gpus/GPU-0/history?{wrong}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, wrong.partition("=")[0])


async def test_the_overview_tells_of_tasks_that_nobody_takes(
    client: httpx.AsyncClient, submit: Callable[..., int]
) -> None:
    task_id = submit(options={"priority": "HIGH"})
    found = await data(client, "overview")
    assert {lane["priority"]: lane["waiting"] for lane in found["queue"]} == {
        "CRITICAL": 0,
        "HIGH": 1,
        "NORMAL": 0,
        "LOW": 0,
    }
    assert [(each["want"], each["task_id"]) for each in found["stuck"]] == [("worker", task_id)]
    await client.post(f"/api/v1/tasks/{task_id}/cancel")
    after = await data(client, "overview")
    assert after["stuck"] == [] and after["ended"][-1]["by_status"] == {"CANCELLED": 1}
