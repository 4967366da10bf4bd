"""Events as they happen, over broken lines and restarts of the server."""

import threading
from collections.abc import Iterator
from itertools import islice

import pytest

from mofsim.client import Client, ClientError, NotFound, ServerUnreachable
from mofsim.schemas.events import Event
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import EventType, TaskStatus

from .running import Hands, Server


def kinds(events: Iterator[Event], n: int) -> list[tuple[EventType, int | None]]:
    return [(event.type, event.task_id) for event in islice(events, n)]


def test_events_after_an_id_come_in_order(own_client: Client, hands: Hands) -> None:
    start = own_client.health().last_event_id
    task = own_client.submit("single-point", "MOF-5")
    lease = hands.take()
    hands.step(lease, 1)
    assert kinds(own_client.events(start), 4) == [
        (EventType.TASK_CREATED, task.id),
        (EventType.TASK_STATUS, task.id),
        (EventType.TASK_STATUS, task.id),
        (EventType.TASK_PROGRESS, task.id),
    ]


def test_events_of_one_task_leave_out_those_of_others(client: Client) -> None:
    start = client.health().last_event_id
    client.submit("single-point", "MOF-5")
    second = client.submit("single-point", "MOF-5")
    assert kinds(client.events(start, second.id), 1) == [(EventType.TASK_CREATED, second.id)]


def test_events_end_with_the_server(own_server: Server, own_client: Client) -> None:
    opened = threading.Event()
    events = own_client.events(on_open=lambda: (opened.set(), own_server.stop())[0])
    with pytest.raises(ServerUnreachable):
        next(events)
    assert opened.is_set()


def test_following_goes_on_over_a_restart_of_the_server_and_misses_nothing(
    own_server: Server, own_client: Client
) -> None:
    lost: list[ClientError] = []
    events = own_client.follow(own_client.health().last_event_id, on_lost=lost.append)
    first = own_client.submit("single-point", "MOF-5")
    assert next(events).task_id == first.id
    own_server.stop()
    with own_server.hands() as hands:
        hands.take()
    restart = threading.Thread(target=own_server.start)
    restart.start()
    assert kinds(events, 2) == [(EventType.TASK_STATUS, first.id)] * 2
    restart.join()
    assert lost
    second = own_client.submit("single-point", "MOF-5")
    assert next(events).task_id == second.id


def test_a_log_is_followed_over_a_restart_until_the_task_has_ended(own_server: Server, own_client: Client) -> None:
    id = own_client.submit("single-point", "MOF-5").id
    lost: list[ClientError] = []
    lines = own_client.follow_logs(id, on_lost=lost.append)
    with own_server.hands() as hands:
        lease = hands.take()
        hands.say(lease, "one")
        assert next(lines).message == "one"
        own_server.stop()
        hands.say(lease, "two")
        restart = threading.Thread(target=own_server.start)
        restart.start()
        assert next(lines).message == "two"
        restart.join()
        hands.end(lease)
    assert [line.message for line in lines] == []


def test_following_starts_now_when_nothing_else_is_said(client: Client) -> None:
    client.submit("single-point", "MOF-5")
    late = threading.Event()
    events = client.follow(on_open=late.set)
    found: list[Event] = []
    follower = threading.Thread(target=lambda: found.append(next(events)))
    follower.start()
    assert late.wait(10)
    second = client.submit("single-point", "MOF-5")
    follower.join(10)
    assert [event.task_id for event in found] == [second.id]


def test_waiting_shows_each_change_and_gives_the_task_that_has_ended(own_client: Client, hands: Hands) -> None:
    task = own_client.submit("single-point", "MOF-5")
    seen: list[Task] = []
    script = iter([hands.take, lambda: hands.step(lease(), 5), lambda: hands.end(lease())])
    leases = []

    def lease():
        return leases[0]

    def play(task: Task) -> None:
        seen.append(task)
        if task.status is TaskStatus.QUEUED or task.status is TaskStatus.RUNNING:
            leases.append(next(script)())

    ended = own_client.wait(task.id, play)
    assert ended.status is TaskStatus.COMPLETED and ended == own_client.task(task.id)
    assert [t.status for t in seen] == ["QUEUED", "ASSIGNED", "RUNNING", "RUNNING", "COMPLETED"]
    assert seen[3].progress.step == 5 and seen[3].progress.energy_eV == -15.0


def test_waiting_never_shows_a_task_as_it_was_before(own_server: Server, own_client: Client, hands: Hands) -> None:
    task = own_client.submit("single-point", "MOF-5")
    begun = []

    class Late(Client):
        """It reads the task when the worker has begun it; the events of that are still to come."""

        def task(self, id):
            if not begun:
                begun.append(hands.take())
            return super().task(id)

    seen: list[TaskStatus] = []

    def end(task: Task) -> None:
        seen.append(task.status)
        if len(seen) == 3:
            hands.end(begun[0])

    with Late(own_server.url) as late:
        late.wait(task.id, end)
    assert seen == ["RUNNING"] * 3 + ["COMPLETED"]


def test_waiting_for_a_task_that_has_ended_gives_it_at_once(client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    client.cancel(task.id)
    assert client.wait(task.id).status is TaskStatus.CANCELLED


def test_waiting_for_a_task_that_is_deleted_meanwhile_ends(client: Client) -> None:
    task = client.submit("single-point", "MOF-5")

    def remove(seen: Task) -> None:
        if not seen.status.is_final:
            client.cancel(seen.id)
            client.delete(seen.id)

    # The cancel is seen before the deletion: whoever waits for the end gets it.
    assert client.wait(task.id, remove).status is TaskStatus.CANCELLED
    with pytest.raises(NotFound):
        client.wait(task.id)


def test_waiting_reads_the_task_again_after_a_reset(own_server: Server, own_client: Client, hands: Hands) -> None:
    task = own_client.submit("single-point", "MOF-5")

    class Late(Client):
        """Follows from an event that no server ever sent, as after a restored backup."""

        def follow(self, last_event_id=None, task=None, **more):
            return super().follow((last_event_id or 0) + 1000, task, **more)

    def end(seen: Task) -> None:
        if seen.status is TaskStatus.QUEUED:
            hands.end(hands.take())

    with Late(own_server.url) as late:
        assert late.wait(task.id, end).status is TaskStatus.COMPLETED


def test_the_log_of_the_processes_comes_as_it_is_written(own_server: Server, own_client: Client) -> None:
    opened = threading.Event()
    lines = own_client.system_log_lines(process="server", on_open=opened.set)
    found: list[SystemLogLine] = []
    reader = threading.Thread(target=lambda: found.append(next(lines)))
    reader.start()
    assert opened.wait(30)
    own_client.submit("single-point", "MOF-5")
    reader.join(30)
    assert found and found[0].process == "server"
    since = own_client.system_logs(process="server", since=found[0].timestamp)
    assert found[0] in since.items
