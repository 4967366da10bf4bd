"""Every answer has the envelope; every mistake is told with its field and what would be right."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mofsim.db.engine import Database
from mofsim.db.tables import Model, Task

OPTIMIZATION = "/api/v1/tasks/optimization"
MOF5 = {"source": "builtin", "name": "MOF-5"}
HUGE = 10**30


def refused(answer: httpx.Response, status: int, field: str | None, *words: str) -> None:
    """The whole shape of a refusal."""
    body = answer.json()
    assert answer.status_code == status, body
    assert set(body) == {"success", "code", "message", "data", "timestamp", "request_id", "error"}
    assert (body["success"], body["code"], body["data"]) == (False, status, None)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["error"]["field"] == field, body["error"]
    assert set(body["error"]) == {"type", "detail", "field"}
    for word in words:
        assert word in body["error"]["detail"], body["error"]["detail"]


async def test_a_success_has_the_envelope(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/health", headers={"X-Request-ID": "my-request.1"})
    body = answer.json()
    assert set(body) == {"success", "code", "message", "data", "timestamp", "request_id"}
    assert (body["success"], body["code"], body["message"]) == (True, 200, "OK")
    assert body["request_id"] == answer.headers["x-request-id"] == "my-request.1"


async def test_a_strange_request_id_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/health", headers={"X-Request-ID": "a b\x1b[2J"})
    assert len(answer.headers["x-request-id"]) == 32


WRONG_BODIES: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({"parameters": {"fmax_eV_per_A": -1}}, "parameters.fmax_eV_per_A", ("greater than 0", "-1")),
    ({"parameters": {"fmax": -1}}, "parameters.fmax", ("greater than 0",)),
    ({"parameters": {"max_stepz": 5}}, "parameters.max_stepz", ("did you mean max_steps?",)),
    ({"parameters": []}, "parameters", ("dictionary",)),
    ({"model": "7net-99"}, "model", ("there is no model", "7net-0")),
    ({"preset": "fast"}, "preset", ("'mofsimbench' or 'quick'",)),
    ({"options": {"priority": "URGENT"}}, "options.priority", ("CRITICAL, HIGH, NORMAL, LOW",)),
    ({"options": {"timeout_seconds": 0}}, "options.timeout_seconds", ("greater than 0",)),
    ({"options": {"not_before": "0001-01-01T00:00:00+05:00"}}, "options.not_before", ("years",)),
    ({"structure": {"source": "builtin", "name": "MOF-0"}}, "structure.name", ("there are", "MOF-5")),
    ({"structure": {"source": "builtin"}}, "structure.name", ("is required",)),
    ({"structure": {"source": "upload", "id": 99}}, "structure.id", ("upload it first",)),
    ({"structure": {"source": "upload", "id": HUGE}}, "structure.id", ("less than",)),
    ({"structure": {"source": "moon"}}, "structure.source", ("builtin, task, upload",)),
    ({"structure": {}}, "structure.source", ("builtin, task, upload",)),
    ({"structure": None}, "structure", ("object",)),
    ({"colour": "red"}, "colour", ("not known", "structure")),
]


@pytest.mark.parametrize(("change", "field", "words"), WRONG_BODIES, ids=[case[1] for case in WRONG_BODIES])
async def test_a_wrong_field_is_named_and_no_task_is_made(
    client: httpx.AsyncClient,
    count: Callable[[type[Task]], int],
    change: dict[str, Any],
    field: str,
    words: tuple[str, ...],
) -> None:
    refused(await client.post(OPTIMIZATION, json={"structure": MOF5} | change), 422, field, *words)
    assert count(Task) == 0


async def test_a_number_beyond_all_floats_is_refused(client: httpx.AsyncClient) -> None:
    body = b'{"structure": {"source": "builtin", "name": "MOF-5"}, "parameters": {"fmax": 1e999}}'
    answer = await client.post(OPTIMIZATION, content=body, headers={"Content-Type": "application/json"})
    refused(answer, 422, "parameters.fmax", "finite number")


async def test_all_wrong_fields_are_told_at_once(client: httpx.AsyncClient) -> None:
    body = {"structure": {"source": "upload"}, "preset": "fast", "parameters": {"fmax": 0}}
    answer = await client.post(OPTIMIZATION, json=body)
    refused(answer, 422, "structure.id", "structure.id: is required", "preset:", "parameters.fmax:")


RAW_BODIES: list[tuple[bytes, int, str]] = [
    (b'{"structure": {"source": "builtin"', 400, "line 1 column"),
    (b'{"structure": tru}', 400, "line 1 column"),
    (b'{"timeout": NaN}', 400, "line 1 column"),
    (b'{"timeout": -Infinity}', 400, "line 1 column"),
    (b'{"name": "\\ud800"}', 400, "line 1 column"),
    (b"\xff\xfe\x00", 400, "line 1 column"),
    (b'{"a":' * 100_000, 400, "recursion limit"),
    (b"[" * 100_000, 400, "recursion limit"),
    (b"[1, 2]", 422, "JSON object"),
    (b'"text"', 422, "JSON object"),
    (b"null", 422, "JSON object"),
    (b"", 400, "missing"),
]


@pytest.mark.parametrize(("body", "status", "words"), RAW_BODIES, ids=[repr(case[0][:24]) for case in RAW_BODIES])
async def test_a_body_that_is_no_json_object_is_refused(
    client: httpx.AsyncClient, count: Callable[[type[Task]], int], body: bytes, status: int, words: str
) -> None:
    answer = await client.post(OPTIMIZATION, content=body, headers={"Content-Type": "application/json"})
    refused(answer, status, None, words)
    assert count(Task) == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json5", None])
async def test_json_of_another_content_type_is_refused(
    client: httpx.AsyncClient, count: Callable[[type[Task]], int], kind: str | None
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    body = b'{"structure": {"source": "builtin", "name": "MOF-5"}}'
    answer = await client.post(OPTIMIZATION, content=body, headers=headers)
    refused(answer, 415, "Content-Type", "application/json")
    assert count(Task) == 0


async def test_a_charset_beside_the_content_type_does_no_harm(client: httpx.AsyncClient) -> None:
    body = b'{"structure": {"source": "builtin", "name": "MOF-5"}}'
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await client.post(OPTIMIZATION, content=body, headers=headers)).status_code == 202


async def test_a_large_body_is_refused_announced_or_not(client: httpx.AsyncClient) -> None:
    async def pieces() -> Any:
        for _ in range(9):
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json"}
    for content in (b" " * 9_000_000, pieces()):
        refused(await client.post(OPTIMIZATION, content=content, headers=headers), 413, None, "8 MB")


async def test_an_element_that_the_model_does_not_know_is_told(
    client: httpx.AsyncClient, database: Database, count: Callable[[type[Task]], int]
) -> None:
    with database.write() as session:
        config = {"elements": ["C", "H", "O"]}
        session.add(Model(name="organic", framework="ase", file_path="x", is_validated=True, config=config))
    body = {"structure": MOF5, "model": "organic"}
    refused(await client.post(OPTIMIZATION, json=body), 422, "model", "Zn", "MOF-5", "choose a model")
    assert count(Task) == 0


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/", "/api/v1", "/api/v1/tasks/1/nothing"])
async def test_an_unknown_path_is_404(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.get(path), 404, None, path, "/docs")


async def test_a_wrong_method_is_405_and_the_right_ones_are_named(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/v1/structures/1")
    refused(answer, 405, None, "DELETE, GET, HEAD")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"


async def test_an_unknown_task_type_is_told_which_there_are(client: httpx.AsyncClient) -> None:
    refused(await client.post("/api/v1/tasks/optimisation", json={}), 404, "task_type", "optimization")


PATHS = ["/tasks/{}", "/tasks/{}/result", "/tasks/{}/series", "/tasks/{}/logs", "/tasks/{}/logs/stream"]
PATHS += [
    "/tasks/{}/files",
    "/tasks/{}/attempts",
    "/tasks/{}/events",
    "/tasks/{}/explain",
    "/structures/{}",
    "/structures/{}/file",
]
PATHS += ["/files/{}/1/result.json", "/files/1/{}/result.json", "/models/{}"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("id", ["999", "0", "-1", "abc", "1.5", "٣", "9" * 25, "9" * 5000, "%00", "1%20"])
async def test_an_id_that_names_nothing_is_404(client: httpx.AsyncClient, path: str, id: str) -> None:
    answer = await client.get(f"/api/v1{path.format(id)}")
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["type"] == "NotFound"


QUERIES = [
    ("/tasks?status=DONE", "status.0", "'PENDING'"),
    ("/tasks?status=QUEUED,RUNNING,DONE", "status.2", "'PENDING'"),
    ("/tasks?limit=0", "limit", "greater than or equal to 1"),
    ("/tasks?limit=501", "limit", "less than or equal to 500"),
    ("/tasks?sort=colour", "sort", "must be one of"),
    ("/tasks?cursor=abc", "cursor", "next_cursor"),
    ("/tasks?cursor=" + "W" * 900, "cursor", "next_cursor"),
    ("/tasks?batch=" + "9" * 30, "batch", "less than"),
    ("/tasks?since=yesterday", "since", "datetime"),
    ("/tasks?since=0001-01-01T00:00:00%2B05:00", "since", "years"),
    ("/tasks?colour=red", "colour", "not known"),
    ("/structures?builtin=perhaps", "builtin", "boolean"),
    ("/events?last_event_id=x", "last_event_id", "integer"),
    ("/events?last_event_id=" + "9" * 30, "last_event_id", "less than"),
    ("/events?task=-1", "task", "greater than"),
]


@pytest.mark.parametrize(("path", "field", "words"), QUERIES, ids=[case[0][:40] for case in QUERIES])
async def test_a_wrong_query_is_422_with_its_name(client: httpx.AsyncClient, path: str, field: str, words: str) -> None:
    refused(await client.get(f"/api/v1{path}"), 422, field, words)


async def test_a_last_event_id_that_is_no_number_is_refused(client: httpx.AsyncClient) -> None:
    for value in ("abc", "-5", "9" * 30):
        refused(await client.get("/api/v1/events", headers={"Last-Event-ID": value}), 422, "Last-Event-ID", "number")


async def test_numbers_of_any_length_are_text_like_other_words(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/tasks?text=" + "9" * 100, "/api/v1/tasks?structure=" + "9" * 100):
        assert (await client.get(path)).json()["data"]["items"] == []


async def test_a_failure_of_ours_is_a_500_without_its_traceback(
    client: httpx.AsyncClient, database: Database, submit: Callable[..., int]
) -> None:
    task_id = submit()
    with database.write() as session:
        session.get_one(Task, task_id).status = "UNHEARD-OF"
    answer = await client.get(f"/api/v1/tasks/{task_id}")
    refused(answer, 500, None, "log")
    assert "UNHEARD-OF" not in answer.text and "Traceback" not in answer.text
