"""The benchmarks: how far each is. Enter opens the matrix of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mofsim.tui import benchmark_jobs, benchmark_messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.alert_book import Listing
from mofsim.tui.benchmark_columns import benchmark_columns
from mofsim.tui.registry import bindings
from mofsim.tui.screens.benchmarking import Benchmarking
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.table import Table

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.benchmarks import Benchmark, BenchmarkChanged


class BenchmarksScreen(Moving, Benchmarking):
    SCOPES = (Scope.MOVE, Scope.BENCHMARK, Scope.BENCHMARK_LIST, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#benchmarks"
    CSS_PATH = "benchmarks.tcss"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        #: None: nothing came yet
        self._known: Listing[Benchmark] | None = None
        columns = benchmark_columns(session.glyphs)
        self.table: Table[Benchmark] = Table(columns, Listing(), lambda row: row.id, id="benchmarks")
        self.table.glyphs = session.glyphs

    def body(self) -> Sequence[Widget]:
        return (self.table,)

    @property
    def benchmark(self) -> Benchmark | None:
        return self._known.get(self.table.cursor) if self._known else None

    def ask_again(self) -> None:
        self.ask(benchmark_jobs.benchmarks, group="benchmarks")

    def on_benchmarks_came(self, message: benchmark_messages.BenchmarksCame) -> None:
        self._known = Listing(tuple(message.benchmarks))
        self._show()

    def changed(self, change: Change) -> None:
        if change.line and self.store.online:
            self.ask_again()
        if change.line:
            self._show()

    def _show(self) -> None:
        self.table.rows = self._known or Listing()
        self.table.stale = self.store.line is Line.LOST
        self.table.empty = self._nothing()
        self.table.changed()
        self.refresh_keys()

    def _nothing(self) -> Sequence[str]:
        if self.store.line is Line.CONNECTING:
            return no_line(self.store, self.session.glyphs)
        if self._known is None:
            return (f"reading {self.session.glyphs.dots}",)
        return ("No benchmarks yet.", "", "n begins one: every task type that is scored, for every structure of a set,",
                "with every model.")  # fmt: skip

    def situation(self) -> Context:
        return self.picture(benchmark=self.benchmark)

    def moved(self) -> Movable:
        return self.table

    def on_table_moved(self, message: Table.Moved) -> None:
        self.refresh_keys()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.action_do("benchmark.open")

    def do_benchmark_open(self) -> None:
        from mofsim.tui.screens.benchmark import BenchmarkScreen

        if self.benchmark:
            self.app.push_screen(BenchmarkScreen(self.session, self.benchmark))

    def do_benchmark_new(self) -> None:
        from mofsim.tui.screens.benchmark_form import BenchmarkForm

        self.app.push_screen(BenchmarkForm(self.session, self._begun))

    def _begun(self, changed: BenchmarkChanged) -> None:
        """To its matrix."""
        from mofsim.tui.screens.benchmark import BenchmarkScreen

        what = "began" if changed.is_new else "was there already"
        self.app.notify(f"it {what}; {benchmark_jobs.words(changed)}", markup=False, timeout=6)
        self.ask_again()
        self.app.push_screen(BenchmarkScreen(self.session, changed.benchmark))
