"""Lists of many tasks: right whatever they are filtered and sorted by, and read from an index."""

import itertools
import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from operator import attrgetter
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.orm import Session

from mofsim.core import batches, dependencies, leases, listing, queries, rescue
from mofsim.core.listing import TaskFilter
from mofsim.db.engine import Database
from mofsim.db.tables import Batch, Structure, Task, utcnow
from mofsim.server import metrics
from mofsim.vocabulary import Priority, TaskStatus, TaskType

from .conftest import add_structure, empty_database

N_TASKS = 1500
SORTS = ("id", "-id", "priority", "-priority", "status", "-model", "task_type")
MODELS = ("7net-0", "mine", "rare")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Tasks of all kinds, two thirds of them alike, of three structures of which two have one name."""
    dice = random.Random(7)
    with empty_database(request.param, tmp_path_factory.mktemp("filled")) as database:
        structure = add_structure(database)
        with database.write() as session:
            columns = {column.key: getattr(structure, column.key) for column in Structure.__table__.columns}
            twins = [columns | {"id": n, "name": "hMOF-1", "is_builtin": False} for n in (2, 3)]
            session.execute(insert(Structure), twins)
            session.execute(insert(Batch), [{"id": 1, "name": "", "n_tasks": 40}])
            session.execute(insert(Task), [task_row(n, dice) for n in range(1, N_TASKS + 1)])
        yield database


@pytest.fixture
def many(filled: Database) -> Iterator[Session]:
    """What a test does to them is undone after it."""
    with filled.write() as session:
        yield session
        session.rollback()


def task_row(n: int, dice: random.Random) -> dict[str, Any]:
    is_usual = dice.random() < 0.66
    status = TaskStatus.COMPLETED if is_usual else dice.choice([*TaskStatus])
    return {
        "id": n,
        "status": status,
        "task_type": "optimization" if is_usual else dice.choice([*TaskType]),
        "model_name": dice.choices(MODELS, (90, 9, 1))[0],
        "priority": dice.choice([*Priority]),
        "structure_id": dice.choices((1, 2, 3), (80, 15, 5))[0],
        "batch_id": 1 if n % 70 == 0 else None,
        "preset": "quick",
        "parameters": {},
        "timeout_seconds": 60.0,
        "created_at": utcnow() - timedelta(minutes=N_TASKS - n + dice.randint(-2, 2)),
        "queued_at": utcnow() if status is TaskStatus.QUEUED else None,
        "error_type": "OutOfMemory" if status is TaskStatus.FAILED else None,
    }


FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "a status": {"status": [TaskStatus.FAILED]},
    "statuses": {"status": [TaskStatus.FAILED, TaskStatus.TIMEOUT, TaskStatus.COMPLETED]},
    "a type": {"task_type": ["stability"]},
    "a model": {"model": ["mine"]},
    "status and model": {"status": [TaskStatus.COMPLETED], "model": ["rare"]},
    "statuses and models": {"status": [TaskStatus.FAILED, TaskStatus.QUEUED], "model": ["rare", "mine"]},
    "status and type": {"status": [TaskStatus.CANCELLED], "task_type": ["optimization"]},
    "model and type": {"model": ["7net-0"], "task_type": ["single-point", "stability"]},
    "all three": {"status": [TaskStatus.FAILED], "model": ["mine"], "task_type": ["optimization", "stability"]},
    "everything": {"status": [*TaskStatus], "model": [*MODELS], "task_type": [*TaskType]},
    "a structure": {"structure": "mof-5"},
    "a structure's id": {"structure": "3"},
    "twins": {"structure": "hMOF-1"},
    "no structure": {"structure": "HKUST-1"},
    "twins and status": {"structure": "hMOF-1", "status": [TaskStatus.FAILED]},
    "structure and model": {"structure": "MOF-5", "model": ["rare"]},
    "structure and type": {"structure": "MOF-5", "task_type": ["heat-capacity"]},
    "a batch": {"batch": 1},
    "batch and status": {"batch": 1, "status": [TaskStatus.COMPLETED]},
    "batch, structure and model": {"batch": 1, "structure": "hMOF-1", "model": ["7net-0"]},
    "since": {"since": timedelta(minutes=90)},
    "since and status": {"since": timedelta(minutes=900), "status": [TaskStatus.FAILED]},
    "since for ever": {"since": timedelta(days=90), "model": ["mine"]},
    "since tomorrow": {"since": timedelta(days=-1)},
    "a model that is none": {"model": ["nobody"]},
    "words": {"text": "mof-5 memory"},
    "words and status": {"text": "hmof rare", "status": [TaskStatus.COMPLETED]},
}
#: what looks through all tasks: words may be anywhere
LOOKS_THROUGH = {"words", "words and status"}


def filter_of(name: str, sort: str) -> TaskFilter:
    given = dict(FILTERS[name])
    if "since" in given:
        given["since"] = utcnow() - given["since"]
    return TaskFilter(**given, sort=sort)


def expected(session: Session, where: TaskFilter, *sorts: str) -> dict[str, list[int]]:
    """The same lists by a look at each task."""
    named = select(Task.__table__, Structure.name, Structure.formula)
    named = named.join(Structure, Structure.id == Task.structure_id)
    found = [task for task in session.execute(named) if lets_through(where, task)]
    lists = {}
    for sort in sorts:
        key = {"model": "model_name"}.get(sort.lstrip("-"), sort.lstrip("-"))
        found.sort(key=attrgetter(key, "id"), reverse=sort.startswith("-"))
        lists[sort] = [task.id for task in found]
    return lists


def lets_through(where: TaskFilter, task: Any) -> bool:
    words = [task.name, task.formula, task.model_name, task.task_type, task.error_type or ""]
    return (
        (not where.status or task.status in where.status)
        and (not where.task_type or task.task_type in where.task_type)
        and (not where.model or task.model_name in where.model)
        and (not where.structure or where.structure.lower() in (task.name.lower(), str(task.structure_id)))
        and (where.batch is None or task.batch_id == where.batch)
        and (where.since is None or task.created_at >= where.since)
        and all(any(word in each.lower() for each in words) for word in (where.text or "").lower().split())
    )


@pytest.mark.parametrize("name", FILTERS)
def test_a_list_shows_what_its_filter_lets_through_page_by_page(many: Session, name: str) -> None:
    lists = expected(many, filter_of(name, "id"), *SORTS)
    for sort, wanted in lists.items():
        where, found, cursor = filter_of(name, sort), [], None
        for _ in range(2 + len(wanted) // 331):
            page = queries.page(many, where, 331, cursor)
            found += [task.id for task in page.items]
            assert page.total == len(wanted), sort
            if (cursor := page.next_cursor) is None:
                break
        assert found == wanted, sort


def test_a_total_that_is_slow_to_count_is_none(many: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNT_LIMIT", 100)
    assert queries.page(many, TaskFilter(structure="MOF-5"), 10).total is None
    # Counts of kinds are kept: they cost nothing.
    assert (queries.page(many, TaskFilter(model=["7net-0"]), 10).total or 0) > 100


@pytest.mark.parametrize("walks", [1, 3])
def test_a_filter_of_very_many_combinations_is_as_right(
    many: Session, monkeypatch: pytest.MonkeyPatch, walks: int
) -> None:
    monkeypatch.setattr(listing, "MOST_WALKS", walks)
    for name in ("statuses and models", "twins", "everything"):
        where = filter_of(name, "-id")
        assert [task.id for task in queries.page(many, where, 500).items] == expected(many, where, "-id")["-id"][:500]


def test_a_task_from_a_clock_that_was_ahead_is_found_by_its_time(many: Session) -> None:
    many.execute(update(Task).where(Task.id == 5).values(created_at=utcnow() + timedelta(days=1)))
    where = TaskFilter(since=utcnow() - timedelta(minutes=30))
    assert queries.page(many, where, 100).items[-1].id == 5


def statements(session: Session, function: Callable[[], Any]) -> list[tuple[str, Any]]:
    """What is asked of the database, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        function()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return [(statement, parameters) for statement, parameters in found if statement.startswith("SELECT")]


