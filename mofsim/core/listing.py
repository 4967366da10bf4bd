"""Which tasks a filtered list shows, and in which order: a page costs the same with a million tasks as with a thousand.

Whatever a list is filtered and sorted by becomes a few walks along an index in the order of ids:

- Where several values are allowed, each combination is a walk of its own, and their newest are merged.
- A list that is sorted by status, type, model or priority is walked value by value.
- A walk takes the index that leaves it the fewest tasks. The counts of kinds tell which, as no statistics of the
  database do: half of the tasks may be of one model, and another may have ten.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import ColumnElement, Select, func, or_, select, union_all
from sqlalchemy.orm import Session

from mofsim.db.tables import Structure, Task, TaskKindCount
from mofsim.vocabulary import TaskStatus

#: Counting stops here: an exact total of a filtered list is not worth a slow page.
COUNT_LIMIT = 10_000
#: Walks that are merged; with more combinations than that their tasks are so many that all are walked along.
MOST_WALKS = 40
#: Newer tasks than that are not looked through for their first id.
MOST_RECENT = 50_000

#: the columns of a kind
KIND: dict[str, Any] = {
    "status": Task.status,
    "task_type": Task.task_type,
    "model_name": Task.model_name,
    "priority": Task.priority,
}
#: those of them that an index leads with, longest first
INDEXED = (
    ("status", "model_name"),
    ("status", "task_type"),
    ("model_name", "task_type"),
    *((name,) for name in KIND),
    (),
)

Values = Mapping[str, frozenset[Any]]
Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks a list shows; empty means all."""

    status: Sequence[TaskStatus] = ()
    task_type: Sequence[str] = ()
    model: Sequence[str] = ()
    structure: str | None = None
    batch: int | None = None
    text: str | None = None
    since: datetime | None = None
    sort: str = "-id"


