"""Who may do what: the table of it is walked, route by route and key by key."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from mofsim.core import keys
from mofsim.db.engine import Database
from mofsim.db.tables import ApiKey
from mofsim.server import gate, slowdown
from mofsim.server.access import TABLE
from mofsim.server.app import create_app
from mofsim.server.routes import routes
from mofsim.settings import Settings
from mofsim.vocabulary import Scope

WRONG = f"mofsim_1_{'0' * 64}"

MakeKey = Callable[..., str]


@pytest.fixture
def make_key(database: Database) -> MakeKey:
    def make(scope: Scope, name: str = "") -> str:
        with database.write() as session:
            return keys.add(session, name or f"a key to {scope}", scope)[1]

    return make


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slowdown, "LONGEST", 0.0)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def endpoints() -> Iterator[tuple[str, str]]:
    for route in routes:
        assert isinstance(route, Route)
        yield from ((method, route.path) for method in sorted(route.methods or ()) if method != "HEAD")


def test_every_route_is_in_the_table() -> None:
    assert set(endpoints()) - set(TABLE) == set()


def test_only_what_is_nobodys_is_open_and_everything_that_changes_wants_more_than_read() -> None:
    assert {path for (_, path), scope in TABLE.items() if scope is None} == {
        "/health",
        "/api/v1/health",
        "/docs",
        "/redoc",
        "/openapi.json",
    }
    changing = {(method, path) for method, path in endpoints() if method != "GET"}
    assert {endpoint for endpoint in changing if TABLE[endpoint] in (None, Scope.READ)} <= {
        ("POST", "/api/v1/tasks/estimate"),
        ("POST", "/api/v1/benchmarks/estimate"),
    }


async def test_each_route_asks_for_its_scope(client: httpx.AsyncClient, make_key: MakeKey, no_waiting: None) -> None:
    """A query that no route takes keeps streams from beginning; the answer then says that it came through the gate."""
    tokens = {scope: make_key(scope) for scope in Scope}
    wrong = []
    for method, template in endpoints():
        path = re.sub(r"{\w+}", "999999", template)

        async def ask(headers: dict[str, str], method: str = method, path: str = path) -> httpx.Response:
            client.headers.pop("Authorization", None)
            return await client.request(method, path, params={"nonsense": "1"}, headers=headers)

        needed = TABLE[method, template]
        nobody, other = await ask({}), await ask(bearer(WRONG))
        expected = [401, 401] if needed else [nobody.status_code, nobody.status_code]
        if [nobody.status_code, other.status_code] != expected or (needed is None and nobody.status_code in (401, 403)):
            wrong.append(
                f"{method} {template}: {nobody.status_code} without a key, {other.status_code} with a wrong one"
            )
        for scope, token in tokens.items():
            answer = await ask(bearer(token))
            is_refused = answer.status_code in (401, 403)
            if is_refused != (needed is not None and not scope.allows(needed)):
                wrong.append(f"{method} {template}: {answer.status_code} with {scope}")
    assert wrong == []


async def test_refusals_say_what_to_do_in_the_envelope(
    client: httpx.AsyncClient, make_key: MakeKey, no_waiting: None
) -> None:
    del client.headers["Authorization"]
    missing = await client.get("/api/v1/tasks")
    error = missing.json()["error"]
    assert (missing.status_code, error["type"], error["field"]) == (401, "KeyRequired", "Authorization")
    assert missing.headers["www-authenticate"] == 'Bearer realm="mofsim"' and "mofsim keys create" in error["detail"]
    wrong = await client.get("/api/v1/tasks", headers=bearer(WRONG))
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (401, "WrongKey")
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    small = await client.post("/api/v1/tasks/optimization", headers=bearer(make_key(Scope.READ)))
    assert (small.status_code, small.json()["error"]["type"]) == (403, "ScopeTooSmall")
    assert "scope submit" in small.json()["error"]["detail"] and 'scope="submit"' in small.headers["www-authenticate"]
    assert "request_id" in small.json() and small.headers["x-request-id"]


@pytest.mark.parametrize(
    "header", ["{key}", "Basic {key}", "Bearer", "Bearer  ", "Bearer {key} more", "bearer {key}", "BEARER   {key}"]
)
async def test_the_scheme_is_bearer_in_any_case(
    client: httpx.AsyncClient, with_key: dict[str, str], no_waiting: None, header: str
) -> None:
    key = with_key["Authorization"].removeprefix("Bearer ")
    answer = await client.get("/api/v1/tasks", headers={"Authorization": header.format(key=key)})
    assert answer.status_code == (200 if header.lower().endswith("bearer {key}") or "   " in header else 401)


async def test_no_other_place_of_a_request_takes_a_key(
    settings: Settings, client: httpx.AsyncClient, with_key: dict[str, str]
) -> None:
    del client.headers["Authorization"]
    key = with_key["Authorization"].removeprefix("Bearer ")
    for query in ("key", "api_key", "token", "access_token"):
        assert (await client.get("/api/v1/tasks", params={query: key})).status_code == 401
    assert (await client.get("/api/v1/tasks", headers={"Cookie": f"key={key}"})).status_code == 401


async def test_what_is_not_there_is_told_only_to_who_has_a_key(client: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/api/v2/tasks"), ("PATCH", "/api/v1/tasks"), ("OPTIONS", "/api/v1/tasks")):
        with_one = (await client.request(method, path)).status_code
        without = (await client.request(method, path, headers={"Authorization": ""})).status_code
        assert (with_one, without) == (404 if path.startswith("/api/v2") else 405, 401)


async def test_without_keys_all_of_this_machine_may_do_all(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings({"security.require_keys": False}))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://[::1]") as it:
        assert (await it.get("/api/v1/keys", headers=bearer(WRONG))).status_code == 200


async def test_the_last_use_is_noted_but_not_at_each_request(
    client: httpx.AsyncClient, make_key: MakeKey, database: Database
) -> None:
    headers = bearer(make_key(Scope.READ, "often"))

    def last_used() -> Any:
        with database.read() as session:
            return next(key.last_used_at for key in keys.listing(session) if key.name == "often")

    for _ in range(3):
        assert (await client.get("/api/v1/tasks", headers=headers)).status_code == 200
    for _ in range(1000):
        if last_used():
            break
        await asyncio.sleep(0.01)
    first = last_used()
    assert first is not None
    await client.get("/api/v1/tasks", headers=headers)
    await asyncio.sleep(0.1)
    assert last_used() == first


def test_a_key_that_another_process_revokes_is_refused_soon_and_its_streams_end(
    settings: Settings,
    serve_with: Callable[..., Any],
    make_key: MakeKey,
    with_key: dict[str, str],
    database: Database,
    append: Callable[..., int],
) -> None:
    headers = bearer(make_key(Scope.READ, "gone soon"))
    with (
        serve_with(settings) as running,
        httpx.Client(base_url=running.url, headers=headers, timeout=20) as client,
        client.stream("GET", "/api/v1/events", headers=with_key) as lasting,
    ):
        with client.stream("GET", "/api/v1/events") as stream:
            assert (stream.status_code, lasting.status_code) == (200, 200)
            assert client.get("/api/v1/tasks").status_code == 200
            with database.write() as session:
                keys.revoke_named(session, "gone soon")
            began = time.monotonic()
            # It ends in good order, which httpx tells from a broken line.
            stream.read()
            assert time.monotonic() - began < gate.LOOK_EVERY + 5
        assert client.get("/api/v1/tasks").status_code == 401
        assert client.get("/health").status_code == 200
        # The other's key was looked at too by now.
        time.sleep(0.5)
        last = append()
        assert f"id: {last}" in next(text for text in lasting.iter_text() if "id: " in text)


def test_a_wrong_key_is_logged_without_its_secret(settings: Settings, serve_with: Callable[..., Any]) -> None:
    secret = "f" * 64
    with serve_with(settings) as running:
        assert httpx.get(f"{running.url}/api/v1/tasks", headers=bearer(f"mofsim_1_{secret}")).status_code == 401
    lines = [line for line in running.log if "a wrong key" in line]
    assert len(lines) == 1 and '"reason": "unknown"' in lines[0] and '"address": "127.0.0.1"' in lines[0]
    assert not any(secret in line for line in running.log)


async def test_wrong_keys_wait_ever_longer_and_the_right_one_does_not(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slowdown, "LONGEST", 0.8)

    async def timed(headers: dict[str, str]) -> tuple[int, float]:
        began = time.monotonic()
        answer = await client.get("/api/v1/tasks", headers=headers)
        return answer.status_code, time.monotonic() - began

    waits = []
    for _ in range(3):
        status, seconds = await timed(bearer(WRONG))
        waits.append(seconds)
        assert status == 401
    assert all(0.1 * 2**n <= wait < 0.1 * 2**n + 0.3 for n, wait in enumerate(waits)), waits
    guesses = [asyncio.create_task(timed(bearer(WRONG))) for _ in range(12)]
    await asyncio.sleep(0.2)
    status, seconds = await timed({})
    assert status == 200 and seconds < 0.4, "the right key waited too"
    # More connections make nobody faster.
    answers = sorted(await asyncio.gather(*guesses))
    assert [status for status, _ in answers] == [401] * slowdown.AT_ONCE + [429] * (12 - slowdown.AT_ONCE)
    assert all(0.8 <= seconds < 2 for status, seconds in answers if status == 401), "the longest wait is not kept"


async def test_too_many_requests_of_a_key_are_told_when_to_come_again(
    make_settings: Callable[..., Settings], make_key: MakeKey
) -> None:
    settings = make_settings({"security.requests_per_minute": 5, "security.submits_per_minute": 2})
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=bearer(make_key(Scope.ADMIN))
        ) as it,
    ):
        submits = [await it.post("/api/v1/tasks/optimization") for _ in range(3)]
        assert [answer.status_code for answer in submits] == [400, 400, 429]
        error = submits[2].json()["error"]
        assert error["type"] == "TooManyRequests" and 1 <= int(submits[2].headers["retry-after"]) <= 60
        others = [(await it.get("/api/v1/tasks")).status_code for _ in range(3)]
        assert others == [200, 200, 429]
        another = await it.get("/api/v1/tasks", headers=bearer(make_key(Scope.READ)))
        assert another.status_code == 200, "one key used up what another has"
        assert (await it.get("/health", headers={"Authorization": ""})).status_code == 200


async def test_an_address_without_a_key_has_its_own_limit_and_uses_up_nobody_elses(
    make_settings: Callable[..., Settings], with_key: dict[str, str], no_waiting: None
) -> None:
    app = create_app(make_settings({"security.requests_without_key_per_minute": 3}))
    async with app.router.lifespan_context(app):

        async def ask(address: str, headers: dict[str, str]) -> int:
            transport = httpx.ASGITransport(app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as it:
                return (await it.get("/api/v1/tasks")).status_code

        assert [await ask("192.0.2.1", {}) for _ in range(4)] == [401, 401, 401, 429]
        assert await ask("192.0.2.1", bearer(WRONG)) == 429
        assert await ask("192.0.2.1", with_key) == 200
        assert await ask("192.0.2.2", {}) == 401
        # The addresses of one IPv6 network are one person's.
        assert [await ask(f"2001:db8::{n:x}", {}) for n in range(1, 5)] == [401, 401, 401, 429]
        assert await ask("2001:db8:0:1::1", {}) == 401


async def test_a_limit_of_0_is_none(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings({"security.requests_without_key_per_minute": 0}))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://[::1]") as it:
        assert {(await it.get("/health")).status_code for _ in range(20)} == {200}


async def test_a_database_that_fails_is_503_also_at_the_gate(client: httpx.AsyncClient, database: Database) -> None:
    with database.writer.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {ApiKey.__tablename__} RENAME TO elsewhere")
    answer = await client.get("/api/v1/tasks")
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "DatabaseUnavailable")