def scans(session: Session, function: Callable[[], Any]) -> list[str]:
    """The statements that look through the tasks from their first on."""
    found = []
    for statement, parameters in statements(session, function):
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        if any(row[3] == "SCAN tasks" for row in plan) and "ORDER BY tasks.id" not in statement:
            found.append(statement)
    return found


def steps(session: Session, function: Callable[[], Any]) -> int:
    """Instructions of SQLite's machine, in hundreds: what it costs, and the same each time."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    n = itertools.count()
    connection.set_progress_handler(lambda: next(n) and 0, 100)
    try:
        function()
    finally:
        connection.set_progress_handler(None, 0)
    return next(n)


def fresh(session: Session) -> None:
    """Nothing that was read before answers for the database, which knows its statistics as a new connection does."""
    session.expire_all()
    session.execute(text("ANALYZE sqlite_schema"))


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", sorted(FILTERS.keys() - LOOKS_THROUGH))
def test_a_page_costs_what_it_shows_and_not_what_there_is(
    many: Session, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """To look at all tasks takes ten instructions for each, and as often as there are values where they are sorted."""
    monkeypatch.setattr(listing, "MOST_RECENT", 100)
    fresh(many)
    for sort in SORTS:
        where = filter_of(name, sort)

        def page(where: TaskFilter = where, sort: str = sort) -> None:
            found = listing.Listing(many, where, queries.SORTS[sort.lstrip("-")].key)
            found.ids(11, descending=sort.startswith("-"))

        assert scans(many, page) == [], sort
        assert steps(many, page) < N_TASKS * (10 if sort.endswith("id") else 20) / 100, sort


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
def test_nothing_that_is_asked_all_the_time_looks_through_all_tasks(many: Session) -> None:
    fresh(many)
    asked: list[Callable[[], Any]] = [
        lambda: metrics.collect(many),
        lambda: queries.counts_by_status(many),
        lambda: queries.queued_by_priority(many),
        lambda: rescue.is_needed(many),
        lambda: rescue.count_ready(many),
        lambda: rescue.requeue_from(many, "box:gpu9"),
        lambda: dependencies.is_needed(many),
        lambda: batches.page(many, 10),
        lambda: leases.anything_ready(many),
    ]
    for function in asked:
        assert scans(many, function) == []
