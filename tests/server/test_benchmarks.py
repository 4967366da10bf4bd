"""Benchmarks over HTTP: begun, planned, followed, and reported."""

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mofsim.db.engine import Database
from mofsim.db.tables import TaskLog
from mofsim.queue import Tickets
from mofsim.server import reporting
from mofsim.vocabulary import TaskStatus

BENCHMARKS = "/api/v1/benchmarks"
BODY = {"models": ["7net-0"], "task_types": [{"task_type": "optimization"}], "preset": "quick"}
EVIL = "<script>alert(1)</script>"


async def data(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


async def test_it_is_begun_extended_followed_and_forgotten(
    client: httpx.AsyncClient, tickets: Tickets, end: Callable[..., int]
) -> None:
    answer = await client.post(BENCHMARKS, json=BODY)
    begun = await data(answer, 202)
    assert (begun["is_new"], begun["n_submitted"], tickets.waiting()) == (True, 5, 5)
    assert answer.headers["location"] == f"{BENCHMARKS}/1"
    again = await data(await client.post(BENCHMARKS, json=BODY | {"models": ["7net-0", "7net-l3i5"]}), 202)
    assert (again["benchmark"]["id"], again["n_submitted"], tickets.waiting()) == (1, 5, 10)
    added = await data(await client.post(f"{BENCHMARKS}/1/models", json={"models": ["7net-0"]}), 202)
    assert added["n_submitted"] == 0
    end()
    end(TaskStatus.FAILED, error_type="DeviceFault", error_message="it fell off")
    found = await data(await client.get(f"{BENCHMARKS}/1"))
    assert [cell["state"] for cell in found["cells"]][:3] == ["completed", "lost", "waiting"]
    assert found["cells"][1]["reason"] == "DeviceFault: it fell off"
    progress = await data(await client.get(f"{BENCHMARKS}/1/progress"))
    assert (progress["percent"], progress["counts"]["lost"], "cells" in progress) == (20.0, 1, False)
    assert (await data(await client.post(f"{BENCHMARKS}/1/retry"), 202))["n_retried"] == 1
    assert (await client.delete(f"{BENCHMARKS}/1")).status_code == 409
    assert (await data(await client.post(f"{BENCHMARKS}/1/cancel"), 202))["n_cancelled"] == 9
    assert [each["id"] for each in (await data(await client.get(BENCHMARKS)))["items"]] == [1]
    await data(await client.delete(f"{BENCHMARKS}/1"))
    for path in ("1", "1/progress", "1/results", "1/report", "1/structures/1", "x"):
        assert (await client.get(f"{BENCHMARKS}/{path}")).status_code == 404, path


async def test_a_plan_submits_nothing(client: httpx.AsyncClient, tickets: Tickets) -> None:
    plan = await data(await client.post(f"{BENCHMARKS}/estimate", json={"models": ["7net-0"]}))
    # Four task types and two guests for five structures.
    assert (plan["n_cells"], plan["n_new"], plan["n_unknown_time"], tickets.waiting()) == (30, 30, 30, 0)
    assert (await data(await client.get(BENCHMARKS)))["total"] == 0


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"models": []}, "models", "at least 1"),
        ({"models": ["nope"]}, "models.0", "no model 'nope'"),
        ({"set": "nope"}, "set", "no set of structures 'nope'"),
        ({"task_types": [{"task_type": "single-point"}]}, "task_types.0.task_type", "must be one of optimization"),
        ({"guests": ["co2"]}, "guests.0", "write CO2"),
        ({"gests": ["CO2"]}, "gests", "did you mean guests?"),
        ({"own_references": [{"structure": "a", "quantity": "volume", "value": 1}]}, "own_references.0.quantity", ""),
    ],
)
async def test_a_mistake_is_told_with_its_field(
    client: httpx.AsyncClient, changed: dict[str, Any], field: str, words: str
) -> None:
    for path in (BENCHMARKS, f"{BENCHMARKS}/estimate"):
        answer = await client.post(path, json=BODY | changed)
        error = answer.json()["error"]
        assert (answer.status_code, error["field"]) == (422, field), error
        assert words in error["detail"]


