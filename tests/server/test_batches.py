"""Batches over HTTP: products, how far they are, their results as a table, and changes to all their tasks."""

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mofsim.db.tables import Structure, Task
from mofsim.queue import Tickets
from mofsim.vocabulary import TaskStatus

BATCH = "/api/v1/tasks/batch"
BATCHES = "/api/v1/batches"
SETS = "/api/v1/structures/sets"
MOF5, ZIF8 = ({"source": "builtin", "name": name} for name in ("MOF-5", "ZIF-8"))
PROVENANCE = {"device": "cpu", "dtype": "float32", "d3": {"method": "PBE"}, "model_sha256": "ab", "mofsim": "1"}


async def data(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def product(**changed: Any) -> dict[str, Any]:
    return {"models": ["7net-0"], "structures": [MOF5, ZIF8], "task_types": [{"task_type": "single-point"}]} | changed


async def test_a_product_makes_a_task_for_each_model_structure_and_type(
    client: httpx.AsyncClient, tickets: Tickets
) -> None:
    types = [
        {"task_type": "optimization", "parameters": {"fmax": 0.1}, "preset": "quick"},
        {"task_type": "single-point"},
    ]
    body = product(models=["7net-0", "7net-l3i5"], task_types=types, options={"priority": "HIGH"})
    created = await data(await client.post(BATCH, json={"name": "screen", "product": body}), 202)
    found = (await data(await client.get(f"/api/v1/tasks?batch={created['id']}")))["items"]
    made = {(task["model"], task["structure"]["name"], task["task_type"], task["preset"]) for task in found}
    assert len(found) == len(made) == len(created["task_ids"]) == tickets.waiting() == 8
    assert ("7net-l3i5", "ZIF-8", "optimization", "quick") in made
    assert ("7net-0", "MOF-5", "single-point", "mofsimbench") in made
    assert {task["parameters"].get("fmax_eV_per_A") for task in found} == {0.1, None}
    assert {task["priority"] for task in found} == {"HIGH"}


async def test_what_a_product_names_twice_is_computed_once(client: httpx.AsyncClient) -> None:
    items = (await data(await client.get("/api/v1/structures")))["items"]
    ids = [each["id"] for each in items if each["name"] in ("MOF-5", "ZIF-8")]
    await data(await client.put(f"{SETS}/two", json={"structure_ids": ids}))
    body = product(models=["7net-0", "7net-0"], structures=[MOF5, {"source": "set", "name": "two"}])
    created = await data(await client.post(BATCH, json={"product": body}), 202)
    assert len(created["task_ids"]) == 2


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"models": ["7net-0", "nope"]}, "product.models.1", "no model 'nope'"),
        ({"structures": [MOF5, {"source": "builtin", "name": "X"}]}, "product.structures.1.name", "built-in"),
        ({"structures": [{"source": "set", "name": "no"}]}, "product.structures.0.name", "no set of structures 'no'"),
        (
            {"task_types": [{"task_type": "optimization", "parameters": {"fmax": -1}}]},
            "product.task_types.0.parameters.fmax",
            "greater than 0",
        ),
        (
            {"task_types": [{"task_type": "optimization", "parameters": {"fmaxx": 1}}]},
            "product.task_types.0.parameters.fmaxx",
            "optimization has fmax_eV_per_A, max_steps",
        ),
        ({"task_types": [{"task_type": "magic"}]}, "product.task_types.0.task_type", "single-point"),
        ({"modles": []}, "product.modles", "did you mean models?"),
        ({"task_types": []}, "product.task_types", "at least 1"),
        ({"options": {"callback": {"url": "http://127.0.0.1/x"}}}, "product.options.callback.url", ""),
    ],
)
async def test_a_product_that_can_not_run_is_refused_whole_with_its_field(
    client: httpx.AsyncClient,
    count: Callable[[type[Task | Structure]], int],
    changed: dict[str, Any],
    field: str,
    words: str,
) -> None:
    answer = await client.post(BATCH, json={"product": product(**changed)})
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (422, field), error
    assert words in error["detail"]
    assert count(Task) == 0


async def test_a_product_larger_than_a_batch_is_refused(client: httpx.AsyncClient) -> None:
    body = product(models=["7net-0"] * 100, structures=[MOF5] * 101)
    answer = await client.post(BATCH, json={"product": body})
    assert answer.status_code == 422 and "10100 tasks" in answer.json()["error"]["detail"]


