"""The logs of mofsim's processes by the API: looked through, and followed."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest


def test_what_the_server_logs_is_found_and_followed(
    server: str, listen: Callable[..., Any], with_key: dict[str, str]
) -> None:
    path = "/api/v1/system/logs"
    with httpx.Client(base_url=server, headers=with_key) as client:
        for number in range(3):
            client.get(f"/api/v1/tasks/99{number}", headers={"X-Request-ID": f"look-{number}"})
        query = {"text": '"look-', "process": "server", "level": "INFO"}
        page = client.get(path, params=query | {"limit": 2}).json()["data"]
        rest = client.get(path, params=query | {"limit": 2, "cursor": page["next_cursor"]}).json()["data"]
        found = page["items"] + rest["items"]
        assert [line["request_id"] for line in found] == ["look-2", "look-1", "look-0"]
        assert found[0]["extra"]["route"] == "/api/v1/tasks/{id}" and rest["next_cursor"] is None
        assert client.get(path, params=query | {"level": "ERROR"}).json()["data"]["items"] == []
        with listen(f"{path}/stream?text=look-3") as lines:
            client.get("/api/v1/tasks/1", headers={"X-Request-ID": "look-3"})
            line = json.loads(next(lines)["data"])
        assert (line["request_id"], line["extra"]["status"]) == ("look-3", 404)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("cursor=WyItaWQiLCAyOV0", "cursor", id="cursor of another list"),
        pytest.param("cursor=é", "cursor", id="no cursor"),
        pytest.param("level=LOUD", "level", id="level"),
        pytest.param("since=2026-11-24T10:00:00", "since", id="time without a zone"),
        pytest.param("limit=100000", "limit", id="limit"),
    ],
)
async def test_what_can_not_be_looked_for_is_told(client: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"/api/v1/system/logs?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