async def test_its_report_can_be_had_in_every_form_and_compares_with_references(
    client: httpx.AsyncClient, end: Callable[..., int], database: Database
) -> None:
    own = [
        {"structure": "MOF-5", "quantity": "volume_A3", "value": 4000.0, "n_atoms": 106, "source": EVIL},
        {"structure": "ZIF-8", "quantity": "bulk_modulus_GPa", "value": 7.0},
    ]
    await data(await client.post(BENCHMARKS, json=BODY | {"own_references": own}), 202)
    structures = {each["id"]: each for each in (await data(await client.get(f"{BENCHMARKS}/1")))["structures"]}
    names = {each["name"]: id for id, each in structures.items()}
    result = {"final_volume_A3": 4400.0, "initial_volume_A3": 4309.0, "converged": True}
    ended = [end(result=result, provenance={"device": "cpu"})]
    ended.append(end(TaskStatus.FAILED, error_type="SimulationExploded", error_message="far"))
    scores = await data(await client.get(f"{BENCHMARKS}/1/report"))
    [mape] = [each for each in scores["scores"] if each["metric"] == "mape"]
    of = next(each for each in scores["outcomes"] if each["task_id"] == ended[0])
    assert (of["structure"], of["reference"], of["error"], mape["failures"]) == ("MOF-5", 4000.0, 400.0, 1)
    assert {each["value"] for each in scores["references"] if each["structure"] == "MOF-5"} >= {4000.0}
    with database.write() as session:
        line = {"attempt": 1, "level": "ERROR", "logger": "mofsim.simulations", "message": "its last word"}
        session.add_all([TaskLog(task_id=task_id, **line) for task_id in ended])
    page = await client.get(f"{BENCHMARKS}/1/report?format=html")
    assert f'href="#log-{ended[1]}"' in page.text and page.text.count("ERROR its last word") == 1
    assert page.headers["content-type"] == "text/html; charset=utf-8" and page.text.startswith("<!doctype html>")
    assert EVIL not in page.text and "default-src 'none'" in page.headers["content-security-policy"]
    assert all(f"<h3>{name} <" in page.text for name in names)
    text = await client.get(f"{BENCHMARKS}/1/report?format=text")
    assert "SimulationExploded: far" in text.text and text.headers["content-type"].startswith("text/plain")
    for form, n in (("csv", len(scores["scores"])), ("outcomes", 5)):
        table = await client.get(f"{BENCHMARKS}/1/report?format={form}")
        assert len(list(csv.DictReader(io.StringIO(table.text)))) == n
    rows = (await data(await client.get(f"{BENCHMARKS}/1/results")))["items"]
    assert len(rows) == 5 and sum(row["final_volume_A3"] == 4400.0 for row in rows) == 1
    assert (await client.get(f"{BENCHMARKS}/1/results?format=csv")).text.count("\r\n") == 6
    side = await data(await client.get(f"{BENCHMARKS}/1/structures/{rows[0]['structure_id']}"))
    assert [each["task_id"] for each in side["outcomes"]] == [rows[0]["task_id"]] and len(side["cells"]) == 1
    assert (await client.get(f"{BENCHMARKS}/1/structures/999")).json()["error"]["field"] == "structure"


async def test_a_report_that_fails_is_an_error_of_the_server_and_keeps_no_other_from_being_made(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await data(await client.post(BENCHMARKS, json=BODY), 202)
    with monkeypatch.context() as patch:
        patch.setattr(reporting, "PATIENCE_SECONDS", 0.001)
        late = await client.get(f"{BENCHMARKS}/1/report")
    assert late.status_code == 503 and "mofsim.benchmark" in late.json()["error"]["detail"]
    with monkeypatch.context() as patch:
        patch.setattr(reporting.sys, "executable", "/bin/false")
        assert (await client.get(f"{BENCHMARKS}/1/report")).status_code == 500
    assert (await client.get(f"{BENCHMARKS}/1/report")).status_code == 200
