"""What `mofsim benchmark` and `mofsim benchmarks` share: what is shown, the watching of it, and reports."""

import time
from contextlib import suppress
from pathlib import Path

import click

from mofsim.benchmark.report import exports
from mofsim.cli import text
from mofsim.cli.app import App
from mofsim.cli.output import Column
from mofsim.client import ClientError, ServerUnreachable, Unavailable
from mofsim.schemas.benchmarks import Benchmark, BenchmarkChanged, BenchmarkDetail, BenchmarkPlan, PlanCost
from mofsim.schemas.tasks import Span
from mofsim.vocabulary import OPEN_CELLS, SILENT_CELLS, CellState, ReportFormat

#: Time between two looks at a benchmark that is watched, in seconds.
_LOOK = 1.0
#: So long nothing ran before it is said why, and so long until it is said again.
_WHY_AFTER, _WHY_AGAIN = 5.0, 300.0
#: what is not covered, and is shown one by one
_SHOWN = 10
#: by the ending of a report's file
FORMATS = {
    ".html": ReportFormat.HTML,
    ".htm": ReportFormat.HTML,
    ".json": ReportFormat.JSON,
    ".csv": ReportFormat.CSV,
    ".txt": ReportFormat.TEXT,
}


def format_for(file: Path) -> ReportFormat:
    """Raises click.BadParameter."""
    found = FORMATS.get(file.suffix.lower())
    if found is None:
        endings = ", ".join(FORMATS)
        raise click.BadParameter(f"{file} must end in one of {endings}, which says how it is written")
    return found


def save_report(app: App, id: int, file: Path) -> None:
    form = format_for(file)
    if form is ReportFormat.JSON:
        file.write_text(exports.as_json(app.client.benchmark_scores(id)), encoding="utf-8")
    else:
        app.client.save_benchmark_report(id, file, form)
    app.out.note(f"saved {file}")


def say_plan(app: App, found: BenchmarkPlan) -> None:
    """Sums last: there a reader of a terminal begins."""
    app.out.table(_COST, [_cost(each) for each in found.costs])
    for line in uncovered(found):
        app.out.note(line)
    there = f", {found.n_there} are in benchmark {found.benchmark_id} already" if found.n_there else ""
    reused = f", {found.n_reused} have a finished result elsewhere" if found.n_reused else ""
    uncovered_too = f", {len(found.not_covered)} are not covered by their model" if found.not_covered else ""
    lines = {"tasks": f"{found.n_new} to compute of {found.n_cells}{there}{reused}{uncovered_too}"}
    for device, span in found.device_seconds.items():
        lines[f"{'GPU' if device == 'cuda' else 'CPU'}-hours"] = hours(span)
    lines |= {"not known": _unknown(found)} if found.n_unknown_time else {}
    if found.largest_memory_MB is not None:
        rest = f"; of {found.n_unknown_memory} tasks it is not known" if found.n_unknown_memory else ""
        lines["memory"] = f"{text.size(found.largest_memory_MB * 1e6)} at most{rest}"
    elif found.n_new:
        lines["memory"] = "not known yet: no task of these models has ended here"
    if found.disk_MB is not None:
        rest = f"; of {found.n_unknown_disk} tasks it is not known" if found.n_unknown_disk else ""
        lines["disk"] = f"about {text.size(found.disk_MB * 1e6)}{rest}"
    elif found.n_new:
        lines["disk"] = "not known yet: no such task has ended here"
    app.out.fields(lines)


def _unknown(found: BenchmarkPlan) -> str:
    if found.n_unknown_time == found.n_new:
        return f"the time of all {found.n_new} tasks: none like them has ended here"
    which = list(dict.fromkeys(f"{each.task_type} with {each.model}" for each in found.costs if each.n_unknown_time))
    shown = ", ".join(which[:_SHOWN]) + (f" and {len(which) - _SHOWN} more" if len(which) > _SHOWN else "")
    return f"the time of {found.n_unknown_time} tasks, like which none has ended here: {shown}"


_COST = [
    Column("MODEL"),
    Column("TYPE"),
    Column("TASKS", right=True),
    Column("DEVICE"),
    Column("HOURS", right=True),
    Column("LEARNT FROM", right=True),
    Column("MEMORY", right=True),
]


