"""`mofsim benchmark`: how good models are, in one command."""

from pathlib import Path
from typing import Any

import click

from mofsim.cli import scores
from mofsim.cli.app import FAILED, OK, App, command
from mofsim.cli.benchmark_input import read_references, set_for, together
from mofsim.cli.benchmarking import (
    format_for,
    is_incomplete,
    progress,
    retried,
    save_report,
    say_incomplete,
    say_plan,
    uncovered,
    watched,
)
from mofsim.cli.commands.batch_submit import comma_list, for_each
from mofsim.cli.commands.submit import read_parameters
from mofsim.cli.commands.watch import every
from mofsim.schemas.benchmarks import ESSENTIAL, Benchmark, BenchmarkChanged
from mofsim.vocabulary import SCORED, Preset, Priority, TaskType


def _scored(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[TaskType]:
    names = comma_list(ctx, option, given)
    for name in names:
        if name not in SCORED:
            raise click.BadParameter(f"{name!r} has no scores; there are {', '.join(SCORED)}", ctx, option)
    return [TaskType(name) for name in names] or list(SCORED)


def _report(ctx: click.Context, option: click.Parameter, given: Path | None) -> Path | None:
    """Known before hours are spent."""
    if given is None:
        return None
    format_for(given)
    if not given.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {given.absolute().parent}", ctx, option)
    return given


@command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@click.option(
    "--set",
    "set_name",
    default=ESSENTIAL,
    show_default=True,
    metavar="NAME|DIR",
    help="A named set of structures, or a folder or checkout of the published benchmark, which is imported first; "
    f"{ESSENTIAL}: the built-in structures.",
)
@click.option(
    "--tasks", "types", multiple=True, callback=_scored, metavar="TYPE,…", help="Without it all scored types."
)
@click.option(
    "--preset",
    type=click.Choice([str(preset) for preset in Preset]),
    default=str(Preset.MOFSIMBENCH),
    show_default=True,
    help="Set of parameters; only mofsimbench makes numbers to compare with published ones.",
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    callback=read_parameters,
    metavar="[TYPE.]NAME=VALUE",
    help="E.g. seed=7 for every type that has it, or stability.npt_steps=1000.",
)
@click.option(
    "--guests", multiple=True, callback=comma_list, metavar="NAME,…", help="Of interaction energies; else CO2,H2O."
)
@click.option(
    "--references",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE|DIR",
    help="A CSV file with values to compare with, or a checkout of the published benchmark; may be given again.",
)
@click.option("--name", help="What it is called; another name begins another benchmark.")
@click.option("--priority", type=click.Choice([p.name for p in Priority], case_sensitive=False))
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Of each task.")
@click.option("--reuse/--no-reuse", default=True, show_default=True, help="Take finished results of the same weights.")
@click.option("--resume", is_flag=True, help="Try again what a worker, a device, a disk or a person ended.")
@click.option("--dry-run", is_flag=True, help="Only check it and say what it would compute and cost; submit nothing.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow it to its end, then show the scores.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_report,
    metavar="FILE",
    help="Save the report: .html, .json, .csv or .txt.",
)
@every
@click.pass_obj
def benchmark(
    app: App,
    models: tuple[str, ...],
    set_name: str,
    types: list[TaskType],
    preset: str,
    parameters: dict[str, Any],
    guests: list[str],
    references: tuple[Path, ...],
    name: str | None,
    priority: str | None,
    timeout: float | None,
    reuse: bool,
    resume: bool,
    dry_run: bool,
    wait: bool,
    report: Path | None,
    every: float,
) -> int:
    """Score models: every task type for every structure of a set, compared with references and with each other.

    The server keeps it all, so Ctrl-C stops watching and nothing else. The same command again goes on with the same
    benchmark, and with more models computes only these. What a model does not cover is not computed, and is named.

    Exit status 1 when something ended without saying anything of its model; what models fail at is in the scores.
    With --json: {benchmark, columns, scores, report}; with --no-wait what was begun: {benchmark, is_new, …}; with
    --dry-run the plan. A folder is imported with --dry-run too.
    """
    if dry_run and (resume or report):
        raise click.UsageError("--dry-run computes nothing; leave --resume and --report")
    own = for_each(types, parameters)
    compared, folder = read_references(references), Path(set_name).expanduser()
    chosen = set_for(app, set_name)
    asked: dict[str, Any] = {
        "models": models,
        "set": chosen,
        "name": name,
        "preset": preset,
        "task_types": [{"task_type": str(each), "parameters": given} for each, given in own.items()],
        "guests": guests or None,
        "priority": priority,
        "timeout_seconds": timeout,
        "reuse": reuse,
    }
    if dry_run:
        return _say_plan(app, asked)
    given = together(compared, folder if chosen != set_name else None)
    changed = app.client.start_benchmark(**asked, references=given)
    _say_begun(app, changed)
    if resume:
        changed = _resumed(app, changed)
    if not wait:
        if report:
            save_report(app, changed.benchmark.id, report)
        if app.json:
            app.out.document(changed)
        return OK
    return end(app, watched(app, changed.benchmark.id, every), report)


def _say_plan(app: App, asked: dict[str, Any]) -> int:
    found = app.client.estimate_benchmark(**asked)
    if app.json:
        app.out.document(found)
    else:
        say_plan(app, found)
    return OK


def _say_begun(app: App, changed: BenchmarkChanged) -> None:
    found = changed.benchmark
    what = "is new" if changed.is_new else "was there already"
    computed = changed.n_submitted - changed.n_reused
    reused = f", {changed.n_reused} results are there from earlier tasks" if changed.n_reused else ""
    app.out.note(
        f"benchmark {found.id} ({found.name}) {what}: {found.n_structures} structures, {len(found.models)} models, "
        f"{found.n_cells} cells; {computed} tasks are submitted{reused}"
    )
    for line in uncovered(app.client.benchmark(found.id)):
        app.out.note(line)
    if not changed.is_new and not changed.n_submitted:
        app.out.note(progress(found))


def _resumed(app: App, before: BenchmarkChanged) -> BenchmarkChanged:
    changed = app.client.retry_benchmark(before.benchmark.id)
    app.out.note(retried(app, changed))
    return changed


def end(app: App, found: Benchmark, report: Path | None) -> int:
    """Show what came of a benchmark that has ended."""
    scored = app.client.benchmark_scores(found.id)
    if report:
        save_report(app, found.id, report)
    if app.json:
        app.out.document(
            {
                "benchmark": found,
                "columns": scored.columns,
                "scores": scored.scores,
                "report": str(report) if report else None,
            }
        )
    else:
        scores.say(app.out, scored)
        app.out.line()
        app.out.line(progress(found))
        if not report:
            app.out.note(f"`mofsim benchmarks report {found.id} FILE.html` saves the report")
    if is_incomplete(found):
        say_incomplete(app, found)
        return FAILED
    return OK
