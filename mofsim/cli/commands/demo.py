"""`mofsim demo`: one relaxation from start to end, with nothing set up before and nothing left behind."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from mofsim.cli import text
from mofsim.cli.app import FAILED, OK, App, command
from mofsim.cli.commands.results import download_all, result_or_none
from mofsim.cli.embedded import Embedded, NotUp, end_on_sigterm, running
from mofsim.cli.output import Column
from mofsim.cli.progress import shown
from mofsim.cli.resolve import structure_for
from mofsim.client import Client, ClientError
from mofsim.client.local import key_in
from mofsim.schemas.tasks import Task, TaskResult
from mofsim.vocabulary import Preset, TaskStatus, TaskType

#: Where the files go, in the current folder.
OUTPUT = Path("mofsim-demo")


@command()
@click.option("--structure", default="MOF-5", show_default=True, metavar="NAME|FILE", help="What to relax.")
@click.option("--preset", default=str(Preset.QUICK), show_default=True, type=click.Choice([str(p) for p in Preset]))
@click.option("--model", help="Model; without it the default one.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Keep its data here.")
@click.pass_obj
def demo(app: App, structure: str, preset: str, model: str | None, keep: Path | None) -> int:
    """Relax one structure from start to end, with a server and a worker of its own.

    Its files are copied to ./mofsim-demo/. Exit status 0 when it completed.
    With --json: {task_id, status, result, output_files: {name: path}, error, data_folder}.
    """
    end_on_sigterm()
    settings = app.settings_for_processes({})
    app.out.note("starting a server and a worker …")
    try:
        with (
            _data_folder(keep) as folder,
            running(settings, folder) as embedded,
            Client(embedded.url, api_key=key_in(folder)) as app.client,
        ):
            what = structure_for(app, structure)
            task = app.client.submit(TaskType.OPTIMIZATION, what, model=model, preset=preset)
            task = _follow(app, embedded, task)
            result = result_or_none(app, task.id)
            saved = download_all(app, task.id, OUTPUT)
    except NotUp as error:
        raise click.ClickException(str(error)) from error
    _report(app, task, result, saved, keep)
    return OK if task.status is TaskStatus.COMPLETED else FAILED


@contextmanager
def _data_folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="mofsim-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _follow(app: App, embedded: Embedded, task: Task) -> Task:
    def lost(error: ClientError) -> None:
        embedded.check()
        progress.lost(error)

    with shown(app.out, every_seconds=1) as progress:
        return app.client.wait(task.id, progress.changed, on_lost=lost)


def _report(app: App, task: Task, result: TaskResult | None, saved: dict[str, str], keep: Path | None) -> None:
    if app.json:
        document = {
            "task_id": task.id,
            "status": task.status,
            "result": result.result if result else {},
            "output_files": saved,
            "error": task.error,
            "data_folder": str(keep.absolute()) if keep else None,
        }
        return app.out.document(document)
    if task.error:
        app.out.note(f"mofsim: the task {task.status}: {task.error.message}")
    if result:
        _say_result(app, task, result)
    app.out.line(f"files in {OUTPUT}/: {', '.join(saved) or 'none'}")
    if keep:
        app.out.note(f"its data is kept in {keep}; `MOFSIM_STORAGE__ROOT={keep} mofsim up --tui` shows it")


def _say_result(app: App, task: Task, result: TaskResult) -> None:
    found = result.result
    columns = [
        Column("STRUCTURE"),
        Column("MODEL"),
        Column("ENERGY eV", right=True),
        Column("FMAX eV/Å", right=True),
        Column("STEPS", right=True),
        Column("CONVERGED"),
        Column("VOLUME %", right=True),
        Column("TIME", right=True),
    ]
    change = found.get("volume_change_percent")
    row = [
        task.structure.name,
        task.model,
        text.number(found.get("final_energy_eV"), 4),
        text.number(found.get("final_fmax_eV_per_A"), 4),
        str(found.get("steps", text.UNKNOWN)),
        "yes" if found.get("converged") else "no",
        text.UNKNOWN if change is None else f"{change:+.3f}",
        text.duration(text.between(task.started_at, task.completed_at)),
    ]
    app.out.table(columns, [row])
