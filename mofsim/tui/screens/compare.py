"""Two to six tasks side by side: what differs in them, and their curves over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.containers import Horizontal

from mofsim.tui import compare_curves, comparison, destinations, jobs, messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.comparison import Row
from mofsim.tui.registry import bindings
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.task_screen import TaskScreen
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.widgets.comparison import ComparisonTable
from mofsim.tui.widgets.result_chart import ResultChart

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.tasks import Task

CHARTS = 2
#: Lines that the curves get at least, and those of header, footer and alert.
CURVES, AROUND = 12, 3


class Compare(Moving, TaskScreen):
    SCOPES = (Scope.MOVE, Scope.COMPARE, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = ""
    CSS_PATH = "compare.tcss"

    def __init__(self, session: Session, tasks: Sequence[Task]) -> None:
        super().__init__(session)
        self._tasks = list(tasks)
        for task in tasks:
            self.store.watch(task)
        self.table = ComparisonTable(session.glyphs)
        self.charts = [ResultChart(session.glyphs, f"compare-chart-{number}") for number in range(CHARTS)]
        self.curves = Horizontal(*self.charts, id="compare-curves")
        self.curves.add_class("-none")
        self._came: messages.CompareCame | None = None
        self._all = False
        self.header.trail = f"compare {len(tasks)} tasks"

    def body(self) -> Sequence[Widget]:
        return self.table, self.curves

    def on_unmount(self) -> None:
        for task in self._tasks:
            self.store.unwatch(task.id)

    def targets(self) -> Sequence[Task]:
        return self._tasks

    def situation(self) -> Context:
        return replace(super().situation(), pane="" if self.curves.has_class("-none") else "curves")

    def moved(self) -> Movable:
        return self.table

    def changed(self, change: Change) -> None:
        before = self._tasks
        self._tasks = [self.store.task(task.id) or task for task in before]
        ended = [new.status for new in self._tasks] != [old.status for old in before]
        if self.store.online and (change.missed or change.line or ended):
            self.ask(jobs.compare, self._tasks, group="compare")
        self._draw_all()

    def on_compare_came(self, message: messages.CompareCame) -> None:
        self._came = message
        self._draw_all()

    @property
    def rows(self) -> Sequence[Row]:
        """Those that are shown."""
        results = self._came.results if self._came else {}
        found = comparison.rows(self._tasks, results)
        return found if self._all else comparison.different(found)

    def _draw_all(self) -> None:
        reading = f"reading {self.session.glyphs.dots}"
        self.table.stale = self.store.line is Line.LOST
        self.table.empty = "They do not differ in anything; = shows all rows." if self._came else reading
        self.table.show(self._tasks, self.rows, marks=self._all)
        what = "all rows" if self._all else "what differs"
        self.table.caption = f"{what}; = shows {'what differs' if self._all else 'all rows'}"
        plots = compare_curves.overlaid(self._tasks, self._came.results, self._came.series) if self._came else []
        self.curves.set_class(not plots, "-none")
        for number, chart in enumerate(self.charts):
            chart.display = number < len(plots)
            if number < len(plots):
                chart.show(plots[number])
        self._share(bool(plots))
        self.refresh_keys()

    def _share(self, with_curves: bool) -> None:
        """The table gets the lines that it has, the curves what is left, and so many lines in any case."""
        room = self.size.height - AROUND
        low = self.has_class("-low") or self.has_class("-flat")
        needed = self.table.needed + self.table.gutter.height
        self.table.styles.height = max(8, min(needed, room - CURVES)) if with_curves and not low else "1fr"

    def on_resize(self) -> None:
        self._draw_all()

    def do_compare_back(self) -> None:
        self.dismiss()

    def do_compare_all(self) -> None:
        self._all = not self._all
        self._draw_all()

    def do_compare_left(self) -> None:
        self.table.shift(-1)

    def do_compare_right(self) -> None:
        self.table.shift(+1)

    def do_compare_curves(self) -> None:
        self.toggle_class("-maximised")

    def do_compare_copy(self) -> None:
        self.copy(comparison.as_csv(self.rows, self._tasks), "the comparison as CSV")

    def do_compare_export(self) -> None:
        from mofsim.tui.screens.destination import Destination

        ids = "-".join(str(task.id) for task in self._tasks)
        folder = (self.session.remembered.folder or ".").rstrip("/")
        question = f"Save {len(self.rows)} rows as CSV in this file:"
        screen = Destination(self.session.glyphs, question, f"{folder}/compare-{ids}.csv", destinations.judge_file)
        self.app.push_screen(screen, self._save)

    def _save(self, typed: str | None) -> None:
        if not typed:
            return
        from mofsim.client.saving import saved

        path = destinations.path_of(typed)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with saved(path) as file:
                file.write(comparison.as_csv(self.rows, self._tasks).encode())
        except OSError as error:
            self.app.notify(f"cannot be written: {error.strerror or error} ({path})", severity="error", markup=False)
        else:
            self.app.notify(f"the comparison is in {path}", markup=False)
