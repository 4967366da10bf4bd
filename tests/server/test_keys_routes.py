"""Keys made, listed and revoked by an admin, and the audit of what was changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from mofsim.core import audit
from mofsim.db.engine import Database
from mofsim.db.tables import Audit, utcnow
from mofsim.server.app import create_app
from mofsim.settings import Settings

KEYS = "/api/v1/keys"
AUDIT = "/api/v1/system/audit"
SUBMIT = "/api/v1/tasks/optimization"
MOF5 = {"structure": {"source": "builtin", "name": "MOF-5"}}


async def create(client: httpx.AsyncClient, name: str = "bot", **fields: Any) -> dict[str, Any]:
    answer = await client.post(KEYS, json={"name": name} | fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


async def lines(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    return list((await client.get(AUDIT, params=query)).json()["data"]["items"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_key_is_made_used_and_revoked(client: httpx.AsyncClient) -> None:
    answer = await client.post(KEYS, json={"name": "CI of the lab", "scope": "submit"})
    made = answer.json()["data"]
    assert (answer.status_code, answer.headers["location"]) == (201, f"{KEYS}/{made['id']}")
    assert answer.headers["cache-control"] == "no-store" and made["is_valid"] and made["last_used_at"] is None
    headers = bearer(made["token"])
    assert (await client.post(SUBMIT, json=MOF5, headers=headers)).status_code == 202
    assert (await client.get(KEYS, headers=headers)).status_code == 403
    revoked = (await client.delete(f"{KEYS}/{made['id']}")).json()["data"]
    assert not revoked["is_valid"] and revoked["revoked_at"]
    # At once, though the key was used just now.
    refused = await client.post(SUBMIT, json=MOF5, headers=headers)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "WrongKey")
    assert "revoked" in refused.json()["error"]["detail"]


async def test_the_list_has_all_but_the_secret(client: httpx.AsyncClient) -> None:
    made = await create(client, expires_at="2999-01-01T00:00:00Z")
    answer = await client.get(KEYS)
    first, local = answer.json()["data"]["items"]
    assert {key: first[key] for key in ("id", "name", "scope")} == {"id": made["id"], "name": "bot", "scope": "read"}
    assert first["expires_at"] == "2999-01-01T00:00:00Z" and local["name"] == "local"
    assert made["token"] not in answer.text and made["token"].rsplit("_", 1)[1] not in answer.text


async def test_a_key_ends_at_its_time(client: httpx.AsyncClient) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.4)).isoformat()
    headers = bearer((await create(client, expires_at=soon))["token"])
    answers = []
    while not answers or answers[-1].status_code == 200:
        answers.append(await client.get("/api/v1/tasks", headers=headers))
    assert len(answers) > 1 and "expired" in answers[-1].json()["error"]["detail"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "name"),
        ({"name": ""}, 422, "name"),
        ({"name": "a\x1b[2Jb"}, 422, "name"),
        ({"name": "a" * 101}, 422, "name"),
        ({"name": "a", "scope": "root"}, 422, "scope"),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_at"),
        ({"name": "a", "token": "mine"}, 422, "token"),
        ({"name": "local"}, 422, "name"),
        ({"name": "taken"}, 409, "name"),
    ],
)
async def test_an_odd_key_is_refused(client: httpx.AsyncClient, body: dict[str, Any], status: int, field: str) -> None:
    await create(client, "taken")
    answer = await client.post(KEYS, json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert len((await client.get(KEYS)).json()["data"]["items"]) == 2


async def test_a_key_that_was_never_there_is_not_found(client: httpx.AsyncClient) -> None:
    assert [(await client.delete(f"{KEYS}/{id}")).status_code for id in ("99", "x")] == [404, 404]


async def test_each_change_leaves_a_line_that_says_who_did_it(client: httpx.AsyncClient) -> None:
    bot = await create(client, "bot", scope="submit")
    headers = bearer(bot["token"])
    task = (await client.post(SUBMIT, json=MOF5, headers=headers | {"X-Request-ID": "mine"})).json()["data"]
    batch = {"tasks": [{"task_type": "single-point"} | MOF5] * 2}
    await client.post("/api/v1/tasks/batch", json=batch, headers=headers)
    await client.post(SUBMIT, json={"structure": 7}, headers=headers)
    await client.post(f"/api/v1/tasks/{task['id']}/cancel", headers=headers)
    await client.post("/api/v1/tasks/999/cancel", headers=headers)
    await client.post("/api/v1/models/7net-0/load", json={}, headers=headers)
    await client.put("/api/v1/structures/sets/my%1B%5B2Jset", json={"structure_ids": []}, headers=headers)
    await client.get("/api/v1/tasks", headers=headers)
    found = await lines(client, key=bot["id"])
    assert [(line["method"], line["route"], line["subject"], line["status"]) for line in reversed(found)] == [
        ("POST", SUBMIT, f"tasks/{task['id']}", 202),
        ("POST", "/api/v1/tasks/batch", "batches/1", 202),
        ("POST", SUBMIT, "tasks/optimization", 422),
        ("POST", "/api/v1/tasks/{id}/cancel", f"tasks/{task['id']}", 200),
        ("POST", "/api/v1/tasks/{id}/cancel", "tasks/999", 404),
        ("POST", "/api/v1/models/{name}/load", "models/7net-0", 403),
        ("PUT", "/api/v1/structures/sets/{name}", "structures/sets/my?[2Jset", 422),
    ]
    assert {(line["key_id"], line["key_name"], line["address"]) for line in found} == {(bot["id"], "bot", "127.0.0.1")}
    assert found[-1]["request_id"] == "mine"
    (made,) = [line for line in await lines(client) if line["route"] == KEYS]
    assert (made["key_name"], made["subject"], made["status"]) == ("local", f"keys/{bot['id']}", 201)


async def test_no_secret_is_in_the_audit(client: httpx.AsyncClient, with_key: dict[str, str]) -> None:
    bot = await create(client)
    callback = {"url": "https://a.example", "secret": "hush"}
    await client.post(SUBMIT, json=MOF5 | {"options": {"callback": callback}})
    text = (await client.get(AUDIT)).text
    local = with_key["Authorization"].rsplit("_", 1)[1]
    assert not [secret for secret in (bot["token"].rsplit("_", 1)[1], local, "hush") if secret in text]


async def test_who_has_no_key_does_not_fill_the_audit(client: httpx.AsyncClient) -> None:
    for headers in ({"Authorization": ""}, bearer("mofsim_1_" + "0" * 64)):
        assert (await client.post(SUBMIT, json=MOF5, headers=headers)).status_code == 401
    assert await lines(client) == []


async def test_what_fails_inside_is_in_the_audit_too(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("mofsim.core.steering.request_cancel", fail)
    assert (await client.post("/api/v1/tasks/1/cancel")).status_code == 500
    assert [(line["subject"], line["status"]) for line in await lines(client)] == [("tasks/1", 500)]


async def test_an_audit_that_can_not_be_written_stops_nobody(client: httpx.AsyncClient, database: Database) -> None:
    with database.writer.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO elsewhere")
    assert (await client.post(SUBMIT, json=MOF5)).status_code == 202


async def test_where_no_key_is_asked_for_the_audit_says_so(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings({"security.require_keys": False}))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://[::1]") as it:
        await it.post(SUBMIT, json=MOF5)
        (line,) = await lines(it)
    assert (line["key_id"], line["key_name"], line["subject"], line["status"]) == (None, "", "tasks/1", 202)


async def test_the_audit_is_paged_newest_first(client: httpx.AsyncClient, database: Database) -> None:
    append(database, [utcnow()] * 5)
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(AUDIT, params=query)).json()["data"]
        seen += [line["id"] for line in page["items"]]
        cursor = page["next_cursor"]
        assert page["total"] == 5
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]
    wrong = await client.get(AUDIT, params={"cursor": "x"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "cursor")


async def test_it_is_filtered_by_what_it_was_about(client: httpx.AsyncClient) -> None:
    task = (await client.post(SUBMIT, json=MOF5)).json()["data"]
    await client.post(SUBMIT, json=MOF5)
    await client.post(f"/api/v1/tasks/{task['id']}/cancel")
    found = await lines(client, subject=f"tasks/{task['id']}")
    assert [line["route"] for line in found] == ["/api/v1/tasks/{id}/cancel", SUBMIT]


async def test_it_is_filtered_by_time(client: httpx.AsyncClient, database: Database) -> None:
    append(database, [utcnow() - timedelta(days=2), utcnow()])
    since = (utcnow() - timedelta(days=1)).isoformat()
    assert [line["id"] for line in await lines(client, since=since)] == [2]


def test_old_lines_are_forgotten_a_few_at_a_time(database: Database) -> None:
    old, young = utcnow() - timedelta(days=400), utcnow()
    append(database, [old, old, old, young])
    with database.write() as session:
        limit = utcnow() - timedelta(days=365)
        assert [audit.trim(session, limit, 2) for _ in range(3)] == [2, 1, 0]
        assert [line.id for line in audit.page(session, 10).items] == [4]


def append(database: Database, times: list[datetime]) -> None:
    with database.write() as session:
        for time in times:
            line = Audit(
                time=time,
                key_id=1,
                key_name="local",
                address="127.0.0.1",
                method="POST",
                route=SUBMIT,
                subject="tasks/1",
                status=202,
                request_id="",
            )
            audit.append(session, line)
            session.flush()
