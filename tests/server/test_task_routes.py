"""Submit, find, steer and forget tasks."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from mofsim.core import leases, queries
from mofsim.core.leases import Lease, Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Event, Task, TaskLog
from mofsim.queue import Tickets
from mofsim.settings import Settings
from mofsim.vocabulary import EventType, TaskStatus

MOF5 = {"source": "builtin", "name": "MOF-5"}
OPTIMIZATION = "/api/v1/tasks/optimization"


@pytest.fixture
def run_task(database: Database) -> Callable[..., Lease]:
    """Claim the task and let it run; with an `outcome`, end it too."""

    def run(outcome: Outcome | None = None) -> Lease:
        with database.write() as session:
            values: dict[str, Any] = {"gpu_id": None, "loaded_models": [], "lease_seconds": 60, "affinity_seconds": 0}
            claimed = leases.claim(session, "box/cpu0", **values)
            assert claimed
            leases.start(session, claimed[0], 100)
            if outcome:
                leases.finish(session, claimed[0], outcome)
            return claimed[0]

    return run


async def data(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


async def test_a_submit_answers_202_with_the_task_its_place_and_a_ticket(
    client: httpx.AsyncClient, tickets: Tickets
) -> None:
    answer = await client.post(OPTIMIZATION, json={"structure": MOF5, "options": {"priority": "high"}})
    task = await data(answer, 202)
    assert answer.headers["location"] == f"/api/v1/tasks/{task['id']}"
    assert (task["status"], task["priority"], task["model"]) == ("QUEUED", "HIGH", "7net-0")
    assert task["parameters"]["fmax_eV_per_A"] == 1e-3
    assert (await data(await client.get(answer.headers["location"]))) == task
    assert tickets.waiting() == 1


async def test_a_single_point_is_submitted_alike(client: httpx.AsyncClient) -> None:
    task = await data(await client.post("/api/v1/tasks/single-point", json={"structure": MOF5}), 202)
    assert task["task_type"] == "single-point"


async def test_a_task_that_waits_for_its_time_gets_no_ticket(client: httpx.AsyncClient, tickets: Tickets) -> None:
    body = {"structure": MOF5, "options": {"not_before": "2999-01-01T00:00:00"}}
    task = await data(await client.post(OPTIMIZATION, json=body), 202)
    assert (task["status"], task["not_before"]) == ("PENDING", "2999-01-01T00:00:00Z")
    assert tickets.waiting() == 0


async def test_the_same_idempotency_key_gives_the_same_task(
    client: httpx.AsyncClient, count: Callable[[type[Task]], int]
) -> None:
    headers = {"Idempotency-Key": "abc"}
    answers = await asyncio.gather(
        *(client.post(OPTIMIZATION, json={"structure": MOF5}, headers=headers) for _ in range(5))
    )
    assert len({(await data(answer, 202))["id"] for answer in answers}) == 1
    assert count(Task) == 1
    other = await client.post(OPTIMIZATION, json={"structure": MOF5, "preset": "quick"}, headers=headers)
    assert (other.status_code, other.json()["error"]["field"]) == (409, "Idempotency-Key")


@pytest.mark.parametrize("key", ["", "a" * 201, "a\tb"])
async def test_an_odd_idempotency_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post(OPTIMIZATION, json={"structure": MOF5}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "Idempotency-Key")


async def test_a_batch_is_accepted_whole_with_a_ticket_for_each(client: httpx.AsyncClient, tickets: Tickets) -> None:
    items = [{"task_type": "optimization", "structure": MOF5}, {"task_type": "single-point", "structure": MOF5}]
    answer = await client.post("/api/v1/tasks/batch", json={"name": "screen", "tasks": items * 10})
    batch = await data(answer, 202)
    assert len(batch["task_ids"]) == tickets.waiting() == 20
    assert answer.headers["location"] == f"/api/v1/batches/{batch['id']}"
    found = await data(await client.get(f"/api/v1/tasks?batch={batch['id']}"))
    assert [task["id"] for task in found["items"]] == batch["task_ids"][::-1]


async def test_each_task_of_a_batch_has_its_event_and_is_counted(client: httpx.AsyncClient, database: Database) -> None:
    items = [{"task_type": "optimization", "structure": MOF5}] * 3
    later = {"task_type": "single-point", "structure": MOF5, "options": {"not_before": "2999-01-01T00:00:00Z"}}
    batch = await data(await client.post("/api/v1/tasks/batch", json={"tasks": [*items, later]}), 202)
    with database.read() as session:
        events = list(session.scalars(select(Event).where(Event.type == EventType.TASK_CREATED).order_by(Event.id)))
        counts = queries.counts_by_status(session)
    assert [event.task_id for event in events] == batch["task_ids"]
    assert [event.data["task"]["status"] for event in events] == ["QUEUED"] * 3 + ["PENDING"]
    assert {event.data["task"]["batch_id"] for event in events} == {batch["id"]}
    assert (counts[TaskStatus.QUEUED], counts[TaskStatus.PENDING]) == (3, 1)


async def test_the_same_idempotency_key_gives_the_same_batch(
    client: httpx.AsyncClient, count: Callable[[type[Task]], int]
) -> None:
    headers = {"Idempotency-Key": "abc"}
    body = {"name": "screen", "tasks": [{"task_type": "optimization", "structure": MOF5}] * 3}
    first, *others = await asyncio.gather(
        *(client.post("/api/v1/tasks/batch", json=body, headers=headers) for _ in range(3))
    )
    batch = await data(first, 202)
    assert [await data(other, 202) for other in others] == [batch, batch]
    changed = body | {"tasks": [*body["tasks"][:2], {"task_type": "single-point", "structure": MOF5}]}
    other = await client.post("/api/v1/tasks/batch", json=changed, headers=headers)
    assert (other.status_code, other.json()["error"]["field"]) == (409, "Idempotency-Key")
    assert count(Task) == 3
    assert (await data(await client.post("/api/v1/tasks/batch", json=body), 202))["id"] != batch["id"]


async def test_a_batch_with_one_wrong_task_leaves_nothing(
    client: httpx.AsyncClient, count: Callable[[type[Task]], int], tickets: Tickets
) -> None:
    good = {"task_type": "optimization", "structure": MOF5}
    for wrong, field in [
        ({"parameters": {"fmax": -1}}, "tasks.2.parameters.fmax"),
        ({"task_type": "alchemy"}, "tasks.2.task_type"),
        ({"model": "7net-99"}, "tasks.2.model"),
    ]:
        answer = await client.post("/api/v1/tasks/batch", json={"tasks": [good, good, good | wrong]})
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert count(Task) == tickets.waiting() == 0


async def test_a_list_is_filtered_sorted_and_paged(client: httpx.AsyncClient, submit: Callable[..., int]) -> None:
    ids = [submit(options={"priority": priority}) for priority in ("LOW", "HIGH", "NORMAL", "HIGH", "LOW")]
    found, query = [], "/api/v1/tasks?sort=priority&limit=2&status=queued,running&status=PENDING"
    cursor: str | None = ""
    while cursor is not None:
        page = await data(await client.get(query + (f"&cursor={cursor}" if cursor else "")))
        found += [task["id"] for task in page["items"]]
        cursor = page["next_cursor"]
        assert page["total"] == 5
    assert found == [ids[1], ids[3], ids[2], ids[0], ids[4]]
    nothing = "/api/v1/tasks?model=7net-l3i5&status=&text=&since=2020-01-01T00:00:00Z"
    assert (await data(await client.get(nothing)))["items"] == []


async def test_a_waiting_task_is_cancelled_retried_and_deleted(
    client: httpx.AsyncClient, submit: Callable[..., int], tickets: Tickets
) -> None:
    path = f"/api/v1/tasks/{submit()}"
    assert (await client.delete(path)).status_code == 409
    assert (await data(await client.post(f"{path}/cancel")))["status"] == "CANCELLED"
    assert (await client.post(f"{path}/priority", json={"priority": "LOW"})).status_code == 409
    assert (await data(await client.post(f"{path}/retry"), 202))["status"] == "QUEUED"
    assert tickets.waiting() == 1
    assert (await data(await client.post(f"{path}/priority", json={"priority": "LOW"})))["priority"] == "LOW"
    await client.post(f"{path}/cancel")
    assert await data(await client.delete(path)) is None
    assert (await client.get(path)).status_code == 404


async def test_a_running_task_is_asked_to_stop(
    client: httpx.AsyncClient, submit: Callable[..., int], run_task: Callable[..., Lease]
) -> None:
    path = f"/api/v1/tasks/{submit()}"
    run_task()
    task = await data(await client.post(f"{path}/cancel"))
    assert (task["status"], task["stop_requested"]) == ("RUNNING", "cancelled")


async def test_a_result_is_there_only_when_the_task_has_ended(
    client: httpx.AsyncClient, submit: Callable[..., int], run_task: Callable[..., Lease]
) -> None:
    path = f"/api/v1/tasks/{submit()}/result"
    waiting = await client.get(path)
    assert (waiting.status_code, waiting.json()["error"]["type"]) == (409, "Conflict")
    assert "/api/v1/events?task=" in waiting.json()["error"]["detail"]
    outcome = Outcome(
        TaskStatus.TIMEOUT, {"energy_eV": float("nan")}, {"series.csv": 9}, {"peak_memory_MB": 7.0}, {"mofsim": "0"}
    )
    run_task(outcome)
    result = await data(await client.get(path))
    assert (result["status"], result["attempt"], result["result"]) == ("TIMEOUT", 1, {"energy_eV": None})
    assert result["output_files"] == {"series.csv": f"/api/v1/files/{result['task_id']}/1/series.csv"}
    assert result["metrics"]["peak_memory_MB"] == 7.0 and result["metrics"]["duration_seconds"] >= 0


async def test_a_task_that_never_ran_has_no_result(client: httpx.AsyncClient, submit: Callable[..., int]) -> None:
    path = f"/api/v1/tasks/{submit()}"
    await client.post(f"{path}/cancel")
    answer = await client.get(f"{path}/result")
    assert answer.status_code == 404 and "before it ran" in answer.json()["error"]["detail"]


async def test_deleting_a_task_removes_its_files(
    client: httpx.AsyncClient, submit: Callable[..., int], run_task: Callable[..., Lease], settings: Settings
) -> None:
    task_id = submit()
    run_task(Outcome(TaskStatus.COMPLETED))
    folder = Storage(settings.storage.root).attempt(task_id, 1)
    folder.mkdir(parents=True)
    await data(await client.delete(f"/api/v1/tasks/{task_id}"))
    assert not folder.parent.exists()


async def test_the_log_is_read_from_both_ends(
    client: httpx.AsyncClient, submit: Callable[..., int], database: Database
) -> None:
    task_id = submit()
    with database.write() as session:
        for n in range(5):
            line = {"attempt": 1, "level": "INFO", "logger": "run", "message": f"step {n}"}
            session.add(TaskLog(task_id=task_id, **line))
            session.flush()

    async def messages(query: str) -> list[str]:
        return [
            line["message"] for line in (await data(await client.get(f"/api/v1/tasks/{task_id}/logs{query}")))["items"]
        ]

    assert await messages("") == [f"step {n}" for n in range(5)]
    assert await messages("?after=3&limit=1") == ["step 3"]
    assert await messages("?newest=true&limit=2") == ["step 3", "step 4"]


async def test_attempts_explanation_models_and_system_answer(
    client: httpx.AsyncClient, submit: Callable[..., int], run_task: Callable[..., Lease]
) -> None:
    task_id = submit()
    run_task()
    attempts = await data(await client.get(f"/api/v1/tasks/{task_id}/attempts"))
    assert [each["worker_id"] for each in attempts["items"]] == ["box/cpu0"]
    assert "box/cpu0" in (await data(await client.get(f"/api/v1/tasks/{task_id}/explain")))["sentence"]
    assert (await data(await client.get("/api/v1/models/7net-0")))["is_default"] is True
    assert {model["name"] for model in (await data(await client.get("/api/v1/models")))["items"]} >= {"7net-l3i5"}
    assert (await data(await client.get("/api/v1/system/queue")))["by_status"]["RUNNING"] == 1
    assert (await data(await client.get("/api/v1/system/workers")))["items"] == []
    assert (await data(await client.get("/api/v1/system/gpus")))["items"] == []
    assert (await data(await client.get("/health")))["last_event_id"] > 0


async def test_the_events_of_a_task_tell_its_past_without_its_progress(
    client: httpx.AsyncClient, submit: Callable[..., int], run_task: Callable[..., Lease], database: Database
) -> None:
    task_id, other = submit(), submit()
    lease = run_task()
    with database.write() as session:
        leases.heartbeat(session, lease, lease_seconds=60, progress={"step": 3})
    run_task()
    found = (await data(await client.get(f"/api/v1/tasks/{task_id}/events")))["items"]
    states = [(each["type"], each["data"]["task"]["status"]) for each in found]
    assert states == [
        ("task.created", "QUEUED"),
        ("task.status", "ASSIGNED"),
        ("task.status", "RUNNING"),
    ]
    assert {each["task_id"] for each in found} == {task_id} != {other}


async def test_the_settings_are_told_without_secrets(client: httpx.AsyncClient, settings: Settings) -> None:
    found = await data(await client.get("/api/v1/system/config"))
    lines = {line["key"]: line for line in found["items"]}
    assert lines["server.port"]["value"] == str(settings.server.port)
    assert "settings.toml" in lines["server.port"]["source"]


async def test_a_task_is_accepted_though_its_ticket_can_not_be_written(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    for file in settings.queue_path.parent.glob(f"{settings.queue_path.name}*"):
        file.unlink()
    settings.queue_path.mkdir()
    task = await data(await client.post(OPTIMIZATION, json={"structure": MOF5}), 202)
    assert task["status"] == "QUEUED"