class Kinds:
    """How many tasks there are, by those columns of a kind that matter to a list."""

    def __init__(self, names: Sequence[str], counts: Mapping[tuple[Any, ...], int]) -> None:
        self._names = names
        self._counts = counts

    @classmethod
    def read(cls, session: Session, names: Sequence[str]) -> Self:
        columns = [getattr(TaskKindCount, name) for name in names]
        rows = session.execute(select(*columns, func.sum(TaskKindCount.n)).group_by(*columns))
        return cls(names, {tuple(row[:-1]): row[-1] for row in rows})

    def among(self, allowed: Values) -> Self:
        """Those with one of the allowed values in each of these columns."""
        wanted = [(self._names.index(name), values) for name, values in allowed.items()]
        chosen = {kind: n for kind, n in self._counts.items() if all(kind[at] in values for at, values in wanted)}
        return type(self)(self._names, chosen)

    def combinations(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """The values of these columns that occur together, rising."""
        at = [self._names.index(name) for name in names]
        return sorted({tuple(kind[place] for place in at) for kind in self._counts})

    @property
    def total(self) -> int:
        return sum(n or 0 for n in self._counts.values())


class Listing:
    """One filtered list, as it is within one transaction; `sort` is "id" or a column of a kind."""

    def __init__(self, session: Session, where: TaskFilter, sort: str) -> None:
        given = {"status": where.status, "task_type": where.task_type, "model_name": where.model}
        self._session = session
        self._sort = sort
        self._batch = where.batch
        self._allowed = {name: frozenset(map(str, values)) for name, values in given.items() if values}
        self._kinds = Kinds.read(session, [*self._allowed, *({sort} & KIND.keys() - self._allowed.keys())])
        self._structures = list(session.scalars(_named(where.structure))) if where.structure else None
        self._rest = list(self._other_conditions(where))

    def ids(self, limit: int, *, descending: bool, after: tuple[Any, int] | None = None) -> list[int]:
        """The first `limit`, or those behind the task with this value of the sorted column and this id."""
        if self._sort == "id":
            return self._walked(self._allowed, limit, descending, after[1] if after else None)
        found: list[int] = []
        values = self._kinds.among(self._allowed).combinations([self._sort])
        for (value,) in reversed(values) if descending else values:
            if after and (value > after[0] if descending else value < after[0]):
                continue
            beyond = after[1] if after and value == after[0] else None
            only = {**self._allowed, self._sort: frozenset([value])}
            found += self._walked(only, limit - len(found), descending, beyond)
            if len(found) == limit:
                break
        return found

    def total(self) -> int | None:
        """How many there are; None when counting would be slow."""
        if self._batch is None and self._structures is None and not self._rest:
            return self._kinds.among(self._allowed).total
        walks = self._walks(self._allowed)
        if not walks:
            return 0
        counted = _merged(select(Task.id).where(*walk).limit(COUNT_LIMIT + 1) for walk in walks)
        n = self._session.scalar(select(func.count()).select_from(counted.limit(COUNT_LIMIT + 1).subquery())) or 0
        return n if n <= COUNT_LIMIT else None

    def _walked(self, allowed: Values, limit: int, descending: bool, beyond: int | None) -> list[int]:
        """The first `limit` in the order of ids."""
        past = [] if beyond is None else [Task.id < beyond if descending else Task.id > beyond]
        order = Task.id.desc() if descending else Task.id.asc()
        walks = [select(Task.id).where(*w, *past).order_by(order).limit(limit) for w in self._walks(allowed)]
        if len(walks) > 1:
            merged = _merged(walks)
            id = merged.selected_columns[0]
            walks = [merged.order_by(id.desc() if descending else id.asc()).limit(limit)]
        return [id for walk in walks for id in self._session.scalars(walk)]

    def _walks(self, allowed: Values) -> list[Conditions]:
        """The conditions of each; no two have a task in common."""
        names, heads = self._heads(allowed)
        rest = [plain(KIND[name]).in_(sorted(values)) for name, values in allowed.items() if name not in names]
        return [[*head, *rest, *self._rest] for head in heads]

    def _heads(self, allowed: Values) -> tuple[Sequence[str], list[Conditions]]:
        """What indexes are entered with, and which columns of a kind that settles."""
        if self._batch is not None:
            chosen = [] if self._structures is None else [plain(Task.structure_id).in_(self._structures)]
            return (), [[Task.batch_id == self._batch, *chosen]]
        if self._structures is not None:
            if len(self._structures) > MOST_WALKS:
                return (), [[Task.structure_id.in_(self._structures)]]
            return (), [[Task.structure_id == id] for id in self._structures]
        names = self._fewest(allowed)
        values = self._kinds.among(allowed).combinations(names)
        if len(values) > MOST_WALKS:
            return (), [[]]
        return names, [[KIND[name] == value for name, value in zip(names, each, strict=True)] for each in values]

    def _fewest(self, allowed: Values) -> Sequence[str]:
        """Of the columns that are filtered by, those of the index that leaves the fewest tasks."""
        within = (names for names in INDEXED if allowed.keys() >= {*names})
        return min(within, key=lambda names: self._kinds.among({name: allowed[name] for name in names}).total)

    def _other_conditions(self, where: TaskFilter) -> Iterator[ColumnElement[bool]]:
        if where.since is not None:
            yield plain(Task.created_at) >= where.since
            recent = select(Task.id).where(Task.created_at >= where.since).limit(MOST_RECENT + 1).subquery()
            first, n = self._session.execute(select(func.min(recent.c.id), func.count(recent.c.id))).one()
            if n <= MOST_RECENT:
                # Behind the first of them there is nothing to be found.
                yield Task.id >= (first or 0)
        yield from (_contains(word) for word in (where.text or "").split())


def _merged(walks: Iterable[Select[Any]]) -> Select[Any]:
    ids = [select(walk.subquery().c.id) for walk in walks]
    return ids[0] if len(ids) == 1 else select(union_all(*ids).subquery().c.id)


def plain(column: Any) -> ColumnElement[Any]:
    """The value of a column, for a condition that no index is to be chosen by: another one is better."""
    return func.coalesce(column, column)


def _named(structure: str) -> Select[Any]:
    """The ids of the structures that have this name, or this id."""
    by_name = func.lower(Structure.name) == structure.lower()
    return select(Structure.id).where(or_(by_name, Structure.id == int(structure)) if is_id(structure) else by_name)


def _contains(word: str) -> ColumnElement[bool]:
    """A word of a text filter: in the structure, the model, the task type, the error, or the id itself."""
    of_structure = [column.icontains(word, autoescape=True) for column in (Structure.name, Structure.formula)]
    columns = (Task.model_name, Task.task_type, Task.error_type)
    found: list[ColumnElement[bool]] = [column.icontains(word, autoescape=True) for column in columns]
    found.append(Task.structure_id.in_(select(Structure.id).where(or_(*of_structure))))
    if is_id(word):
        found.append(Task.id == int(word))
    return or_(*found)


def is_id(text: str) -> bool:
    """More digits than this fit into no column."""
    return text.isdecimal() and len(text) <= 18
