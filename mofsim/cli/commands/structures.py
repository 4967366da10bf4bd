"""`mofsim structures`: the structures that the server knows."""

from pathlib import Path

import click

from mofsim.cli import text
from mofsim.cli.app import FAILED, OK, App, CommandGroup
from mofsim.cli.commands.steer import each
from mofsim.cli.importing import upload_all
from mofsim.cli.output import Column
from mofsim.client.importing import SUFFIX, plan
from mofsim.schemas.resources import Structure, StructureSet
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
    """List, add, import, show and remove structures, and name sets of them."""


@structures.command("list")
@click.option("--builtin/--uploaded", default=None, help="Only the built-in or only the uploaded ones.")
@click.option("--set", "set_name", metavar="NAME", help="Only those of a named set.")
@click.pass_obj
def list_(app: App, builtin: bool | None, set_name: str | None) -> None:
    """List structures, the built-in ones first.

    With --json: a list of structures.
    """
    found = app.client.structures(builtin, set_name)
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


@structures.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-r", "--recursive", is_flag=True, help="Folders below it too.")
@click.option("--set", "set_name", metavar="NAME", help="Keep them as the named set NAME, besides those it has.")
@click.pass_obj
def import_(app: App, folder: Path, recursive: bool, set_name: str | None) -> int:
    """Upload the CIF files of a folder; one that is refused is told and does not stop the others.

    A checkout of the MOFSimBench benchmark becomes the sets that it names, main_set and hcmof among them; what a
    set is good for is `mofsim batch submit --structures @main_set`. What is there already is not stored again.

    With --json: {items: the structures, errors: [{file, error}], sets}. Exit status 1 when a file was refused.
    """
    wanted = plan(folder, recursive=recursive, set_name=set_name)
    if not wanted.files:
        below = "" if recursive else "; -r looks into the folders below it too"
        raise click.BadParameter(f"{folder} has no {SUFFIX} file{below}", param_hint="DIR")
    # With --json, stdout belongs to the document, which has them too.
    say = (lambda line: None) if app.json else app.out.line
    added, errors = upload_all(app, folder, wanted.files, say)
    sets = [each for name, files in wanted.sets.items() if (each := _extended(app, name, files, added))]
    if app.json:
        app.out.document({"items": list(added.values()), "errors": errors, "sets": sets})
    else:
        for each in sets:
            app.out.line(f"set {each.name}: {len(each.structure_ids)} structures (--structures @{each.name})")
        app.out.note(f"{len(added)} of {len(wanted.files)} files are structures now, {len(errors)} were refused")
    return FAILED if errors else OK


def _extended(app: App, name: str, files: list[Path], added: dict[Path, Structure]) -> StructureSet | None:
    """The set with what was added; None where nothing of it was."""
    ids = [added[file].id for file in files if file in added]
    if not ids:
        return None
    before = next((each.structure_ids for each in app.client.structure_sets() if each.name == name), [])
    return app.client.save_structure_set(name, [*before, *ids])


@structures.command()
@click.pass_obj
def sets(app: App) -> None:
    """List the named sets of structures.

    With --json: a list of {name, structure_ids}.
    """
    found = app.client.structure_sets()
    if app.json:
        return app.out.document(found)
    columns = [Column("NAME"), Column("STRUCTURES", right=True)]
    app.out.table(columns, [[each.name, str(len(each.structure_ids))] for each in found], empty="there are no sets")


@structures.command("set")
@click.argument("name", metavar="NAME")
@click.argument("ids", type=click.IntRange(min=1), metavar="ID…", nargs=-1, required=True)
@click.pass_obj
def set_(app: App, name: str, ids: tuple[int, ...]) -> None:
    """Make the named set NAME hold exactly these structures.

    With --json: {name, structure_ids}.
    """
    saved = app.client.save_structure_set(name, ids)
    if app.json:
        return app.out.document(saved)
    app.out.line(f"set {name}: {len(saved.structure_ids)} structures")


@structures.command()
@click.argument("name", metavar="NAME")
@click.pass_obj
def unset(app: App, name: str) -> None:
    """Forget a named set; its structures stay.

    With --json: {name}.
    """
    app.client.delete_structure_set(name)
    if app.json:
        return app.out.document({"name": name})
    app.out.line(f"the set {name} is forgotten")


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
    """Remove uploaded structures that no task refers to, and no set.

    With --json: {items: [{id}], errors: [{id, error}]}.
    """
    return each(app, ids, app.client.delete_structure, lambda id, _: f"structure {id} is removed")
