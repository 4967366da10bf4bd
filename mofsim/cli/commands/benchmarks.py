"""`mofsim benchmarks`: those that there are."""

from pathlib import Path

import click

from mofsim.cli import text
from mofsim.cli.app import App, CommandGroup
from mofsim.cli.benchmarking import counts, format_for, progress, retried, save_report, watched
from mofsim.cli.commands.benchmark import end
from mofsim.cli.commands.watch import every
from mofsim.cli.output import Column
from mofsim.schemas.benchmarks import Benchmark, BenchmarkChanged, BenchmarkDetail
from mofsim.vocabulary import CellState

benchmark_id = click.argument("id", type=click.IntRange(min=1), metavar="ID")

_COLUMNS = [
    Column("ID", right=True),
    Column("NAME"),
    Column("SET"),
    Column("PRESET"),
    Column("MODELS"),
    Column("CELLS", right=True),
    Column("DONE", right=True),
    Column("ETA", right=True),
    Column("CREATED", right=True),
]


@click.group(cls=CommandGroup)
def benchmarks() -> None:
    """List, show, follow, report, retry, cancel and forget benchmarks; `mofsim benchmark MODEL` begins one."""


@benchmarks.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@click.option("--cursor", help="Go on where a page ended (next_cursor).")
@click.pass_obj
def list_(app: App, limit: int, cursor: str | None) -> None:
    """List benchmarks, newest first.

    With --json: {items, next_cursor, total}.
    """
    page = app.client.benchmarks(limit, cursor)
    if app.json:
        return app.out.document(page)
    app.out.table(_COLUMNS, [_row(each) for each in page.items], empty="there are no benchmarks")
    if page.next_cursor:
        more = f"--limit N, or --cursor {page.next_cursor}"
        app.out.note(f"{len(page.items)} of {page.total} benchmarks; for more: {more}")


def _row(found: Benchmark) -> list[str]:
    eta = text.duration(found.eta_seconds) if found.eta_seconds is not None else ""
    return [
        *(str(found.id), found.name, found.set, found.preset, ", ".join(found.models), str(found.n_cells)),
        *(text.number(found.percent, 1, "%"), eta, text.age(found.created_at)),
    ]


@benchmarks.command()
@benchmark_id
@click.pass_obj
def show(app: App, id: int) -> None:
    """Show how far each model is with each task type and structure.

    With --json: the benchmark with its cells.
    """
    found = app.client.benchmark(id)
    if app.json:
        return app.out.document(found)
    app.out.table(*_matrix(found))
    for line in _remarks(found):
        app.out.line(line)
    app.out.line()
    lines = {
        "benchmark": f"{found.id}, {found.name}",
        "of": f"set {found.set}, {found.n_structures} structures, preset {found.preset}",
        "changed": "; ".join(f"{each.task_type} {each.parameters}" for each in found.parameters if each.parameters),
        "references": f"{found.n_own_references} of your own" if found.n_own_references else "",
        "cells": counts(found),
        "done": text.number(found.percent, 1, "%"),
        "eta": f"{text.duration(found.eta_seconds)}, at the pace until now" if found.eta_seconds is not None else "",
        "created": text.clock(found.created_at),
    }
    app.out.fields({name: value for name, value in lines.items() if value})


def _matrix(found: BenchmarkDetail) -> tuple[list[Column], list[list[str]]]:
    """A row for each model and task type: how many cells are in which state."""
    states = [state for state in CellState if found.counts[state]]
    rows = []
    for model, task_type in dict.fromkeys((cell.model, cell.task_type) for cell in found.cells):
        own = [cell.state for cell in found.cells if (cell.model, cell.task_type) == (model, task_type)]
        rows.append([model, str(task_type), *(str(own.count(state) or "") for state in states)])
    heads = [Column("MODEL"), Column("TYPE"), *(Column(state.upper(), right=True) for state in states)]
    return heads, rows


def _remarks(found: BenchmarkDetail) -> list[str]:
    """A line for each cell that ended otherwise than with a result."""
    names = {structure.id: structure.name for structure in found.structures}
    return [
        f"{cell.state}: {cell.task_type} of {names[cell.structure_id]}{f' with {cell.guest}' if cell.guest else ''} by "
        f"{cell.model}{f' (task {cell.task_id})' if cell.task_id else ''}{f': {cell.reason}' if cell.reason else ''}"
        for cell in found.cells
        if cell.state not in (CellState.COMPLETED, CellState.WAITING, CellState.RUNNING)
    ]


@benchmarks.command()
@benchmark_id
@every
@click.pass_obj
def watch(app: App, id: int, every: float) -> int:
    """Follow a benchmark to its end, then show the scores. Ctrl-C stops watching, not the benchmark.

    Exit status and --json as of `mofsim benchmark`.
    """
    return end(app, watched(app, id, every), None)


@benchmarks.command()
@benchmark_id
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def report(app: App, id: int, file: Path) -> None:
    """Save the report as it is now: FILE.html, .json, .csv or .txt.

    With --json: {file}.
    """
    format_for(file)
    save_report(app, id, file)
    if app.json:
        app.out.document({"file": str(file)})


@benchmarks.command()
@benchmark_id
@click.option("--failed", is_flag=True, help="Those too that failed by themselves and count against their model.")
@click.pass_obj
def retry(app: App, id: int, failed: bool) -> None:
    """Try again what a worker, a device, a disk or a person ended, and what somebody deleted.

    With --json: {benchmark, n_retried, n_submitted, …}.
    """
    changed = app.client.retry_benchmark(id, failed=failed)
    _say(app, changed, retried(app, changed))


@benchmarks.command()
@benchmark_id
@click.pass_obj
def cancel(app: App, id: int) -> None:
    """Cancel all tasks of a benchmark that have not ended.

    With --json: {benchmark, n_cancelled, …}.
    """
    changed = app.client.cancel_benchmark(id)
    _say(app, changed, f"{changed.n_cancelled} tasks are cancelled, or end after their current step")


def _say(app: App, changed: BenchmarkChanged, what: str) -> None:
    if app.json:
        return app.out.document(changed)
    app.out.line(f"{what}; {progress(changed.benchmark)}")


@benchmarks.command()
@benchmark_id
@click.pass_obj
def rm(app: App, id: int) -> None:
    """Forget a benchmark; its tasks and their results stay.

    With --json: {id}.
    """
    app.client.delete_benchmark(id)
    if app.json:
        return app.out.document({"id": id})
    app.out.line(f"benchmark {id} is forgotten; its tasks are still there")
