"""The part of a long list that is loaded: pages fetched by cursor, kept in order while events change their rows.

A list is read from its head, or after a jump to the end from its tail (the same list, sorted the other way). Pages
far from what is shown are dropped and fetched again by the cursor that they came with: memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mofsim.tui.query import Query

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task

PAGE_SIZE = 100
#: Pages that are kept besides those shown.
KEPT_PAGES = 10
#: Pages that are read in one go in search of rows which only we can filter.
SEARCHED_PAGES = 50


@dataclass(frozen=True)
class Fetch:
    """A page to ask the server for."""

    generation: int
    index: int
    arguments: dict[str, Any]


@dataclass
class _Page:
    cursor: str | None
    #: None when it was dropped
    rows: list[Task] | None = None
    #: rows it has, or had when it was dropped
    size: int = 0
    span: tuple[tuple[Any, int], tuple[Any, int]] | None = None


@dataclass
class Window:
    """Rows in screen order, by index; `query` says which and how sorted, `tail` that it was read from its end."""

    query: Query = field(default_factory=Query)
    tail: bool = False
    generation: int = 0
    #: how many rows the whole list has; None when nobody knows
    total: int | None = None
    #: rows that were read from the server, shown or not
    read: int = 0
    #: whether the first page has come
    started: bool = False
    _pages: list[_Page] = field(default_factory=lambda: [_Page(None)])
    _next: str | None = None
    #: a page is under way
    _pending: bool = False
    #: what events told since it was asked for
    _told: dict[int, Task] = field(default_factory=dict)
    _page_of: dict[int, _Page] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(page.size for page in self._pages)

    def __contains__(self, task_id: int) -> bool:
        return task_id in self._page_of

    def __iter__(self) -> Iterator[Task]:
        """The rows that are loaded, in screen order."""
        found = [row for page in self._pages for row in page.rows or ()]
        return reversed(found) if self.tail else iter(found)

    @property
    def complete(self) -> bool:
        """Whether the last page was read."""
        last = self._pages[-1]
        return self.started and self._next is None and (last.rows is not None or last.span is not None)

    def at(self, index: int) -> Task | None:
        """The row at a screen index; None where it is not loaded."""
        place = len(self) - 1 - index if self.tail else index
        for page in self._pages:
            if 0 <= place < page.size:
                return page.rows[place] if page.rows is not None else None
            place -= page.size
        return None

    def place(self, index: int) -> int:
        """Where in the whole list the row at a screen index stands, from 1."""
        before = self.total - len(self) if self.tail and self.total is not None else 0
        return before + index + 1

    def get(self, task_id: int) -> Task | None:
        page = self._page_of.get(task_id)
        return next((row for row in page.rows or () if row.id == task_id), None) if page else None

    def index_of(self, task_id: int) -> int | None:
        page = self._page_of.get(task_id)
        if page is None or page.rows is None:
            return None
        before = 0
        for other in self._pages:
            if other is page:
                break
            before += other.size
        place = before + next(i for i, row in enumerate(page.rows) if row.id == task_id)
        return len(self) - 1 - place if self.tail else place

    def wanted(self, first: int, last: int) -> Fetch | None:
        """What to fetch so that screen rows first..last, and a screenful beyond, are there; drops what is far away."""
        if self._pending:
            return None
        margin = last - first + 1
        low, high = first - margin, last + margin
        if self.tail:
            low, high = len(self) - 1 - high, len(self) - 1 - low
        self._drop_far_from(low, high)
        start = 0
        for index, page in enumerate(self._pages):
            if page.rows is None and start <= high and start + page.size > low:
                return self._fetch(index)
            start += page.size
        if self._next is not None and high >= start and self._may_search():
            self._pages.append(_Page(self._next))
            self._next = None
            return self._fetch(len(self._pages) - 1)
        return None

    def put(self, fetch: Fetch, items: list[Task], next_cursor: str | None, total: int | None) -> bool:
        """Take a page that came; False when it belongs to an older list."""
        if fetch.generation != self.generation:
            return False
        page = self._pages[fetch.index]
        if page.span is None:
            self.read += len(items)
        for row in page.rows or ():
            self._page_of.pop(row.id, None)
        page.rows = [row for row in items if row.id not in self._page_of and self.query.matches(row)]
        page.size = len(page.rows)
        page.span = (self._key(items[0]), self._key(items[-1])) if items else None
        self._page_of.update((row.id, page) for row in page.rows)
        if fetch.index == len(self._pages) - 1:
            self._next = next_cursor
        self.started = True
        self.total = total if self.query.exact else len(self) if self.complete else None
        self._settle()
        return True

    def _settle(self) -> None:
        """Nothing is under way; put again what events told meanwhile, for the page may be older."""
        self._pending = False
        told, self._told = self._told, {}
        for task in told.values():
            self.upsert(task)

    def failed(self, fetch: Fetch) -> None:
        """The page did not come; it will be wanted again."""
        if fetch.generation == self.generation:
            self._settle()

    def upsert(self, task: Task, new: bool = False) -> bool:
        """Put a task as it is now; True when rows came, went or moved, False when at most one row's cells changed."""
        if self._pending:
            self._told[task.id] = task
        page = self._page_of.get(task.id)
        matches = self.query.matches(task)
        if page is None or page.rows is None:
            if new and matches and self.total is not None and self.started:
                self.total += 1
            return matches and self._insert(task)
        place = next(i for i, row in enumerate(page.rows) if row.id == task.id)
        if matches and self._key(page.rows[place]) == self._key(task):
            page.rows[place] = task
            return False
        total = self.total
        self.remove(task.id)
        if matches:
            self._insert(task)
            self.total = total
        return True

    def remove(self, task_id: int) -> bool:
        page = self._page_of.pop(task_id, None)
        if page is None or page.rows is None:
            return False
        page.rows = [row for row in page.rows if row.id != task_id]
        page.size -= 1
        if self.total is not None:
            self.total -= 1
        return True

    def restart(self, query: Query | None = None, tail: bool = False) -> Window:
        """An empty window on the same or another list; answers to the old one no longer fit it."""
        return Window(query or self.query, tail, self.generation + 1)

    def _may_search(self) -> bool:
        return self.query.exact or len(self._pages) < SEARCHED_PAGES or len(self) >= PAGE_SIZE

    def _fetch(self, index: int) -> Fetch:
        self._pending = True
        query = replace(self.query, sort=_inverse(self.query.sort)) if self.tail else self.query
        arguments = query.arguments() | {"limit": PAGE_SIZE, "cursor": self._pages[index].cursor}
        return Fetch(self.generation, index, arguments)

    def _drop_far_from(self, low: int, high: int) -> None:
        """Keep the pages nearest to low..high (in the order of reading)."""
        spare = sum(page.rows is not None for page in self._pages) - KEPT_PAGES
        if spare <= 0:
            return
        loaded: list[tuple[int, _Page]] = []
        start = 0
        for page in self._pages:
            if page.rows:
                loaded.append((max(low - start - page.size, start - high, 0), page))
            start += page.size
        for distance, page in sorted(loaded, key=lambda entry: -entry[0])[:spare]:
            if distance > 0:
                for row in page.rows or ():
                    self._page_of.pop(row.id, None)
                page.rows = None

    def _key(self, task: Task) -> tuple[Any, int]:
        return self.query.key(task)

    def _before(self, a: tuple[Any, int], b: tuple[Any, int]) -> bool:
        """Whether a row with key `a` is read before one with key `b`."""
        return a > b if self.query.descending is not self.tail else a < b

    def _insert(self, task: Task) -> bool:
        """Put a row in its place; False when that is not loaded."""
        key = self._key(task)
        for page in self._pages:
            if page.span and self._before(page.span[1], key) and not (page is self._pages[-1] and self.complete):
                continue
            if page.rows is None or not self.started:
                return False
            later = (i for i, row in enumerate(page.rows) if self._before(key, self._key(row)))
            page.rows.insert(next(later, len(page.rows)), task)
            page.size += 1
            self._page_of[task.id] = page
            return True
        return False


def _inverse(sort: str) -> str:
    return sort[1:] if sort.startswith("-") else f"-{sort}"
