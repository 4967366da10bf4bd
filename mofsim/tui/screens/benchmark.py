"""The matrix of a benchmark, and what is known of the cell under the cursor."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from mofsim.tui import benchmark_jobs, benchmark_messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.looks import BOLD, DIM, Glyphs
from mofsim.tui.matrix import Matrix, cell_lines, counts, left
from mofsim.tui.registry import NOT_WELL, bindings
from mofsim.tui.screens.benchmarking import Benchmarking
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.widgets.lines import Lines, Row, piece
from mofsim.tui.widgets.matrix_view import MatrixView
from mofsim.tui.widgets.peek import TextLines

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.benchmarks import Benchmark
    from mofsim.tui.app import Console


class Progress(Lines):
    """How far it is, and below it the counts, which tell what the glyphs mean; as many lines as they need."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="benchmark-progress")
        self.glyphs = glyphs
        self._benchmark: Benchmark | None = None

    def show(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
        self._fit()

    def on_resize(self) -> None:  # type: ignore[override]
        self._fit()

    def _fit(self) -> None:
        width = self.content_size.width
        if not width:
            return
        needed = len(list(self.draw(width, 9)))
        if needed != self.content_size.height:
            self.styles.height = needed
        self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        found = self._benchmark
        if found is None:
            return
        yield piece(f" {left(found)}", BOLD), piece(f"   {found.set}, {found.preset}", DIM)
        line, used = [piece(" ")], 1
        for text, style in counts(found, self.glyphs):
            if used + len(text) + 1 > width and used > 1:
                yield line
                line, used = [piece(" ")], 1
            line += [piece(text, style), piece("   ")]
            used += len(text) + 3
        yield line


class BenchmarkScreen(Moving, Benchmarking):
    SCOPES = (Scope.MOVE, Scope.BENCHMARK, Scope.MATRIX, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#matrix"
    CSS_PATH = "benchmarks.tcss"

    def __init__(self, session: Session, benchmark: Benchmark) -> None:
        super().__init__(session)
        self._benchmark = benchmark
        self.progress = Progress(session.glyphs)
        self.view = MatrixView(session.glyphs, "matrix")
        self.view.empty = f"reading {session.glyphs.dots}"
        self.details = TextLines(session.glyphs, "cell", titled=True)
        self.header.trail = f"{benchmark.id} {benchmark.name}"

    def body(self) -> Sequence[Widget]:
        return self.progress, self.view, self.details

    @property
    def benchmark(self) -> Benchmark | None:
        return self._benchmark

    def changed(self, change: Change) -> None:
        if change.line:
            self.view.stale = self.store.line is Line.LOST
            self.view.redraw()
        if change.line and self.store.online:
            self.ask(benchmark_jobs.matrix, self._benchmark.id, group="matrix")

    def ask_again(self) -> None:
        """The matrix is long: only the counts, and the whole of it when they have changed."""
        self.ask(benchmark_jobs.progress, self._benchmark.id, group="progress")

    def on_benchmark_moved(self, message: benchmark_messages.BenchmarkMoved) -> None:
        self.ask(benchmark_jobs.matrix, self._benchmark.id, group="matrix")

    def on_progress_came(self, message: benchmark_messages.ProgressCame) -> None:
        before, self._benchmark = self._benchmark, message.benchmark
        self.progress.show(self._benchmark)
        if before.counts != self._benchmark.counts:
            self.ask(benchmark_jobs.matrix, self._benchmark.id, group="matrix")

    def on_matrix_came(self, message: benchmark_messages.MatrixCame) -> None:
        self._benchmark = message.detail
        self.view.empty = "It has no cells: its set has no structures."
        self.view.show(Matrix(message.detail))
        self._draw_all()

    def on_matrix_view_moved(self) -> None:
        self._draw_all()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_all)

    def _draw_all(self) -> None:
        self.progress.show(self._benchmark)
        width = max(20, self.details.content_size.width)
        lines = cell_lines(self.view.matrix, self.view.row, self.view.column) if self.view.matrix else []
        self.details.show([part for line in lines for part in textwrap.wrap(line, width)])
        self.refresh_keys()

    def situation(self) -> Context:
        view = self.view
        cell = view.matrix.at(view.row, view.column) if view.matrix else None
        return self.picture(benchmark=self._benchmark, cell=cell)

    def moved(self) -> Movable:
        return self.view

    def do_matrix_task(self) -> None:
        cell = self.situation().cell
        if cell is not None and cell.task_id is not None:
            cast("Console", self.app).open_task(cell.task_id)

    def do_matrix_back(self) -> None:
        self.dismiss()

    def do_matrix_left(self) -> None:
        self.view.shift(-1)

    def do_matrix_right(self) -> None:
        self.view.shift(+1)

    def do_matrix_failed(self) -> None:
        view = self.view
        found = view.matrix.next(view.row, view.column, NOT_WELL) if view.matrix else None
        if found:
            view.go(*found)
