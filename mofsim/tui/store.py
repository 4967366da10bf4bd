"""What the console knows: the last snapshot, kept up to date by events. Knows no widgets and no HTTP.

Each method that changes something returns what changed, so that only that is drawn again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from mofsim.tui.alert_book import AlertBook
from mofsim.tui.device_book import DeviceBook
from mofsim.tui.eta import Forecast
from mofsim.tui.format import is_relaxation
from mofsim.tui.news import (
    AlertSeen,
    Missed,
    News,
    RuleGone,
    RuleSeen,
    StructureGone,
    StructureSeen,
    TaskGone,
    TaskMoved,
    TaskSeen,
    WorkerSeen,
)
from mofsim.tui.query import Query
from mofsim.tui.stock import Stock
from mofsim.tui.trail import Series, Trail, goal_of, limit_of
from mofsim.tui.window import Fetch, Window
from mofsim.vocabulary import ACTIVE, WAITING, TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.envelope import Page
    from mofsim.schemas.overview import Overview
    from mofsim.schemas.resources import Health, Queue, Worker
    from mofsim.schemas.tasks import SeriesColumns, Task


class Line(Enum):
    """The line to the server."""

    #: never had one yet
    CONNECTING = auto()
    LIVE = auto()
    #: had one and lost it: what is shown grows old
    LOST = auto()


@dataclass(frozen=True)
class Change:
    """What is to be drawn again; `list` when rows came, went or moved."""

    rows: frozenset[int] = frozenset()
    list: bool = False
    counts: bool = False
    line: bool = False
    #: events were lost: what is not a list must be read again too
    missed: bool = False
    #: tasks changed in number or state, so that the counts are to be asked for again
    recount: bool = False
    #: alerts or their rules
    alerts: bool = False
    #: workers, their devices and boxes, and what runs there
    machines: bool = False
    #: models or structures
    stock: bool = False

    def __or__(self, other: Change) -> Change:
        return Change(
            self.rows | other.rows,
            self.list or other.list,
            self.counts or other.counts,
            self.line or other.line,
            self.missed or other.missed,
            self.recount or other.recount,
            self.alerts or other.alerts,
            self.machines or other.machines,
            self.stock or other.stock,
        )


@dataclass(frozen=True)
class Counts:
    running: int = 0
    waiting: int = 0
    failed: int = 0

    @classmethod
    def of(cls, queue: Queue) -> Counts:
        by = queue.by_status
        running, waiting = (sum(by.get(status, 0) for status in group) for group in (ACTIVE, WAITING))
        return cls(running, waiting, by.get(TaskStatus.FAILED, 0) + by.get(TaskStatus.TIMEOUT, 0))


@dataclass
class Store:
    server: str = ""
    line: Line = Line.CONNECTING
    #: why there is no line, and when (on a monotonic clock) the next try is made
    reason: str = ""
    retry_at: float = 0.0
    #: the server is there, and does not take our key
    key_refused: bool = False
    #: when the line broke, on the same clock
    lost_at: float = 0.0
    paused: bool = False
    counts: Counts | None = None
    workers: dict[str, Worker] = field(default_factory=dict)
    alerts: AlertBook = field(default_factory=AlertBook)
    devices: DeviceBook = field(default_factory=DeviceBook)
    #: what events told of workers since a list of them was asked for that is on its way
    workers_told: dict[str, Worker] = field(default_factory=dict)
    #: the whole at a glance, once the dashboard asked for it
    overview: Overview | None = None
    stock: Stock = field(default_factory=Stock)
    models: set[str] = field(default_factory=set)
    window: Window = field(default_factory=Window)
    #: the list that was asked for last, until its first page is there
    coming: Window | None = None
    selected: dict[int, Task] = field(default_factory=dict)
    _watched: dict[int, Task] = field(default_factory=dict)
    _watchers: Counter[int] = field(default_factory=Counter)
    _trails: dict[int, Trail] = field(default_factory=dict)
    _held: list[News] = field(default_factory=list)

    @property
    def online(self) -> bool:
        return self.line is Line.LIVE

    def connected(self, health: Health) -> Change:
        self.line, self.reason, self.key_refused = Line.LIVE, "", False
        self.counts = Counts.of(health.queue)
        return Change(line=True, counts=True, alerts=True, machines=True)

    def lost(self, reason: str, now: float, retry_at: float, key_refused: bool = False) -> Change:
        if self.line is Line.LIVE:
            self.line, self.lost_at = Line.LOST, now
        self.reason, self.retry_at, self.key_refused = reason, retry_at, key_refused
        return Change(line=True)

    def workers_came(self, workers: Iterable[Worker]) -> Change:
        """All that there are; what events told since they were asked for is newer."""
        self.workers = {worker.id: worker for worker in workers} | self.workers_told
        self.workers_told = {}
        return Change(counts=True, machines=True)

    def counted(self, queue: Queue) -> Change:
        before, self.counts = self.counts, Counts.of(queue)
        return Change(counts=before != self.counts)

    def show(self, query: Query, tail: bool = False) -> Window:
        """Ask for another list, or for another end of it; the old one stays until the first page is there."""
        generation = max(self.window.generation, self.coming.generation if self.coming is not None else 0)
        self.coming = Window(query, tail, generation + 1)
        return self.coming

    def wanted(self, first: int, last: int) -> Fetch | None:
        return self.coming.wanted(0, last - first) if self.coming is not None else self.window.wanted(first, last)

    def page(self, fetch: Fetch, page: Page[Task]) -> Change:
        if self.coming is not None and fetch.generation == self.coming.generation:
            self.window, self.coming = self.coming, None
        self.models.update(task.model for task in page.items)
        came = self.window.put(fetch, page.items, page.next_cursor, page.total)
        return Change(list=came)

    def page_failed(self, fetch: Fetch) -> None:
        for window in (self.window, self.coming):
            if window is not None:
                window.failed(fetch)

    def task(self, task_id: int) -> Task | None:
        return self._watched.get(task_id) or self.window.get(task_id)

    def watch(self, task: Task) -> None:
        """Keep this task up to date even when the list does not show it."""
        self._watched[task.id] = task
        self._watchers[task.id] += 1

    def unwatch(self, task_id: int) -> None:
        """For as many as watch it the last one ends it."""
        self._watchers[task_id] -= 1
        if self._watchers[task_id] <= 0:
            self._watched.pop(task_id, None)
            del self._watchers[task_id]

    def toggle(self, task: Task) -> None:
        if self.selected.pop(task.id, None) is None:
            self.selected[task.id] = task

    def forecast(self, task: Task) -> Forecast | None:
        """When a running relaxation reaches its goal; None when that is not known."""
        goal, trail = goal_of(task), self._trails.get(task.id)
        if task.status is not TaskStatus.RUNNING or not goal or not trail:
            return None
        found, limit = trail.forecast(goal), limit_of(task)
        return None if found and limit and found.goal_step > limit else found

    def seconds_left(self, task: Task) -> float | None:
        """By the forecast of a relaxation, else by what the simulation tells of its parts."""
        if is_relaxation(task):
            found = self.forecast(task)
            return found.seconds if found else None
        return task.progress.remaining_seconds if task.status is TaskStatus.RUNNING else None

    def series(self, task: Task, series: SeriesColumns) -> Change:
        """What a forecast is made of; the task itself did not change, so that nobody need ask again."""
        if task.status.is_active:
            self._trails.setdefault(task.id, Trail()).record(Series.of(task, series))
        return Change()

    def pause(self, paused: bool) -> Change:
        """While paused, news is held back; when it goes on, all of it is taken in at once."""
        self.paused = paused
        held, self._held = self._held, []
        return Change(line=True) | (self.told(held) if not paused else Change())

    def refreshed(self, task: Task, new: bool = False) -> Change:
        """A task that came as an answer, before an event told of it."""
        return self._seen(task, new)

    def told(self, news: Iterable[News]) -> Change:
        if self.paused:
            self._held.extend(news)
            return Change()
        change = Change()
        for item in news:
            change |= self._take(item)
        return change

    def _take(self, item: News) -> Change:
        match item:
            case TaskSeen(task, new):
                return self._seen(task, new)
            case TaskMoved():
                return self._moved(item)
            case TaskGone(task_id):
                self._trails.pop(task_id, None)
                self.selected.pop(task_id, None)
                self.devices.task_gone(task_id)
                return Change(list=self.window.remove(task_id), recount=True)
            case WorkerSeen(worker):
                self.workers[worker.id] = self.workers_told[worker.id] = worker
                return Change(counts=True, machines=True)
            case StructureSeen(structure):
                self.stock.structures.seen(structure)
                return Change(stock=True)
            case StructureGone(structure_id):
                self.stock.structures.gone(structure_id)
                return Change(stock=True)
            case AlertSeen(alert):
                self.alerts.seen(alert)
                return Change(alerts=True)
            case RuleSeen(rule):
                self.alerts.rule_seen(rule)
                return Change(alerts=True)
            case RuleGone(rule_id):
                self.alerts.rule_gone(rule_id)
                return Change(alerts=True)
            case Missed():
                self.show(self.window.query, self.window.tail)
                return Change(list=True, missed=True, recount=True)

    def _seen(self, task: Task, new: bool = False) -> Change:
        self.models.add(task.model)
        if not task.status.is_active:
            self._trails.pop(task.id, None)
        for kept in (self._watched, self.selected):
            if task.id in kept:
                kept[task.id] = task
        if self.coming is not None:
            self.coming.upsert(task, new)
        moved = self.window.upsert(task, new)
        runs = self.devices.task_seen(task)
        return Change(rows=frozenset({task.id}), list=moved, recount=True, machines=runs)

    def _moved(self, item: TaskMoved) -> Change:
        trail = self._trails.setdefault(item.task_id, Trail())
        trail.add(item.progress.get("step"), item.progress.get("fmax_eV_per_A"), item.time)
        runs = self.devices.task_moved(item.task_id, item.progress)
        task = self.task(item.task_id)
        if task is None:
            return Change(machines=runs)
        progress = task.progress.model_copy(update=item.progress)
        return Change(rows=self._seen(task.model_copy(update={"progress": progress})).rows, machines=runs)
