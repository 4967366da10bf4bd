"""The filter line: `relax status:failed !model:mace since:1h` → what the server is asked, and what is left to us.

Words without a colon are looked for in names. `field:a,b` means either. `!` in front inverts, which the server
can not do: such a term, and a field that it does not know, is applied to the rows as they are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mofsim.tui.format import VERBS
from mofsim.vocabulary import ACTIVE, FINAL, WAITING, Priority, TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task


class QueryError(ValueError):
    """Its text tells what is wrong in the filter line."""


#: Words for several states at once.
GROUPS: Final[Mapping[str, frozenset[TaskStatus]]] = {
    "run": ACTIVE,
    "active": ACTIVE,
    "wait": WAITING,
    "waiting": WAITING,
    "ended": FINAL,
    "done": frozenset({TaskStatus.COMPLETED}),
}
ALIASES: Final = {"state": "status", "task_type": "type", "name": "structure", "worker": "gpu", "device": "gpu"}
FIELDS: Final = ("status", "type", "model", "structure", "since", "batch", "gpu", "priority", "id")
#: What the server can be asked for; the rest is left to us.
SERVER_FIELDS: Final = frozenset({"status", "type", "model", "structure", "since", "batch", "text"})
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)$")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@dataclass(frozen=True)
class Term:
    """One word of the filter; `values` are lower-case, but for states and models, which are names."""

    field: str
    values: tuple[str, ...]
    inverted: bool = False

    @property
    def for_server(self) -> bool:
        single = self.field in ("structure", "since", "batch")
        return not self.inverted and self.field in SERVER_FIELDS and (not single or len(self.values) == 1)

    def matches(self, task: Task, since: datetime | None) -> bool:
        if self.field == "since":
            return (since is not None and task.created_at >= since) is not self.inverted
        return _TESTS[self.field](task, self.values) is not self.inverted


@dataclass(frozen=True)
class Query:
    """What the list shows, and in which order; `sort` is the server's: a name, `-` in front to reverse."""

    text: str = ""
    sort: str = "-id"
    terms: tuple[Term, ...] = ()
    since: datetime | None = field(default=None, compare=False)

    @property
    def exact(self) -> bool:
        """Whether the server alone gives the right rows, so that its total counts."""
        return all(term.for_server for term in self.terms)

    @property
    def batch(self) -> int | None:
        """The batch that it is about; None where it names none, or several."""
        named = [term.values for term in self.terms if term.field == "batch" and not term.inverted]
        return int(named[0][0]) if len(named) == 1 and len(named[0]) == 1 else None

    def matches(self, task: Task) -> bool:
        return all(term.matches(task, self.since) for term in self.terms)

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the client's `tasks`."""
        found: dict[str, Any] = {"sort": self.sort}
        words = [term.values[0] for term in self.terms if term.field == "text" and term.for_server]
        if words:
            found["text"] = " ".join(words)
        for term in self.terms:
            if term.for_server and term.field != "text":
                found |= self._argument(term, found)
        return found

    def _argument(self, term: Term, found: Mapping[str, Any]) -> dict[str, Any]:
        if term.field in ("status", "type", "model"):
            key = {"type": "task_type"}.get(term.field, term.field)
            earlier = found.get(key)
            # Two terms on one field must both hold.
            return {key: term.values if earlier is None else tuple(v for v in earlier if v in term.values)}
        if term.field == "since":
            return {"since": self.since}
        return {term.field: int(term.values[0]) if term.field == "batch" else term.values[0]}

    def key(self, task: Task) -> tuple[Any, int]:
        """Where a task stands in the order, before reversing."""
        column = self.sort.removeprefix("-")
        value: Any = {
            "id": task.id,
            "priority": int(task.priority),
            "status": str(task.status),
            "model": task.model,
            "task_type": str(task.task_type),
        }[column]
        return value, task.id

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")


def parse(text: str, sort: str = "-id", now: datetime | None = None, models: Collection[str] = ()) -> Query:
    """`models` are the names that exist, so that a part of one will do.

    Raises QueryError for an unknown field or a value that the field can not have.
    """
    now = now or datetime.now(UTC)
    terms = tuple(_with_names(_term(word), models) for word in text.split() if word.strip("!"))
    spans = [_span(value) for term in terms if term.field == "since" for value in term.values]
    return Query(text.strip(), sort, terms, now - min(spans) if spans else None)


