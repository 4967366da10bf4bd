import subprocess
import sys
from pathlib import Path

import pytest

from mofsim.queue import ChoreTickets, Tickets
from mofsim.settings import Settings, load_settings
from tests import engines

ISSUE = "from mofsim.queue import Tickets; from mofsim.settings import load_settings; Tickets(load_settings()).issue()"


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    return engines.environment(request.param, tmp_path)


@pytest.fixture
def settings(environment: dict[str, str], tmp_path: Path) -> Settings:
    return load_settings(env=environment, cwd=tmp_path)


def test_tickets_are_taken_in_order_of_priority(settings: Settings) -> None:
    tickets = Tickets(settings)
    for priority in (3, 0, 2):
        tickets.issue(priority)
    taken = [tickets.huey.dequeue().priority for _ in range(3)]
    assert taken == [3, 1, 0]


def test_many_tickets_at_once_are_one_each_and_wait_in_their_place(settings: Settings) -> None:
    tickets = Tickets(settings)
    tickets.issue(3, n=3)
    tickets.issue(1, n=2)
    taken = [tickets.huey.dequeue() for _ in range(tickets.waiting())]
    assert [task.priority for task in taken] == [2, 2, 0, 0, 0]
    assert len({task.id for task in taken}) == 5


def test_a_message_is_json_under_a_name_that_does_not_change(settings: Settings) -> None:
    tickets = Tickets(settings)
    tickets.issue()
    [message] = tickets.huey.storage.enqueued_items()
    assert message.startswith(b'["') and b'"mofsim.ticket"' in message


@pytest.mark.parametrize("environment", ["sqlite"], indirect=True)
def test_a_process_that_had_the_queue_open_notices_that_its_file_was_deleted(settings: Settings) -> None:
    tickets = Tickets(settings)
    tickets.issue(n=3)
    for path in settings.queue_path.parent.glob("queue.db*"):
        path.unlink()
    environment = {"MOFSIM_STORAGE__ROOT": str(settings.storage.root), "PATH": "/usr/bin"}
    subprocess.run([sys.executable, "-c", ISSUE], check=True, env=environment, cwd=settings.storage.root)
    assert tickets.waiting() == 1
    tickets.issue()
    assert tickets.huey.dequeue() is not None and tickets.waiting() == 1


def test_a_worker_that_waits_is_handed_a_ticket_of_another_process(
    settings: Settings, environment: dict[str, str]
) -> None:
    tickets = Tickets(settings)
    assert tickets.huey.dequeue() is None
    subprocess.run([sys.executable, "-c", ISSUE], check=True, env=environment, cwd=settings.storage.root)
    assert tickets.huey.dequeue() is not None and tickets.huey.dequeue() is None


def test_chores_are_issued_once_while_nobody_takes_them(settings: Settings) -> None:
    chores = ChoreTickets(settings)
    for _ in range(3):
        chores.issue_tidy()
        chores.issue_notify()
    assert sorted(message.name for message in chores.huey.pending()) == ["notify", "tidy"]
