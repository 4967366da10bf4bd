"""Callbacks of a submit, and their deliveries; how they are sent is held in tests/core and tests/worker."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from mofsim.core import outbox
from mofsim.core.outbox import Answer
from mofsim.db.engine import Database
from mofsim.db.tables import Task, WebhookDelivery, utcnow
from mofsim.server.app import create_app
from mofsim.settings import Settings
from tests.conftest import MakeSettings

MOF5 = {"source": "builtin", "name": "MOF-5"}
SUBMIT = "/api/v1/tasks/single-point"
SECRET = "never to be seen again"
PUBLIC = "https://93.184.215.14/hook"


def body(url: str = PUBLIC, **callback: Any) -> dict[str, Any]:
    return {"structure": MOF5, "options": {"callback": {"url": url, **callback}}}


@pytest.fixture
async def told(client: httpx.AsyncClient) -> int:
    """A cancelled task whose receiver is to hear of it."""
    task_id = (await client.post(SUBMIT, json=body(secret=SECRET))).json()["data"]["id"]
    await client.post(f"/api/v1/tasks/{task_id}/cancel")
    return int(task_id)


@pytest.fixture
async def lenient(make_settings: MakeSettings, with_key: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server whose settings allow private addresses."""
    app = create_app(make_settings({"webhooks.allow_private": True}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://[::1]", headers=with_key) as it,
    ):
        yield it


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost:9/", "http://[fd00::1]/", "ftp://a.example"])
async def test_a_receiver_that_may_not_be_called_is_refused_with_its_field(client: httpx.AsyncClient, url: str) -> None:
    alone = await client.post(SUBMIT, json=body(url))
    assert (alone.status_code, alone.json()["error"]["field"]) == (422, "options.callback.url")
    items = [{"task_type": "single-point"} | each for each in (body(), body(url))]
    batch = await client.post("/api/v1/tasks/batch", json={"tasks": items})
    assert (batch.status_code, batch.json()["error"]["field"]) == (422, "tasks.1.options.callback.url")
    assert (await client.get("/api/v1/tasks")).json()["data"]["total"] == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost:9/"])
async def test_settings_can_allow_private_addresses(lenient: httpx.AsyncClient, url: str) -> None:
    assert (await lenient.post(SUBMIT, json=body(url))).status_code == 202
    item = {"task_type": "single-point"} | body(url)
    assert (await lenient.post("/api/v1/tasks/batch", json={"tasks": [item]})).status_code == 202


async def test_what_a_receiver_hears_is_listed_and_sent_once_more(
    client: httpx.AsyncClient, told: int, database: Database
) -> None:
    path = f"/api/v1/tasks/{told}/deliveries"
    (delivery,) = (await client.get(path)).json()["data"]["items"]
    assert (delivery["event"], delivery["state"], delivery["attempts"]) == ("task.cancelled", "PENDING", 0)
    with database.write() as session:
        parcel = outbox.claim(session, 30)
        assert parcel
        outbox.record(session, parcel, Answer(500, "HTTP 500"), [])
    (delivery,) = (await client.get(path)).json()["data"]["items"]
    assert (delivery["state"], delivery["response_status"], delivery["last_error"]) == ("GIVEN_UP", 500, "HTTP 500")

    again = await client.post(f"/api/v1/deliveries/{delivery['id']}/redeliver")
    assert (again.status_code, again.json()["data"]["state"]) == (202, "PENDING")
    assert (await client.get(path)).json()["data"]["items"] == [again.json()["data"]]


async def test_a_delivery_under_way_is_not_sent_twice(client: httpx.AsyncClient, told: int, database: Database) -> None:
    with database.write() as session:
        session.execute(update(WebhookDelivery).values(lease_until=utcnow() + timedelta(seconds=30)))
    answer = await client.post("/api/v1/deliveries/1/redeliver")
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "Conflict")


async def test_deliveries_of_nothing_are_not_found(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get("/api/v1/tasks/9/deliveries"),
        await client.post("/api/v1/deliveries/9/redeliver"),
        await client.post("/api/v1/deliveries/x/redeliver"),
    ):
        assert (answer.status_code, answer.json()["error"]["field"]) == (404, "id")


async def test_a_secret_never_comes_back(client: httpx.AsyncClient, told: int, database: Database) -> None:
    with database.read() as session:
        assert session.get_one(Task, told).callback_secret == SECRET
    of_task = f"/api/v1/tasks/{told}"
    paths = [of_task, f"{of_task}/deliveries", f"{of_task}/explain", f"{of_task}/logs", "/api/v1/tasks"]
    answers = [await client.get(path) for path in paths]
    answers.append(await client.post("/api/v1/deliveries/1/redeliver"))
    answers.append(await client.post(f"{of_task}/retry"))
    answers.append(await client.post(SUBMIT, json=body(secret=SECRET), headers={"Idempotency-Key": "one"}))
    # Refusals quote what was sent.
    for wrong in (
        {"secret": [SECRET]},
        {"secret": SECRET * 100},
        {"secret": SECRET, "events": ["x"]},
        {"secrets": SECRET},
    ):
        answers.append(await client.post(SUBMIT, json=body(**wrong)))
    assert [answer.status_code for answer in answers[-4:]] == [422] * 4
    assert not [answer.url for answer in answers if SECRET in answer.text]


def test_neither_the_log_nor_the_stream_of_events_has_it(
    settings: Settings, serve_with: Callable[..., Any], with_key: dict[str, str]
) -> None:
    with serve_with(settings) as running, httpx.Client(base_url=running.url, headers=with_key, timeout=20) as client:
        assert client.post(SUBMIT, json=body(secret=SECRET)).status_code == 202
        assert client.post(SUBMIT, json=body("http://127.0.0.1", secret=SECRET)).status_code == 422
        with client.stream("GET", "/api/v1/events?last_event_id=0") as stream:
            told = next(text for text in stream.iter_text() if "task.created" in text)
    assert SECRET not in told and SECRET not in "".join(running.log)
