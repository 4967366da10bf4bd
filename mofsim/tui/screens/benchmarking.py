"""What can be done to a benchmark, in the list and in its matrix; and asking again while it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mofsim.tui import benchmark_jobs, benchmark_messages, destinations, format
from mofsim.tui.destinations import Verdict
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.vocabulary import OPEN_CELLS, CellState, ReportFormat

if TYPE_CHECKING:
    from mofsim.schemas.benchmarks import Benchmark

#: Seconds between two questions: no event tells of benchmarks.
AGAIN = 3.0
FORMS = {".html": ReportFormat.HTML, ".txt": ReportFormat.TEXT, ".csv": ReportFormat.CSV}
#: The end of the name of a CSV with a line for each task.
OUTCOMES = "-tasks.csv"


def form_of(path: str) -> ReportFormat | None:
    """By the end of its name."""
    if path.lower().endswith(OUTCOMES):
        return ReportFormat.OUTCOMES
    return next((form for suffix, form in FORMS.items() if path.lower().endswith(suffix)), None)


def judge_report(text: str) -> Verdict:
    if text.strip() and not text.strip().endswith("/") and form_of(text.strip()) is None:
        return Verdict(f"end it with {', '.join(FORMS)} (a line for each score) or {OUTCOMES} (for each task)")
    return destinations.judge_file(text)


class Benchmarking(ConsoleScreen):
    """Subclasses tell which benchmark, and how to ask for what they show."""

    MODE = "benchmarks"

    @property
    def benchmark(self) -> Benchmark | None:
        raise NotImplementedError

    def ask_again(self) -> None:
        raise NotImplementedError

    def on_mount(self) -> None:
        self.set_interval(AGAIN, self._tick)

    def _tick(self) -> None:
        if self.is_active and self.store.online and not self.store.paused:
            self.ask_again()

    def on_benchmark_moved(self, message: benchmark_messages.BenchmarkMoved) -> None:
        self.ask_again()

    def do_benchmark_retry(self) -> None:
        if self.benchmark:
            self.ask(benchmark_jobs.retry, self.benchmark.id, False, self.post_message)

    def do_benchmark_retry_failed(self) -> None:
        benchmark = self.benchmark
        if benchmark is None:
            return
        n = benchmark.counts.get(CellState.FAILED, 0)
        words = f"{format.grouped(n)} failed by themselves, which says something of the model; they are computed again."
        self._confirm(
            f"Try again what failed in {benchmark.name}?", words, "leave it", "try again",
            lambda: self.ask(benchmark_jobs.retry, benchmark.id, True, self.post_message),
        )  # fmt: skip

    def do_benchmark_cancel(self) -> None:
        benchmark = self.benchmark
        if benchmark is None:
            return
        n = sum(benchmark.counts.get(state, 0) for state in OPEN_CELLS)
        words = f"{format.grouped(n)} have not ended. What is there stays, and r computes the rest later."
        self._confirm(
            f"Cancel the tasks of {benchmark.name}?", words, "keep them", "cancel them",
            lambda: self.ask(benchmark_jobs.cancel, benchmark.id, self.post_message),
        )  # fmt: skip

    def _confirm(self, title: str, words: str, keep: str, yes: str, then: Callable[[], None]) -> None:
        from mofsim.tui.screens.confirm import Confirm

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                then()

        self.app.push_screen(Confirm(title, [words], keep=keep, yes=yes), answered)

    def do_benchmark_add(self) -> None:
        if self.benchmark:
            self.ask(benchmark_jobs.models_to_add, self.benchmark, group="models")

    def on_models_to_add(self, message: benchmark_messages.ModelsToAdd) -> None:
        from mofsim.tui.screens.model_choice import ModelChoice

        benchmark = message.benchmark
        if not message.models:
            self.app.notify("it has all models that can be used; key 6, then i, uploads another one", timeout=5)
            return
        per_model = benchmark.n_cells // max(1, len(benchmark.models))
        said = {model.name: f"{model.framework}{', with D3' if model.d3 else ''}" for model in message.models}
        note = f"{format.grouped(per_model)} more cells; what finished tasks computed already is taken from them."

        def chosen(name: str | None) -> None:
            if name:
                self.ask(benchmark_jobs.add_model, benchmark.id, name, self.post_message)

        self.app.push_screen(ModelChoice(f"add which model to {benchmark.name}?", said, note), chosen)

    def do_benchmark_save(self) -> None:
        from mofsim.tui.screens.destination import Destination

        benchmark = self.benchmark
        if benchmark is None:
            return
        folder = (self.session.remembered.folder or ".").rstrip("/")
        path = f"{folder}/benchmark-{benchmark.id}.html"
        question = f"Save the report of {benchmark.name} in this file (.html, .txt, .csv or {OUTCOMES}):"

        def typed(text: str | None) -> None:
            form = form_of(text) if text else None
            if text and form:
                self.ask(benchmark_jobs.save_report, benchmark.id, form, destinations.path_of(text))

        self.app.push_screen(Destination(self.session.glyphs, question, path, judge_report), typed)
