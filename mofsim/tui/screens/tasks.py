"""The list of tasks, live, with the task under the cursor explained below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.segment import Segment

from mofsim.tui import completion, format, jobs, many_messages, messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.looks import BAD, BOLD, DIM, KEY, PLAIN
from mofsim.tui.query import Query, QueryError, parse
from mofsim.tui.registry import bindings
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.peeking import Peeking
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.task_columns import offers, task_columns
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.filter_bar import FilterBar
from mofsim.tui.widgets.lines import piece
from mofsim.tui.widgets.peek import Peek
from mofsim.tui.widgets.table import Table
from mofsim.vocabulary import TaskStatus

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.batches import Batch
    from mofsim.schemas.tasks import Task

#: The orders that `s` goes through, each in the direction that is asked for first.
SORTS = ("-id", "priority", "status", "model", "task_type")
#: Seconds between two questions how far a batch is.
BATCH_AGAIN = 3.0
#: Columns from which on there is room to say how long it takes.
ROOMY = 100


class TasksScreen(Moving, Peeking):
    SCOPES = (Scope.MOVE, Scope.LIST, Scope.TASK, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#tasks"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.filter = FilterBar(session.glyphs, completion.of_tasks(self.store))
        columns = task_columns(self.store, session.glyphs, session.now, session.remembered.columns)
        self.table: Table[Task] = Table(columns, self.store.window, lambda task: task.id, id="tasks")
        self.table.glyphs = session.glyphs
        self.peek = Peek(self.store, session.glyphs)
        self._error = ""
        #: the batch that the filter names, when it was asked for, and whether tasks ended or came since
        self._batch: Batch | None = None
        self._batch_at = 0.0
        self._batch_moved = False
        #: how far "select all" is
        self._reading = ""
        #: the task to put the cursor on as soon as it is in the list
        self._wish: int | None = None
        #: where to go when the list that was asked for is there
        self._then: Callable[[], None] | None = None

    def body(self) -> Sequence[Widget]:
        return self.filter, self.table, self.peek

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        """Running times go on, and steps that were made are drawn, all in one frame a second.

        While the line is broken they stand still like all else.
        """
        if self.is_active and self.store.online and not self.store.paused:
            self.table.redraw()
            self.refresh_keys()
            self._ask_batch()

    def _ask_batch(self) -> None:
        """How far the batch is that is listed, which no event tells; of one that has ended not again."""
        wanted, known = self.store.window.query.batch, self._batch
        if known is not None and known.id == wanted and known.completed_at is not None and not self._batch_moved:
            return
        now = self.session.monotonic()
        if wanted is not None and (known is None or known.id != wanted or now - self._batch_at >= BATCH_AGAIN):
            self._batch_at, self._batch_moved = now, False
            self.ask(jobs.batch, wanted, group="batch")

    def on_batch_came(self, message: many_messages.BatchCame) -> None:
        self._batch = message.batch
        self.draw_status()

    def targets(self) -> Sequence[Task]:
        if self.store.selected:
            return list(self.store.selected.values())
        task = self.store.window.get(self.table.cursor) if self.table.cursor is not None else None
        return [task] if task else []

    def listed(self) -> tuple[Query, int | None] | None:
        return self.store.window.query, self.store.window.total

    def situation(self) -> Context:
        filtered = bool(self.store.window.query.text)
        selected, undoable = len(self.store.selected), self.session.undoable
        tasks, compared = self.targets(), self.compared()
        return self.picture(tasks=tasks, compared=compared, selected=selected, filtered=filtered, undoable=undoable)

    def changed(self, change: Change) -> None:
        table, store = self.table, self.store
        table.rows, table.marked = store.window, store.selected
        table.sort = store.window.query.sort
        table.stale = store.line is Line.LOST
        table.empty = self._nothing()
        if change.list or change.line:
            table.changed()
            self._keep_promises()
        elif change.recount:
            table.redraw()
        self._batch_moved = self._batch_moved or change.recount
        if change.list:
            self._ask_batch()
        self.draw_status()
        self.peek_changed(change)

    def _keep_promises(self) -> None:
        """Put the cursor where it was to be once the rows are there."""
        if self._then and self.store.coming is None:
            then, self._then = self._then, None
            then()
        if self._wish is not None and self.table.go_to(self._wish):
            self._wish = None

    def _nothing(self) -> Sequence[str]:
        """What an empty list says: what to press."""
        store = self.store
        if store.line is Line.CONNECTING or not store.window.started:
            return no_line(store, self.session.glyphs)
        if store.window.query.text:
            return ("No task matches the filter.", "", "esc clears it, / changes it.")
        return ("No tasks yet.", "", "n submits the first one; ? shows all keys.")

    def draw_status(self) -> None:
        """At the right of the filter line: what is wrong with it, or how many rows there are."""
        window, segments = self.store.window, list[Segment]()
        if self._error:
            segments.append(piece(format.shorten(self._error, self.size.width // 2, self.session.glyphs), BAD))
        elif window.started and window.total != len(window):
            total = format.grouped(window.total) if window.total is not None else "10 000+"
            whole = total if window.query.exact else f"{format.grouped(window.read)} looked at"
            place = window.place(self.table.index) if window.query.exact else len(window)
            segments.append(piece(f"{format.grouped(place)} of {whole}", DIM))
        elif window.started and len(window):
            segments.append(piece(f"{format.grouped(self.table.index + 1)} of {format.grouped(len(window))}", DIM))
        if self._batch and self._batch.id == window.query.batch and not self._error:
            segments.append(piece(f"   {batch_words(self._batch, self.size.width >= ROOMY)}", PLAIN))
        if self.store.selected:
            segments.append(piece(f"   {format.grouped(len(self.store.selected))} selected", BOLD))
        if self._reading or self.session.working:
            segments.append(piece(f"   {self._reading or self.session.working}", KEY))
        self.filter.status.show(segments)

    def on_table_shown(self, message: Table.Shown) -> None:
        fetch = self.store.wanted(message.first, message.last) if self.store.online else None
        if fetch:
            self.ask(jobs.page, fetch)

    def on_table_moved(self, message: Table.Moved) -> None:
        self.came()

    def came(self) -> None:
        """The table tells of it too, a moment later, when this has been done already."""
        self.draw_status()
        task = self.store.window.get(self.table.cursor) if self.table.cursor is not None else None
        if task is None or task is not self.peek.shown:
            self.peek_at(task)
            self.refresh_keys()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.do_list_open()

    def moved(self) -> Movable:
        return self.table

    def do_move_first(self) -> None:
        if self.store.window.tail and not self.store.window.complete:
            self.list_tasks(self.store.window.query, then=self.table.first)
        super().do_move_first()

    def do_move_last(self) -> None:
        """The end of a long list is read from the end."""
        if not self.store.window.tail and not self.store.window.complete:
            self.list_tasks(self.store.window.query, tail=True, then=self.table.last)
        super().do_move_last()

    def list_tasks(self, query: Query, tail: bool = False, then: Callable[[], None] | None = None) -> None:
        """Ask for another list; `then` is called when it is there."""
        self._then = then
        self.store.show(query, tail)
        self.on_table_shown(Table.Shown(0, self.table.page - 1))

    def put_cursor_on(self, task: Task) -> None:
        """Now, or as soon as the list has it."""
        if not self.store.window.query.matches(task):
            self.app.notify(f"task {task.id} is there, but the filter hides it", timeout=6)
        elif not self.table.go_to(task.id):
            self._wish = task.id

    def filter_by(self, text: str) -> None:
        self.filter.put(text)
        self.table.focus()

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        try:
            query = parse(message.text, self.store.window.query.sort, self.session.now(), self.store.models)
            self._error = ""
        except QueryError as error:
            self._error = str(error)
        else:
            self.list_tasks(query)
        self.draw_status()

    def on_filter_bar_left(self) -> None:
        # The keys of a list would do something else to who still means to mend the filter.
        if not self._error:
            self.table.focus()

    def do_list_open(self) -> None:
        self._open()

    def do_list_log(self) -> None:
        self._open("log")

    def _open(self, pane: str = "plot") -> None:
        from mofsim.tui.screens.task_detail import TaskDetail

        task = self.store.window.get(self.table.cursor or 0)
        if task:
            self.app.push_screen(TaskDetail(self.session, task, pane))

    def do_list_filter(self) -> None:
        self.filter.edit()

    def do_list_clear(self) -> None:
        if self.store.selected:
            self.do_list_none()
        else:
            self.filter_by("")

    def do_list_select(self) -> None:
        task = self.store.window.get(self.table.cursor or 0)
        if task:
            self.store.toggle(task)
            self.table.move(1)
            self.selection_changed()

    def do_list_none(self) -> None:
        self.store.selected.clear()
        self.selection_changed()

    def do_list_all(self) -> None:
        self.ask(jobs.select_all, self.store.window.query, group="select")

    def on_selecting(self, message: messages.Selecting) -> None:
        of_all = f" of {format.grouped(message.total)}" if message.total is not None else ""
        self._reading = f"reading {format.grouped(message.done)}{of_all}"
        self.draw_status()

    def on_selection_came(self, message: messages.SelectionCame) -> None:
        self._reading = ""
        self.store.selected.update((task.id, task) for task in message.tasks)
        if message.more:
            n = format.grouped(len(message.tasks))
            self.app.notify(f"the first {n} are selected; a filter names fewer", severity="warning")
        self.selection_changed()

    def selection_changed(self) -> None:
        self.table.redraw()
        self.draw_status()
        self.refresh_keys()

    def do_list_sort(self) -> None:
        query = self.store.window.query
        names = [sort.lstrip("-") for sort in SORTS]
        self._sort(SORTS[(names.index(query.sort.lstrip("-")) + 1) % len(SORTS)])

    def do_list_reverse(self) -> None:
        sort = self.store.window.query.sort
        self._sort(sort[1:] if sort.startswith("-") else f"-{sort}")

    def _sort(self, sort: str) -> None:
        self.list_tasks(replace(self.store.window.query, sort=sort))
        self._remember(sort=sort)

    def do_list_columns(self) -> None:
        from mofsim.tui.screens.columns import Columns

        session = self.session
        found = offers(self.store, session.glyphs, session.now)
        self.app.push_screen(Columns(session.glyphs, found, session.remembered.columns, self._show_columns))

    def _show_columns(self, names: Sequence[str]) -> None:
        self.table.columns = task_columns(self.store, self.session.glyphs, self.session.now, names)
        self.table.redraw()
        self._remember(columns=names)

    def _remember(self, **changes: Any) -> None:
        problem = self.session.remembered.keep(**changes)
        if problem:
            self.app.notify(problem, severity="warning", markup=False)


def batch_words(batch: Batch, roomy: bool = True) -> str:
    """How far it is, and what failed."""
    failed = batch.counts.get(TaskStatus.FAILED, 0) + batch.counts.get(TaskStatus.TIMEOUT, 0)
    words = f"batch {batch.id}: {f'{batch.percent:.0f} %' if batch.percent is not None else 'no tasks'}"
    words += f", {failed} failed" if failed else ""
    if roomy and batch.eta_seconds is not None and batch.completed_at is None:
        words += f", about {format.rough(batch.eta_seconds)} left"
    return words
