"""The stream of events, against a real server: no gap, no duplicate, and an end when the server ends."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import httpx

from mofsim.core import leases
from mofsim.core.leases import Outcome
from mofsim.db.engine import Database
from mofsim.db.tables import TaskLog
from mofsim.settings import Settings
from mofsim.vocabulary import TaskStatus

EVENTS = "/api/v1/events"


def ids(found: Iterator[dict[str, str]], n: int) -> list[int]:
    return [int(each["id"]) for each in islice(found, n)]


def test_an_event_tells_its_id_its_type_and_its_data(listen: Callable[..., Any], submit: Callable[..., int]) -> None:
    task_id = submit()
    with listen(f"{EVENTS}?last_event_id=0") as found:
        message = next(found)
    event = json.loads(message["data"])
    assert message["event"] == event["type"] == "task.created"
    assert message["id"] == str(event["id"])
    assert event["task_id"] == event["data"]["task"]["id"] == task_id
    assert datetime.fromisoformat(event["time"]).tzinfo is not None


def test_a_stream_starts_now_when_no_event_is_named(listen: Callable[..., Any], append: Callable[..., int]) -> None:
    last = append(10)
    with listen() as found:
        append(2)
        assert ids(found, 2) == [last + 1, last + 2]


def test_clients_that_come_and_go_while_events_are_written_miss_none_and_see_none_twice(
    listen: Callable[..., Any], append: Callable[..., int]
) -> None:
    total = 600
    first = append()
    seen: list[list[int]] = [[], [], []]

    def write() -> None:
        for _ in range(total // 3):
            append(3)

    def follow(mine: list[int], stay: int) -> None:
        while len(mine) < total:
            with listen(after=mine[-1] if mine else first) as found:
                mine += ids(found, min(stay, total - len(mine)))

    threads = [
        threading.Thread(target=follow, args=(mine, stay)) for mine, stay in zip(seen, (7, 100, total), strict=True)
    ]
    threads.append(threading.Thread(target=write))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [list(range(first + 1, first + total + 1))] * 3


def test_a_task_is_followed_alone(
    listen: Callable[..., Any], submit: Callable[..., int], append: Callable[..., int]
) -> None:
    mine, other = submit(), submit()
    with listen(f"{EVENTS}?task={mine}&last_event_id=0") as found:
        append(1, task_id=other)
        last = append(1, task_id=mine)
        received = [json.loads(message["data"]) for message in islice(found, 2)]
    assert [event["task_id"] for event in received] == [mine, mine]
    assert received[-1]["id"] == last


def test_streams_end_at_once_when_the_server_is_stopped(
    settings: Settings, serve_with: Callable[..., Any], submit: Callable[..., int], with_key: dict[str, str]
) -> None:
    task_id = submit()
    paths = [EVENTS, f"{EVENTS}?task={task_id}", f"/api/v1/tasks/{task_id}/logs/stream"] * 3
    with serve_with(settings) as running, httpx.Client(base_url=running.url, timeout=20, headers=with_key) as client:
        answers = [client.send(client.build_request("GET", path), stream=True) for path in paths]
        assert all(answer.status_code == 200 for answer in answers)
        began = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - began < 4, "it waited for its streams instead of ending them"
        for answer in answers:
            # It ends in good order, which httpx tells from a broken line.
            answer.read()


def test_the_log_is_followed_until_the_task_has_ended(
    listen: Callable[..., Any], submit: Callable[..., int], database: Database
) -> None:
    task_id = submit()
    path = f"/api/v1/tasks/{task_id}/logs/stream"

    def write(message: str) -> None:
        with database.write() as session:
            line = {"attempt": 1, "level": "INFO", "logger": "run", "message": message}
            session.add(TaskLog(task_id=task_id, **line))

    write("step 0")
    with listen(path) as found:
        first = next(found)
        write("step 1")
        second = next(found)
        end_task(database)
        rest = list(found)
    assert [json.loads(line["data"])["message"] for line in (first, second)] == ["step 0", "step 1"]
    assert [(each["event"], json.loads(each["data"])) for each in rest] == [("end", {"status": "COMPLETED"})]
    with listen(path, after=int(first["id"])) as found:
        assert [each["event"] for each in found] == ["log", "end"]


def end_task(database: Database) -> None:
    with database.write() as session:
        values: dict[str, Any] = {"gpu_id": None, "loaded_models": [], "lease_seconds": 60, "affinity_seconds": 0}
        claimed = leases.claim(session, "box/cpu0", **values)
        assert claimed
        leases.start(session, claimed[0], 1)
        leases.finish(session, claimed[0], Outcome(TaskStatus.COMPLETED))
