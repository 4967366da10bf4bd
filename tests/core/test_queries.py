from datetime import timedelta

import pytest

from mofsim.core import queries, steering
from mofsim.core.errors import Invalid
from mofsim.core.listing import TaskFilter
from mofsim.db.engine import Database
from mofsim.db.tables import Structure, utcnow
from mofsim.vocabulary import Priority, TaskStatus


@pytest.fixture
def session(database: Database, structure: Structure):
    with database.write() as session:
        yield session


def pages(session, where: TaskFilter, limit: int) -> list[int]:
    found, cursor = [], None
    while True:
        page = queries.page(session, where, limit, cursor)
        found += [task.id for task in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("sort", ["id", "-id", "priority", "-priority", "model", "-model"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_every_task_once_in_any_order(session, new_task, sort: str, limit: int) -> None:
    priorities = [Priority.LOW, Priority.HIGH, Priority.HIGH, Priority.NORMAL, Priority.LOW, Priority.CRITICAL]
    for n, priority in enumerate(priorities):
        new_task(session, priority=priority, model_name=f"m{n % 2}")
    ids = pages(session, TaskFilter(sort=sort), limit)
    assert sorted(ids) == [1, 2, 3, 4, 5, 6]
    assert ids == pages(session, TaskFilter(sort=sort), 100)


def test_a_page_stays_where_it_was_when_new_tasks_come_in(session, new_task) -> None:
    for _ in range(4):
        new_task(session)
    first = queries.page(session, TaskFilter(), 2)
    new_task(session)
    second = queries.page(session, TaskFilter(), 2, first.next_cursor)
    assert [t.id for t in first.items] == [4, 3] and [t.id for t in second.items] == [2, 1]


def test_filters_narrow_the_list(session, new_task) -> None:
    cancelled, other = new_task(session), new_task(session, model_name="warm")
    old = new_task(session)
    old.created_at = utcnow() - timedelta(hours=3)
    steering.request_cancel(session, cancelled.id)

    def ids(**where: object) -> list[int]:
        return [task.id for task in queries.page(session, TaskFilter(**where), 10).items]  # type: ignore[arg-type]

    assert ids(status=[TaskStatus.CANCELLED]) == [cancelled.id]
    assert ids(model=["warm"]) == [other.id]
    assert ids(structure="mof-5") == ids(structure="1") == [3, 2, 1]
    assert ids(structure="HKUST-1") == []
    assert ids(since=utcnow() - timedelta(hours=1)) == [2, 1]
    assert ids(text="mof warm") == [other.id]
    assert ids(text="100%") == []


def test_totals_come_with_the_page(session, new_task) -> None:
    for _ in range(3):
        new_task(session)
    steering.request_cancel(session, 1)
    assert queries.page(session, TaskFilter(), 1).total == 3
    assert queries.page(session, TaskFilter(status=[TaskStatus.QUEUED]), 1).total == 2
    assert queries.page(session, TaskFilter(text="MOF", status=[TaskStatus.QUEUED]), 1).total == 2


def test_counts_are_whole_numbers(session, new_task) -> None:
    """Of a decimal one, which a sum may be on PostgreSQL, JSON would make a string."""
    new_task(session, model_name="m1")
    session.flush()
    total = queries.page(session, TaskFilter(model=["m1"]), 10, None).total
    assert [type(n) for n in (total, *queries.queued_by_priority(session).values())] == [int] * 5


@pytest.mark.parametrize("cursor", ["x", "W10", "!!!", "WyItaWQiLDEsIngiXQ", "eyJhIjoxfQ"])
def test_a_foreign_cursor_is_refused(session, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        queries.page(session, TaskFilter(), 10, cursor)


def test_an_unknown_sort_is_refused(session) -> None:
    with pytest.raises(Invalid, match="sort must be one of id, priority"):
        queries.page(session, TaskFilter(sort="size"), 10)
