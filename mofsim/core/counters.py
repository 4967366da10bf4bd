"""Numbers that only grow, for metrics: each is written in the transaction that makes it true.

They are not computed from the tasks: that would read a million rows each time somebody looks, and they would shrink
when a task is deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from math import inf
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from mofsim.db.engine import n_changed
from mofsim.db.tables import Base, Counter, DurationBucket
from mofsim.vocabulary import Counted, Duration

#: Upper bounds of the histograms, in seconds. A change lets old and new bounds stand side by side: make it a migration.
BOUNDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, inf)


@dataclass(frozen=True)
class Histogram:
    """What one kind of task took; `buckets` are (upper bound in seconds, how many took at most that), rising."""

    name: Duration
    task_type: str
    model: str
    seconds: float
    buckets: list[tuple[float, int]] = field(default_factory=list)


def count(session: Session, name: Counted, label: str, n: int = 1) -> None:
    """`n` more of it."""
    if n:
        row = {"name": name, "label": label}
        add(session, Counter, [row | {"n": n}], list(row), ["n"])


def observe(session: Session, name: Duration, task_type: str, model: str, seconds: float) -> None:
    """An attempt took so long."""
    taken = max(0.0, seconds)
    key = {"name": name, "task_type": task_type, "model_name": model}
    within = {"n": DurationBucket.n + 1, "seconds": DurationBucket.seconds + taken}
    known = update(DurationBucket).filter_by(**key).where(DurationBucket.at_most_seconds >= taken).values(**within)
    if n_changed(session, known):
        return
    rows = [
        key | {"at_most_seconds": bound, "n": int(taken <= bound), "seconds": taken if taken <= bound else 0.0}
        for bound in BOUNDS
    ]
    add(session, DurationBucket, rows, [*key, "at_most_seconds"], ["n", "seconds"])


def counts(session: Session) -> dict[Counted, dict[str, int]]:
    """All counters: name → label → number."""
    found: dict[Counted, dict[str, int]] = {name: {} for name in Counted}
    for row in session.scalars(select(Counter).order_by(Counter.name, Counter.label)):
        found.setdefault(Counted(row.name), {})[row.label] = row.n
    return found


def histograms(session: Session) -> Iterator[Histogram]:
    key = (DurationBucket.name, DurationBucket.task_type, DurationBucket.model_name)
    bound = DurationBucket.at_most_seconds
    # Columns and not objects, which for a thousand rows take longer than all the rest.
    rows = session.execute(select(*key, bound, DurationBucket.n, DurationBucket.seconds).order_by(*key, bound))
    for (name, task_type, model), group in groupby(rows, lambda row: tuple(row[:3])):
        buckets = list(group)
        yield Histogram(Duration(name), task_type, model, buckets[-1].seconds, [(row[3], row.n) for row in buckets])


def add(session: Session, table: type[Base], rows: list[dict[str, Any]], key: list[str], sums: list[str]) -> None:
    """Insert the rows; where one is there already, its `sums` grow. One statement, so that nobody is in between."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table).values(rows)
    grown = {name: getattr(table, name) + getattr(insert.excluded, name) for name in sums}
    session.execute(insert.on_conflict_do_update(index_elements=key, set_=grown))