def _cost(found: PlanCost) -> list[str]:
    other = "" if found.same_parameters or not found.learnt_from else " with other parameters"
    learnt = f"{found.learnt_from} tasks{other}" if found.learnt_from else "nothing"
    memory = text.size(found.memory_MB * 1e6) if found.memory_MB is not None else ""
    too_large = f" (too much for {len(found.too_large)} structures)" if found.too_large else ""
    kind = {"cuda": "GPU", "cpu": "CPU"}.get(found.device or "", "")
    spent = hours(found.seconds) if found.seconds else ""
    return [found.model, found.task_type, str(found.n_tasks), kind, spent, learnt, memory + too_large]


def hours(span: Span) -> str:
    """About how many, and the range: 3.2 (1.9–5.5)."""
    median, low, high = (_short(seconds / 3600) for seconds in (span.median, span.low, span.high))
    return median if low == high else f"{median} ({low}–{high})"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"


def uncovered(found: BenchmarkPlan | BenchmarkDetail) -> list[str]:
    """A line for each model and structure."""
    if isinstance(found, BenchmarkPlan):
        told = [(each.model, each.structure, each.reason) for each in found.not_covered]
    else:
        names = {structure.id: structure.name for structure in found.structures}
        cells = [cell for cell in found.cells if cell.state is CellState.NOT_COVERED]
        told = [(cell.model, names[cell.structure_id], cell.reason or "") for cell in cells]
    lines = [f"not covered: {name}: {reason}" for _, name, reason in dict.fromkeys(told)]
    return lines if len(lines) <= _SHOWN else [*lines[:_SHOWN], f"… and {len(lines) - _SHOWN} more"]


def watched(app: App, id: int, every_seconds: float) -> Benchmark:
    """Say how far it is until all has ended. Ctrl-C says that it goes on, and ends the command."""
    try:
        return _until_end(app, id, every_seconds)
    except KeyboardInterrupt:
        app.out.note(
            f"benchmark {id} goes on; `mofsim benchmarks watch {id}` looks again, `mofsim benchmarks cancel {id}` "
            "ends it"
        )
        raise


def _until_end(app: App, id: int, every_seconds: float) -> Benchmark:
    found = app.client.benchmark_progress(id)
    due, said, moved = 0.0, "", time.monotonic()
    while any(found.counts[state] for state in OPEN_CELLS):
        now, line = time.monotonic(), progress(found)
        if now >= due and line != said:
            click.echo(line, err=app.json)
            due, said = now + every_seconds, line
        if found.counts[CellState.RUNNING]:
            moved = now
        elif now - moved >= _WHY_AFTER:
            _say_why(app, id)
            # Once more after a long while: whoever looks again should not have to search for it.
            moved = now + _WHY_AGAIN - _WHY_AFTER
        time.sleep(_LOOK)
        found = _looked_again(app, found)
    return found


def _say_why(app: App, id: int) -> None:
    """Why nothing runs."""
    with suppress(ClientError):
        waiting = [cell for cell in app.client.benchmark(id).cells if cell.state is CellState.WAITING]
        if waiting and waiting[0].task_id:
            app.out.note(
                f"nothing runs; of task {waiting[0].task_id}: {app.client.explain(waiting[0].task_id).sentence}"
            )


def _looked_again(app: App, before: Benchmark) -> Benchmark:
    """As it is now, or as it was while the server can not be reached: it may be started again."""
    try:
        return app.client.benchmark_progress(before.id)
    except (ServerUnreachable, Unavailable) as error:
        app.out.note(f"mofsim: {error}; trying again")
        return before


def progress(found: Benchmark) -> str:
    eta = f"  about {text.duration(found.eta_seconds)} left" if found.eta_seconds is not None else ""
    return f"benchmark {found.id}  {text.number(found.percent, 1, '%')}  {counts(found)}{eta}"


def counts(found: Benchmark) -> str:
    return ", ".join(f"{n} {state}" for state, n in found.counts.items() if n) or "nothing to compute"


def retried(app: App, changed: BenchmarkChanged) -> str:
    """What a retry did; models that it left out are said at once."""
    for name in changed.left_out:
        app.out.note(f"model {name} can not be used any more, so that nothing of it is tried again")
    return f"{changed.n_retried + changed.n_submitted} tasks are tried again"


def is_incomplete(found: Benchmark) -> bool:
    """Whether something ended without saying anything of its model."""
    return any(found.counts[state] for state in SILENT_CELLS)


def say_incomplete(app: App, found: Benchmark) -> None:
    n = sum(found.counts[state] for state in SILENT_CELLS)
    app.out.note(
        f"{n} tasks ended without saying anything of their model (worker, device, disk, cancelled or deleted): "
        f"`mofsim benchmarks retry {found.id}`, or the same command with --resume, tries them again"
    )
