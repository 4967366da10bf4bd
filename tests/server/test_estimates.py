"""What a task would need, asked before it is submitted."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mofsim.core import leases, workers
from mofsim.core.leases import Outcome
from mofsim.db.engine import Database
from mofsim.db.tables import Model, Task, Worker
from mofsim.queue import Tickets
from mofsim.vocabulary import TaskStatus

from .conftest import MOF5

ESTIMATE = "/api/v1/tasks/estimate"
QUICK = {"task_type": "optimization", "structure": MOF5, "preset": "quick"}


async def ask(client: httpx.AsyncClient, **changes: Any) -> Any:
    answer = await client.post(ESTIMATE, json=QUICK | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def complete(database: Database, **metrics: float) -> int:
    """Run the task that is next to its end."""
    with database.write() as session:
        claimed = leases.claim(session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0)
        assert claimed
        leases.start(session, claimed[0], 100)
        leases.finish(session, claimed[0], Outcome(TaskStatus.COMPLETED, metrics=metrics))
        return claimed[0].task_id


async def test_an_estimate_tells_what_tasks_like_it_took(
    client: httpx.AsyncClient, database: Database, submit: Callable[..., int]
) -> None:
    for seconds in (20.0, 40.0, 60.0):
        submit(preset="quick")
        complete(database, duration_seconds=seconds, peak_memory_MB=1300.0)
    with database.write() as session:
        worker = Worker(id="box:cpu0", host="box", slot="cpu0", pid=1, incarnation="a", memory_MB=8000.0, note="")
        workers.register(session, worker)
    found = await ask(client)
    assert (found["n_atoms"], found["model"], found["preset"]) == (106, "7net-0", "quick")
    assert found["memory"][1] | {"how": ""} == {
        "device": "cpu",
        "memory_MB": 1300.0,
        "is_limit": False,
        "known_too_little_MB": None,
        "learnt_from_atoms": [106],
        "how": "",
    }
    assert {name: found["seconds"][name] for name in ("median", "low", "high", "tasks")} == {
        **{"median": 40.0, "low": 20.0, "high": 60.0},
        "tasks": 3,
    }
    assert (found["fits"], found["why_none"], found["known"]) == (["box:cpu0"], None, True)
    assert found["sentence"] == "about 1.3 GB and 40 s (20–60 s, learnt from 3 tasks)"
    other = await ask(client, task_type="stability")
    assert other["seconds"] is None and "its time is not known yet" in other["sentence"]


async def test_nothing_is_queued(
    client: httpx.AsyncClient, count: Callable[[type[Task]], int], tickets: Tickets
) -> None:
    found = await ask(client)
    assert (found["seconds"], found["known"], found["fits"]) == (None, False, [])
    assert count(Task) == tickets.waiting() == 0


@pytest.mark.parametrize(
    ("changes", "field", "detail"),
    [
        pytest.param({"task_type": "magic"}, "task_type", "must be one of", id="type"),
        pytest.param({"structure": {"source": "builtin", "name": "x"}}, "structure.name", "no built-in", id="name"),
        pytest.param({"structure": None}, "structure", "", id="no structure"),
        pytest.param({"model": "none"}, "model", "there is no model", id="model"),
        pytest.param({"parameters": {"fmax": -1}}, "parameters.fmax", "greater than 0", id="value"),
        pytest.param({"parameters": {"fmx": 1}}, "parameters.fmx", "is not known here", id="parameter"),
        pytest.param({"colour": "red"}, "colour", "is not known here", id="field"),
        pytest.param(
            {"options": {"callback": {"url": "http://127.0.0.1:9/"}}}, "options.callback.url", "private", id="callback"
        ),
    ],
)
async def test_it_is_refused_as_the_submit_would_be(
    client: httpx.AsyncClient, changes: dict[str, Any], field: str, detail: str
) -> None:
    body = QUICK | changes
    answer = await client.post(ESTIMATE, json=body)
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["field"] == field and detail in error["detail"]
    if "task_type" not in changes:
        task_type = body.pop("task_type")
        told = (await client.post(f"/api/v1/tasks/{task_type}", json=body)).json()["error"]
        assert (told["type"], told["field"]) == (error["type"], field)


async def test_a_model_that_lacks_an_element_is_told(client: httpx.AsyncClient, database: Database) -> None:
    with database.write() as session:
        model = session.get_one(Model, "7net-0")
        model.config = {**model.config, "elements": ["C", "H", "O"]}
    answer = await client.post(ESTIMATE, json=QUICK)
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "UnknownElement")


async def test_without_a_task_type_it_says_which_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.post(ESTIMATE, json={"structure": MOF5})
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (422, "task_type") and "heat-capacity" in error["detail"]


async def test_the_structure_of_another_task_is_as_large_as_that_one_is(
    client: httpx.AsyncClient, submit: Callable[..., int]
) -> None:
    found = await ask(client, structure={"source": "task", "id": submit()})
    assert (found["n_atoms"], found["structure"]["name"]) == (106, "MOF-5")
