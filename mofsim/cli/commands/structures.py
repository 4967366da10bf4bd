"""`mofsim structures`: the structures that the server knows."""

from pathlib import Path

import click

from mofsim.cli import text
from mofsim.cli.app import App, CommandGroup
from mofsim.cli.commands.steer import each
from mofsim.cli.output import Column
from mofsim.schemas.resources import Structure
from mofsim.vocabulary import StructureFormat

_COLUMNS = [
    Column("ID", right=True),
    Column("NAME"),
    Column("FORMULA"),
    Column("ATOMS", right=True),
    Column("VOLUME Å³", right=True),
    Column("KIND"),
]


@click.group(cls=CommandGroup)
def structures() -> None:
    """List, add, show and remove structures."""


@structures.command("list")
@click.option("--builtin/--uploaded", default=None, help="Only the built-in or only the uploaded ones.")
@click.pass_obj
def list_(app: App, builtin: bool | None) -> None:
    """List structures, the built-in ones first.

    With --json: a list of structures.
    """
    found = app.client.structures(builtin)
    if app.json:
        return app.out.document(found)
    app.out.table(_COLUMNS, [_row(structure) for structure in found], empty="there are no structures")


def _row(structure: Structure) -> list[str]:
    return [
        str(structure.id),
        structure.name,
        structure.formula,
        str(structure.n_atoms),
        text.number(structure.volume_A3, 1),
        "built-in" if structure.is_builtin else structure.format,
    ]


@structures.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(exists=True, dir_okay=False))
@click.option("--name", help="Its name; without it the file's.")
@click.option("--format", type=click.Choice([str(f) for f in StructureFormat]), help="Without it, found out.")
@click.option(
    "--molecule", is_flag=True, help="A guest molecule: an XYZ file may lack a cell, and gets a box of vacuum."
)
@click.pass_obj
def add(app: App, files: tuple[str, ...], name: str | None, format: str | None, molecule: bool) -> None:
    """Upload structures: CIF, XYZ, extXYZ or POSCAR files.

    With --json: the structure, or a list of them for several files.
    """
    if name and len(files) > 1:
        raise click.UsageError("--name is for one file; several are called like their files")
    added = []
    for file in files:
        structure = app.client.add_structure(Path(file), name, format, molecule=molecule)
        added.append(structure)
        if not app.json:
            app.out.line(f"structure {structure.id}: {structure.name}, {structure.formula}, {structure.n_atoms} atoms")
    if app.json:
        app.out.document(added if len(files) > 1 else added[0])


@structures.command()
@click.argument("id", type=click.IntRange(min=1), metavar="ID")
@click.option("--download", "destination", type=click.Path(path_type=Path), help="Save its file here.")
@click.pass_obj
def show(app: App, id: int, destination: Path | None) -> None:
    """Show a structure, or save its file.

    With --json: the structure.
    """
    found = app.client.structure(id)
    if destination:
        app.out.note(f"saved {app.client.structure_file(id, destination)}")
    if app.json:
        return app.out.document(found)
    lines = {
        "structure": f"{found.id}",
        "name": found.name,
        "formula": found.formula,
        "atoms": f"{found.n_atoms}",
        "elements": " ".join(found.elements),
        "volume": text.number(found.volume_A3, 3, "Å³"),
        "file": f"{found.original_name} ({found.format}, {text.size(found.file_size)})",
        "checksum": found.checksum,
        "added": text.clock(found.created_at),
    }
    app.out.fields(lines | ({"description": found.description} if found.description else {}))


@structures.command()
@click.argument("ids", type=click.IntRange(min=1), metavar="ID…", nargs=-1, required=True)
@click.pass_obj
def rm(app: App, ids: tuple[int, ...]) -> int:
    """Remove uploaded structures that no task refers to.

    With --json: {items: [{id}], errors: [{id, error}]}.
    """
    return each(app, ids, app.client.delete_structure, lambda id, _: f"structure {id} is removed")