def _term(word: str) -> Term:
    inverted = word.startswith("!")
    word = word.lstrip("!")
    name, colon, value = word.partition(":")
    if not colon:
        shown = _shown_as(word.lower())
        return Term("type", shown, inverted) if shown else Term("text", (word.lower(),), inverted)
    name = ALIASES.get(name.lower(), name.lower())
    if name not in FIELDS:
        raise QueryError(f"{name}: is not a field; there are {', '.join(f'{known}:' for known in FIELDS)}")
    parts = [part for part in value.split(",") if part]
    values = tuple(parts if name == "model" else [part.lower() for part in parts])
    if not values:
        raise QueryError(f"{name}: wants a value, e.g. {name}:{_EXAMPLES[name]}")
    return Term(name, _check(name, values), inverted)


def _shown_as(word: str) -> tuple[str, ...]:
    """The task types that a list calls by this word, which is not their name, and those that have it in theirs."""
    if word not in VERBS.values():
        return ()
    return tuple(str(t) for t in TaskType if VERBS.get(t) == word or word in t)


def _with_names(term: Term, models: Collection[str]) -> Term:
    if term.field != "model":
        return term
    found = [name for value in term.values for name in _names(value.lower(), models)]
    return replace(term, values=tuple(dict.fromkeys(found))) if found else term


def _names(value: str, models: Collection[str]) -> list[str]:
    """A whole name means that model alone, and not those whose names go on from there."""
    whole = [name for name in models if name.lower() == value]
    return whole or [name for name in models if value in name.lower()]


def _check(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if name == "status":
        return tuple(str(status) for value in values for status in _statuses(value))
    if name == "type":
        known = [str(t) for t in TaskType]
        return tuple(found for value in values for found in _shown_as(value) or (_one(name, value, known),))
    if name == "priority":
        return tuple(_one(name, value, [p.name.lower() for p in Priority]) for value in values)
    if name == "since":
        for value in values:
            _span(value)
    elif name in ("batch", "id") and not all(value.isdecimal() for value in values):
        raise QueryError(f"{name}: wants a number, e.g. {name}:{_EXAMPLES[name]}")
    return values


def _statuses(value: str) -> list[TaskStatus]:
    if value in GROUPS:
        return sorted(GROUPS[value])
    words = [str(status).lower() for status in TaskStatus]
    return [TaskStatus(_one("status", value, words, tuple(GROUPS)).upper())]


def _one(name: str, value: str, known: list[str], more: tuple[str, ...] = ()) -> str:
    """The known value that begins with what was typed: while typing, `status:fai` must already work."""
    found = [word for word in known if word.startswith(value)]
    if not found:
        raise QueryError(f"{name}:{value} is none of {', '.join([*known, *more])}")
    return found[0]


def _span(value: str) -> timedelta:
    found = _SPAN.match(value)
    if not found:
        raise QueryError(f"since:{value} is no time span; write e.g. since:1h (s, m, h, d or w)")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def _has_text(task: Task, values: tuple[str, ...]) -> bool:
    error = task.error.type if task.error else ""
    heap = f"{task.structure.name} {task.structure.formula} {task.model} {task.task_type} {error}".lower()
    return any(value in heap or value == str(task.id) for value in values)


_TESTS: Final[Mapping[str, Callable[[Task, tuple[str, ...]], bool]]] = {
    "text": _has_text,
    "status": lambda task, values: task.status in values,
    "type": lambda task, values: task.task_type in values,
    "model": lambda task, values: task.model in values,
    "structure": lambda task, values: task.structure.name.lower() in values or str(task.structure.id) in values,
    "batch": lambda task, values: str(task.batch_id) in values,
    "gpu": lambda task, values: (task.worker_id or "").rpartition(":")[2].removeprefix("gpu") in values,
    "priority": lambda task, values: task.priority.name.lower() in values,
    "id": lambda task, values: str(task.id) in values,
}
_EXAMPLES: Final = {
    "status": "failed",
    "type": "optimization",
    "model": "7net-0",
    "structure": "MOF-5",
    "since": "1h",
    "batch": "3",
    "gpu": "0",
    "priority": "high",
    "id": "8125",
}
