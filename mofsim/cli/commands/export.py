"""`mofsim export`: a task as a folder, with all that is needed to run it again elsewhere."""

from pathlib import Path

import click

from mofsim.cli import text
from mofsim.cli.app import App, command, task_id
from mofsim.cli.commands.results import download_all
from mofsim.client.exported import FILES, STRUCTURE, written
from mofsim.client.exporting import CIF, Export, other_structure
from mofsim.vocabulary import StructureFile


@command()
@task_id
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def export(app: App, id: int, folder: Path | None) -> None:
    """Save an ended task in the folder DIR (./mofsim-task-ID), with all that is needed to run it again.

    That is its request, provenance and attempts (task.json), its result (result.json), the structure it started from
    (CIF, and the extXYZ that was computed with), all output files, a README.md and checksums. `mofsim rerun DIR`
    computes it again and compares.

    With --json: {folder, files}.
    """
    target = folder or Path(f"mofsim-task-{id}")
    found = Export(app.client.task(id), app.client.result(id), app.client.attempts(id))
    structure = app.client.structure(found.task.structure.id)
    if problem := other_structure(found, structure):
        raise click.ClickException(problem)
    with written(target) as partial:
        app.client.structure_file(structure.id, partial / STRUCTURE, StructureFile.NORMALISED)
        app.client.structure_file(structure.id, partial / CIF, StructureFile.CIF)
        saved = [] if found.result.files_removed_at else list(download_all(app, id, partial / FILES))
        found.write(partial, structure, saved)
    names = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    if app.json:
        return app.out.document({"folder": str(target), "files": names})
    if found.result.files_removed_at:
        app.out.note(f"its output files were removed by their age at {text.clock(found.result.files_removed_at)}")
    app.out.line(f"task {id} is in {target}/ ({len(names)} files); `mofsim rerun {target}` computes it again")