@pytest.mark.parametrize("body", [{}, {"tasks": []}, {"tasks": [{"task_type": "single-point", "structure": MOF5}]}])
async def test_a_batch_is_either_a_list_or_a_product(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await client.post(BATCH, json=body | ({"product": product()} if body.get("tasks") else {}))
    assert answer.status_code == 422 and "either tasks" in answer.json()["error"]["detail"]


async def test_the_same_key_gives_the_same_product(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await data(await client.post(BATCH, json={"product": product()}, headers=headers), 202)
    assert await data(await client.post(BATCH, json={"product": product()}, headers=headers), 202) == first
    other = await client.post(BATCH, json={"product": product(preset="quick")}, headers=headers)
    assert other.status_code == 409


async def test_a_batch_says_how_far_it_is(client: httpx.AsyncClient, end: Callable[..., int]) -> None:
    created = await data(await client.post(BATCH, json={"name": "b", "product": product()}), 202)
    path = f"{BATCHES}/{created['id']}"
    batch = await data(await client.get(path))
    assert (batch["percent"], batch["started_at"], batch["eta_seconds"]) == (0, None, None)
    end(result={"energy_eV": -1.0})
    batch = await data(await client.get(path))
    assert (batch["percent"], batch["counts"]["COMPLETED"], batch["counts"]["QUEUED"]) == (50, 1, 1)
    assert batch["started_at"] and batch["completed_at"] is None and batch["eta_seconds"] is not None
    end(TaskStatus.FAILED, error_type="SimulationExploded", error_message="too far")
    batch = await data(await client.get(path))
    assert (batch["percent"], batch["eta_seconds"]) == (100, None) and batch["completed_at"]
    assert (await client.get(f"{BATCHES}/999")).status_code == 404


async def test_batches_are_listed_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    ids = [(await data(await client.post(BATCH, json={"product": product()}), 202))["id"] for _ in range(3)]
    first = await data(await client.get(f"{BATCHES}?limit=2"))
    rest = await data(await client.get(f"{BATCHES}?limit=2&cursor={first['next_cursor']}"))
    assert [each["id"] for each in first["items"] + rest["items"]] == ids[::-1]
    assert first["total"] == 3 and rest["next_cursor"] is None
    foreign = (await data(await client.get("/api/v1/tasks?limit=1")))["next_cursor"]
    assert (await client.get(f"{BATCHES}?cursor={foreign}")).status_code == 422


async def test_a_cancelled_batch_keeps_what_has_ended_and_a_retry_takes_what_failed(
    client: httpx.AsyncClient, end: Callable[..., int], tickets: Tickets
) -> None:
    body = product(task_types=[{"task_type": "single-point"}, {"task_type": "optimization"}])
    created = await data(await client.post(BATCH, json={"product": body}), 202)
    path = f"{BATCHES}/{created['id']}"
    completed, failed = end(), end(TaskStatus.FAILED, error_type="X", error_message="y")
    changed = await data(await client.post(f"{path}/cancel"), 202)
    assert sorted(changed["task_ids"]) == sorted(set(created["task_ids"]) - {completed, failed})
    assert changed["batch"]["counts"] == {**changed["batch"]["counts"], "COMPLETED": 1, "FAILED": 1, "CANCELLED": 2}
    assert (await data(await client.post(f"{path}/cancel"), 202))["task_ids"] == []

    before = tickets.waiting()
    changed = await data(await client.post(f"{path}/retry-failed"), 202)
    assert (changed["task_ids"], tickets.waiting()) == ([failed], before + 1)
    changed = await data(await client.post(f"{path}/retry-failed?cancelled=true"), 202)
    assert len(changed["task_ids"]) == 2 and changed["batch"]["counts"]["QUEUED"] == 3


async def test_results_are_a_row_for_each_task_in_both_formats(
    client: httpx.AsyncClient, end: Callable[..., int]
) -> None:
    created = await data(await client.post(BATCH, json={"product": product(preset="quick")}), 202)
    result = {"energy_eV": -1.5, "energy_per_atom_eV": -0.5, "stress_GPa": [1, 2, 3, 4, 5, 6], "volume_A3": 8.0}
    done = end(result=result, provenance=PROVENANCE, metrics={"seconds_per_step": 0.25})
    failed = end(TaskStatus.FAILED, error_type="X", error_message="=cmd()", result={"energy_eV": 1e9})
    path = f"{BATCHES}/{created['id']}/results"
    answer = await client.get(path)
    assert answer.json()["success"] and answer.json()["timestamp"] and answer.json()["request_id"]
    first, second = answer.json()["data"]["items"]
    assert (first["task_id"], first["energy_eV"], first["stress_yy_GPa"]) == (done, -1.5, 2)
    assert (first["preset"], first["dtype"], first["d3"], first["model_sha256"]) == ("quick", "float32", True, "ab")
    assert (first["seconds_per_step"], first["device"], first["converged"]) == (0.25, "cpu", None)
    # What a task that failed reached is no result of it.
    assert (second["task_id"], second["error_type"], second["energy_eV"]) == (failed, "X", None)

    answer = await client.get(f"{path}?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == list(first)
    assert (rows[0]["energy_eV"], rows[0]["d3"], rows[0]["error_type"]) == ("-1.5", "true", "")
    assert rows[1]["error_message"] == "'=cmd()"
    assert (await client.get(f"{path}?format=xml")).status_code == 422


async def test_results_of_more_tasks_than_a_page_come_whole(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mofsim.core.batch_results.PAGE", 2)
    body = product(task_types=[{"task_type": name} for name in ("single-point", "optimization", "stability")])
    created = await data(await client.post(BATCH, json={"product": body}), 202)
    items = (await data(await client.get(f"{BATCHES}/{created['id']}/results")))["items"]
    assert [item["task_id"] for item in items] == sorted(created["task_ids"]) and len(items) == 6
    assert {"bulk_modulus_GPa"} & items[0].keys() == set() and {"stable", "steps"} <= items[0].keys()


async def test_a_set_is_saved_listed_used_as_a_filter_and_forgotten(client: httpx.AsyncClient) -> None:
    items = (await data(await client.get("/api/v1/structures")))["items"]
    ids = [each["id"] for each in items][:2]
    saved = await data(await client.put(f"{SETS}/pair", json={"structure_ids": ids[::-1]}))
    assert saved == {"name": "pair", "structure_ids": ids}
    found = await data(await client.get("/api/v1/structures?set=pair"))
    assert [each["id"] for each in found["items"]] == ids
    await data(await client.put(f"{SETS}/pair", json={"structure_ids": ids[:1]}))
    assert (await data(await client.get(SETS)))["items"] == [{"name": "pair", "structure_ids": ids[:1]}]
    assert (await client.delete(f"{SETS}/pair")).status_code == 200
    assert (await client.delete(f"{SETS}/pair")).status_code == 404
    assert (await client.get("/api/v1/structures?set=pair")).status_code == 404


@pytest.mark.parametrize(
    ("name", "ids", "field"),
    [("x", [], "structure_ids"), ("x", [1, 999], "structure_ids.1"), (".x", [1], "name"), ("@x", [1], "name")],
)
async def test_a_set_with_an_odd_name_or_without_its_structures_is_refused(
    client: httpx.AsyncClient, name: str, ids: list[int], field: str
) -> None:
    answer = await client.put(f"{SETS}/{name}", json={"structure_ids": ids})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert (await data(await client.get(SETS)))["items"] == []


async def test_a_structure_in_a_set_stays_until_the_set_is_forgotten(client: httpx.AsyncClient) -> None:
    cube = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nC 0 0 0\nO 2 2 2\n'
    uploaded = await data(await client.post("/api/v1/structures", files={"file": ("cube.xyz", cube)}), 201)
    await data(await client.put(f"{SETS}/mine", json={"structure_ids": [uploaded["id"]]}))
    answer = await client.delete(f"/api/v1/structures/{uploaded['id']}")
    assert answer.status_code == 409 and "set mine" in answer.json()["error"]["detail"]
    await client.delete(f"{SETS}/mine")
    assert (await client.delete(f"/api/v1/structures/{uploaded['id']}")).status_code == 200


async def test_an_upload_gives_the_same_structure_back_where_that_is_wanted(
    client: httpx.AsyncClient, count: Callable[[type[Task | Structure]], int]
) -> None:
    cube = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nC 0 0 0\nO 2 2 2\n'
    spaced = cube.replace("C 0 0 0", "C  0.0  0.0  0.0")
    first = await data(await client.post("/api/v1/structures", files={"file": ("cube.xyz", cube)}), 201)
    n = count(Structure)
    for content in (cube, spaced):
        answer = await client.post("/api/v1/structures", files={"file": ("again.xyz", content)}, data={"reuse": "true"})
        assert (await data(answer))["id"] == first["id"]
    assert count(Structure) == n
    moved = cube.replace("O 2 2 2", "O 2 2 2.1")
    answer = await client.post("/api/v1/structures", files={"file": ("b.xyz", moved)}, data={"reuse": "true"})
    assert (await data(answer, 201))["id"] != first["id"]
