"""Chores of several boxes on one database: one does what is nobody's own, and another when that one falls silent."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from mofsim.core import leases, turns
from mofsim.db.tables import Host, Turn, utcnow
from mofsim.vocabulary import TaskStatus, TaskType
from mofsim.worker.chores import Chores

from .box import Box, wait_until


@pytest.fixture
def one(box: Box) -> Chores:
    return Chores(box.settings, "one")


@pytest.fixture
def two(box: Box) -> Chores:
    return Chores(box.settings, "two")


def lose_a_task(box: Box) -> int:
    """It is with a worker that fell silent."""
    task_id = box.submit("lj", TaskType.SINGLE_POINT, ticket=False)
    with box.database.write() as session:
        assert leases.claim(session, "far:cpu0", gpu_id=None, loaded_models=[], lease_seconds=-1, affinity_seconds=0)
    return task_id


def silent_since(box: Box, seconds: float) -> None:
    with box.database.write() as session:
        for turn in session.query(Turn):
            turn.until = utcnow() - timedelta(seconds=seconds)


def test_the_other_box_takes_over_from_one_that_fell_silent(box: Box, one: Chores, two: Chores) -> None:
    one.round()
    task_id = lose_a_task(box)
    two.round()
    assert box.task(task_id).status == TaskStatus.ASSIGNED, "it is the turn of the other"
    one.round()
    assert box.task(task_id).status == TaskStatus.QUEUED
    silent_since(box, 1)
    lost = lose_a_task(box)
    two.round()
    assert box.task(lost).status == TaskStatus.QUEUED
    # What is of a box itself each does.
    with box.database.read() as session:
        assert {host.name for host in session.query(Host)} == {"one", "two"}


@pytest.fixture
def running(one: Chores) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=one.repeat, args=(stop,))
    thread.start()
    yield stop
    stop.set()
    thread.join(10)


def test_a_box_on_which_rounds_fail_or_end_leaves_the_turn_to_others(
    box: Box, one: Chores, two: Chores, running: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turn() -> str | None:
        with box.database.read() as session:
            return turns.current(session, utcnow()).get(turns.Chores.ROWS)

    wait_until(lambda: turn() == "one", lambda: "it has no turn")
    monkeypatch.setattr(one, "_top_up_tickets", lambda: 1 / 0)
    task_id = lose_a_task(box)
    wait_until(lambda: two.round() or turn() == "two", lambda: "nobody took over")
    assert box.task(task_id).status == TaskStatus.QUEUED
    monkeypatch.undo()
    with box.database.write() as session:
        session.query(Turn).delete()
    wait_until(lambda: turn() == "one", lambda: "it does not come back")
    running.set()
    wait_until(lambda: turn() is None, lambda: "who ends keeps the turn")


def test_a_box_without_files_leaves_their_chores_to_those_that_have_them(box: Box, one: Chores, two: Chores) -> None:
    one.has_files = False
    one.round()
    two.round()
    with box.database.read() as session:
        assert {turn.chores: turn.box for turn in session.query(Turn)} == {"rows": "one", "files": "two"}
