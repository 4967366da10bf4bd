"""Hold, release, detach, undo and retry over HTTP; what they do to a task is held in tests/core."""

from collections.abc import Callable

import httpx

from mofsim.queue import Tickets

TASKS = "/api/v1/tasks"


async def steer(client: httpx.AsyncClient, task_id: int, verb: str) -> tuple[int, dict]:
    answer = await client.post(f"{TASKS}/{task_id}/{verb}")
    return answer.status_code, answer.json()["data"] or answer.json()["error"]


async def test_a_held_task_waits_and_a_released_one_gets_a_ticket(
    client: httpx.AsyncClient, submit: Callable[..., int], tickets: Tickets
) -> None:
    task_id = submit()
    code, task = await steer(client, task_id, "hold")
    assert (code, task["status"], task["held"]) == (202, "PENDING", True)
    before = tickets.waiting()
    code, task = await steer(client, task_id, "release")
    assert (code, task["status"], task["held"], tickets.waiting()) == (202, "QUEUED", False, before + 1)
    code, error = await steer(client, task_id, "release")
    assert (code, error["detail"]) == (409, f"task {task_id} is not held")


async def test_a_cancel_is_taken_back(client: httpx.AsyncClient, submit: Callable[..., int]) -> None:
    task_id = submit()
    await steer(client, task_id, "cancel")
    code, task = await steer(client, task_id, "undo-cancel")
    assert (code, task["status"]) == (202, "QUEUED")
    code, error = await steer(client, task_id, "undo-cancel")
    assert code == 409 and "no cancel to undo" in error["detail"]


async def test_a_task_waits_for_another_ones_structure_until_it_is_detached(
    client: httpx.AsyncClient, submit: Callable[..., int]
) -> None:
    parent = submit()
    body = {"structure": {"source": "task", "id": parent}}
    child = (await client.post(f"{TASKS}/single-point", json=body)).json()["data"]
    assert (child["status"], child["parent_id"], child["awaits_parent"]) == ("PENDING", parent, True)
    code, task = await steer(client, child["id"], "detach")
    assert (code, task["status"], task["parent_id"]) == (202, "QUEUED", None)
    wrong = {"structure": {"source": "task", "id": child["id"]}}
    answer = await client.post(f"{TASKS}/single-point", json=wrong)
    assert answer.status_code == 422 and "gives no structure" in answer.json()["error"]["detail"]


async def test_retry_is_clean_when_that_is_asked_for(client: httpx.AsyncClient, submit: Callable[..., int]) -> None:
    task_id = submit()
    await steer(client, task_id, "cancel")
    code, task = await steer(client, task_id, "retry?clean=true")
    assert (code, task["status"]) == (202, "QUEUED")
    code, error = await steer(client, task_id, "retry?clean=perhaps")
    assert (code, error["field"]) == (422, "clean")
