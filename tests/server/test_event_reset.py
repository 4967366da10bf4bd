"""Clients that can not be given all they missed are told so, and go on from the newest event."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx
import pytest

from mofsim.core import events
from mofsim.db.engine import Database
from mofsim.settings import Settings

BACKLOG = 20

Listen = Callable[..., Any]
Append = Callable[..., int]


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings({"server.event_backlog": BACKLOG})


def ids(found: Iterator[dict[str, str]], n: int) -> list[int]:
    return [int(each["id"]) for each in islice(found, n)]


@pytest.mark.parametrize("back", [BACKLOG + 1, 1000, -1, -(10**17)])
def test_a_client_that_can_not_go_on_is_reset_and_then_goes_on_live(listen: Listen, append: Append, back: int) -> None:
    last = append(30)
    with listen(after=max(0, last - back)) as found:
        reset = next(found)
        append(2)
        assert ids(found, 2) == [last + 1, last + 2]
    event = json.loads(reset["data"])
    assert (reset["event"], int(reset["id"])) == ("reset", last)
    assert (event["type"], event["id"], event["task_id"]) == ("reset", last, None)


@pytest.mark.parametrize("back", [BACKLOG, 3, 0])
def test_a_client_that_missed_no_more_than_the_backlog_goes_on(listen: Listen, append: Append, back: int) -> None:
    last = append(30)
    with listen(after=last - back) as found:
        append()
        assert ids(found, back + 1) == list(range(last - back + 1, last + 2))


def test_events_of_others_do_not_count_as_backlog(listen: Listen, append: Append) -> None:
    mine = append(1, task_id=1)
    append(3 * BACKLOG, task_id=2)
    last = append(1, task_id=1)
    with listen("/api/v1/events?task=1", after=mine) as found:
        assert ids(found, 1) == [last]


def test_a_client_whose_events_were_trimmed_is_reset(listen: Listen, append: Append, database: Database) -> None:
    append(5)
    with database.write() as session:
        now = datetime.now(UTC)
        events.trim(session, older_than=now, progress_older_than=now)
    last = append(1)
    with listen(after=2) as found:
        assert next(found)["event"] == "reset"
        append(1)
        assert ids(found, 1) == [last + 1]
    with listen(after=last - 2) as found:
        assert ids(found, 3) == [last - 1, last, last + 1]


def test_a_client_that_does_not_read_is_reset_and_holds_up_nobody(
    server: str, with_key: dict[str, str], listen: Listen, append: Append
) -> None:
    address = httpx.URL(server)
    with socket.socket() as slow, listen() as found:
        # Else the kernel takes megabytes for a client that reads nothing, more the slower they come.
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((address.host, address.port or 0))
        lines = ["GET /api/v1/events HTTP/1.1", f"Host: {address.host}", f"Authorization: {with_key['Authorization']}"]
        slow.sendall("\r\n".join([*lines, "", ""]).encode())
        assert slow.recv(15) == b"HTTP/1.1 200 OK"
        for _ in range(100):
            last = append(10, padding=20_000)
            assert ids(found, 10)[-1] == last
        missed = events_until(slow, append())
    assert "reset" in missed


def events_until(connection: socket.socket, last: int) -> list[str]:
    """The types of the events that the connection brings, up to the one with id `last`, which may be the reset."""
    connection.settimeout(20)
    found: list[str] = []
    is_last = False
    for line in connection.makefile("r", encoding="utf-8", newline="\n"):
        if line.startswith("event: "):
            found.append(line.removeprefix("event: ").strip())
            if is_last:
                return found
        elif line.startswith("id: "):
            is_last = line.strip() == f"id: {last}"
    raise AssertionError("the stream ended")
