"""`mofsim result`, `files`: what a task found and left behind."""

import shutil
from pathlib import Path
from typing import Any

import click

from mofsim.cli import text
from mofsim.cli.app import App, command, task_id
from mofsim.cli.output import Column, Output
from mofsim.client import ApiError
from mofsim.client.exporting import value_text
from mofsim.schemas.tasks import TaskResult
from mofsim.tui import grid
from mofsim.vocabulary import COMPRESSED

#: Columns of a terminal that does not tell how many it has.
_WIDTH = 100
#: Rows of a table in a result that are shown.
_MOST_ROWS = 40


@command()
@task_id
@click.pass_obj
def result(app: App, id: int) -> None:
    """Show the result of a task.

    With --json: {task_id, status, result, output_files, metrics, provenance, files_removed_at}.
    """
    found = app.client.result(id)
    if app.json:
        return app.out.document(found)
    say_result(app.out, found)


def result_or_none(app: App, id: int) -> TaskResult | None:
    """None for a task that ended before it had any."""
    try:
        return app.client.result(id)
    except ApiError:
        return None


def say_result(out: Output, found: TaskResult) -> None:
    lines = {"task": f"{found.task_id}", "status": str(found.status)}
    lines |= {name: _short(value) for name, value in found.result.items() if not grid.is_table(value)}
    lines |= {name: value_text(value) for name, value in found.metrics.items()}
    if found.output_files:
        lines["files"] = ", ".join(found.output_files)
    if found.files_removed_at:
        lines["files"] = f"removed by their age at {text.clock(found.files_removed_at)}"
    out.fields(lines)
    for name, value in found.result.items():
        if grid.is_table(value):
            _say_table(out, name, value)


def _say_table(out: Output, name: str, records: list[dict[str, Any]]) -> None:
    out.line()
    out.line(name)
    width = shutil.get_terminal_size((_WIDTH, 24)).columns - 2
    for line in grid.table(records[:_MOST_ROWS], value_text, str, width):
        out.line(f"  {line}".rstrip())
    if len(records) > _MOST_ROWS:
        out.line(f"  … {len(records) - _MOST_ROWS} more; --json has all of them")


def _short(value: Any) -> str:
    """Of many numbers only the ends."""
    if grid.is_long(value):
        return f"[{grid.ends(value, value_text, ', ')}] ({len(value)} values)"
    return value_text(value)


@command()
@task_id
@click.option(
    "--download", "folder", type=click.Path(file_okay=False, path_type=Path), help="Save them here, unpacked."
)
@click.pass_obj
def files(app: App, id: int, folder: Path | None) -> None:
    """List the files of a task, or download them all.

    With --json: a list of {name, size_bytes, url}, or {name: local path} for a download.
    """
    if folder:
        saved = download_all(app, id, folder)
        if not saved:
            app.out.note(_why_none(app, id))
        return app.out.document(saved) if app.json else _say_saved(app.out, saved)
    found = app.client.files(id)
    if app.json:
        return app.out.document(found)
    columns = [Column("SIZE", right=True), Column("NAME")]
    rows = [[text.size(file.size_bytes), file.name] for file in found]
    app.out.table(columns, rows, empty="" if found else _why_none(app, id))


def _why_none(app: App, id: int) -> str:
    result = result_or_none(app, id)
    if result and result.files_removed_at:
        return f"the files of task {id} were removed by their age at {text.clock(result.files_removed_at)}"
    return f"task {id} has no files"


def download_all(app: App, id: int, folder: Path) -> dict[str, str]:
    """Name → local path of each file, by the name that it had before it was compressed."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [file.name.removesuffix(COMPRESSED) for file in app.client.files(id)]
    return {name: str(app.client.download(id, name, folder)) for name in names}


def _say_saved(out: Output, saved: dict[str, str]) -> None:
    for path in saved.values():
        out.line(path)
